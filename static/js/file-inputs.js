/** Where files come from: the file picker, a drop anywhere on the page, the clipboard. */

const picker = document.getElementById("files");
const dropOverlay = document.getElementById("drop-overlay");

/**
 * @param {() => boolean} isEnabled whether files are accepted now
 * @param {(files: File[]) => void} onFiles
 */
export function listenForFiles(isEnabled, onFiles) {
  const receive = (files) => isEnabled() && files.length && onFiles([...files]);
  picker.addEventListener("change", () => {
    receive(picker.files);
    picker.value = "";
  });
  document.addEventListener("paste", (event) => receive(event.clipboardData.files));
  listenForDrops(isEnabled, receive);
}

function listenForDrops(isEnabled, receive) {
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    // Without this the browser would leave the page and open the file.
    event.preventDefault();
    dropOverlay.hidden = !isEnabled();
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) dropOverlay.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    dropOverlay.hidden = true;
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    receive(event.dataTransfer.files);
  });
}
