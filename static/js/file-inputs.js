/** Where files come from: the picker, a drop anywhere, the clipboard. */

import { find } from "./dom.js";

const picker = find("input#files");
const dropOverlay = find("#drop-overlay");

/** @type {ListenForFiles} */
export function listenForFiles(isEnabled, onFiles) {
  const receive = (/** @type {FileList | null | undefined} */ files) => {
    if (isEnabled() && files?.length) onFiles([...files]);
  };
  picker.addEventListener("change", () => {
    receive(picker.files);
    picker.value = "";
  });
  document.addEventListener("paste", (event) => receive(event.clipboardData?.files));
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    // Else the browser would leave the page and open the file.
    event.preventDefault();
    dropOverlay.hidden = !isEnabled();
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) dropOverlay.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    dropOverlay.hidden = true;
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    receive(event.dataTransfer.files);
  });
}
