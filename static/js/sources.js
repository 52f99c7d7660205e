/** Where pictures come from: the file picker, a drop anywhere on the page, the clipboard. */

const files = document.getElementById("files");
const veil = document.getElementById("veil");

/**
 * @param {() => boolean} isOpen whether pictures are taken now
 * @param {(files: File[]) => void} take
 */
export function listen(isOpen, take) {
  const receive = (list) => isOpen() && list.length && take([...list]);
  files.addEventListener("change", () => {
    receive(files.files);
    files.value = "";
  });
  document.addEventListener("paste", (event) => receive(event.clipboardData.files));
  listenToDrops(isOpen, receive);
}

function listenToDrops(isOpen, receive) {
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    // Without this the browser would leave the page and open the file.
    event.preventDefault();
    veil.hidden = !isOpen();
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    receive(event.dataTransfer.files);
  });
}
