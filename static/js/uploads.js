/** The panel of uploads: one row with a progress bar for each file, a few sent at a time. */

import { uploadPicture } from "./api.js";
import { announce, errorMessage, showText, translate } from "./i18n.js";

const MAX_CONCURRENT = 2;
// The panel closes this long after all uploads succeeded.
const CLOSE_DELAY = 2500; // milliseconds
const panel = document.getElementById("uploads");
const list = panel.querySelector("ul");
const summary = document.getElementById("summary");
const rowTemplate = document.getElementById("upload-row").content.firstElementChild;
const queue = [];
const running = new Set();
let count = { all: 0, done: 0, failed: 0 };
let handlers = {};

/**
 * @param {{onStored: (picture: {id: number, image: string}) => void, onSessionEnd: () => void}}
 *   uploadHandlers
 */
export function setUploadHandlers(uploadHandlers) {
  handlers = uploadHandlers;
}

export function enqueue(files) {
  for (const file of files) queue.push(makeUpload(file));
  count.all += files.length;
  sendNext();
}

/** Remove every row and abort what is being sent. */
export function clear() {
  queue.length = 0;
  for (const upload of running) upload.controller.abort();
  list.replaceChildren();
  count = { all: 0, done: 0, failed: 0 };
  panel.hidden = true;
}

const isBusy = () => count.all > count.done + count.failed;

function sendNext() {
  while (running.size < MAX_CONCURRENT && queue.length) send(queue.shift());
  showSummary();
}

async function send(upload) {
  const { file, row, controller } = upload;
  running.add(upload);
  try {
    const onProgress = (share) => showProgress(upload, share);
    const picture = await uploadPicture(file, onProgress, controller.signal);
    count.done += 1;
    row.remove();
    handlers.onStored(picture);
  } catch (error) {
    if (error.status === 401) handlers.onSessionEnd();
    else if (!controller.signal.aborted) showFailure(upload, error);
  }
  running.delete(upload);
  sendNext();
}

function showProgress({ row }, share) {
  const bar = row.querySelector("progress");
  bar.value = share;
  if (share < 1) return;
  bar.removeAttribute("value");
  showText(row.querySelector(".status"), translate("checking"));
}

function showFailure({ file, row }, error) {
  const message = errorMessage(error);
  count.failed += 1;
  row.classList.add("failed");
  row.querySelector("progress").hidden = true;
  row.querySelector("[data-action=retry]").hidden = !isWorthRetrying(error.status);
  row.querySelector("[data-action=cancel]").setAttribute("aria-label", translate("dismiss"));
  showText(row.querySelector(".status"), message);
  announce(`${file.name}: ${message}`);
}

const isWorthRetrying = (status) => status === 0 || status === 429 || status >= 500;

function makeUpload(file) {
  const row = rowTemplate.cloneNode(true);
  row.querySelector(".name").textContent = row.querySelector(".name").title = file.name;
  row.querySelector("progress").setAttribute("aria-label", file.name);
  const upload = { file, row, controller: new AbortController() };
  row.querySelector("[data-action=cancel]").addEventListener("click", () => cancel(upload));
  row.querySelector("[data-action=retry]").addEventListener("click", () => retry(upload));
  list.append(row);
  return upload;
}

function cancel(upload) {
  const index = queue.indexOf(upload);
  if (index >= 0) queue.splice(index, 1);
  upload.controller.abort();
  upload.row.remove();
  count.all -= 1;
  if (upload.row.matches(".failed")) count.failed -= 1;
  sendNext();
}

function retry(upload) {
  cancel(upload);
  enqueue([upload.file]);
}

function showSummary() {
  panel.hidden = count.all === 0;
  const text = translate(count.failed ? "someFailed" : "uploaded", count);
  // Only when it changes: a screen reader speaks each change.
  if (summary.textContent !== text) summary.textContent = text;
  if (count.done === count.all) setTimeout(clearIfDone, CLOSE_DELAY);
}

function clearIfDone() {
  if (count.done === count.all) clear();
}

document.getElementById("clear").addEventListener("click", clear);
window.addEventListener("beforeunload", (event) => isBusy() && event.preventDefault());
