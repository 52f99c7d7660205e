/** The panel of uploads: one row with a progress bar for each file, a few sent at a time. */

import { ApiError, findByDigest, uploadPicture } from "./api.js";
import { announce, byId, clone, find, handleActions, part, showText } from "./dom.js";
import { errorMessage, translate } from "./i18n.js";

const MAX_CONCURRENT = 2;
// The panel closes this long after all uploads succeeded.
const CLOSE_DELAY = 2500; // milliseconds
const panel = byId("uploads");
const list = part(panel, "ul");
const summary = byId("summary");
/** @typedef {{file: File, row: HTMLElement, controller: AbortController, key: string, digest: string, isWanted: boolean}} Upload */
/** @type {Upload[]} */
const queue = [];
/** @type {Set<Upload>} */
const running = new Set();
/** @type {Set<string>} digests of what this page has sent or sends */
const sent = new Set();
let count = { all: 0, done: 0, failed: 0 };
let isPaused = false;
/** @type {{onStored: (picture: {id: number}) => void, onSessionEnd: () => void}} */
let handlers = { onStored: () => {}, onSessionEnd: () => {} };

/** @param {typeof handlers} uploadHandlers */
export function setUploadHandlers(uploadHandlers) {
  handlers = uploadHandlers;
}

/** @param {File[]} files */
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

/** Go on with what waits for the connection. */
export function resume() {
  isPaused = false;
  sendNext();
}

const isBusy = () => count.all > count.done + count.failed;

function sendNext() {
  isPaused ||= !navigator.onLine;
  while (!isPaused && running.size < MAX_CONCURRENT && queue.length) {
    void send(/** @type {Upload} */ (queue.shift()));
  }
  if (isPaused) for (const { row } of queue) showText(part(row, ".status"), translate("waiting"));
  showSummary();
}

/** @param {Upload} upload */
async function send(upload) {
  const { file, row, controller, key } = upload;
  running.add(upload);
  showText(part(row, ".status"), "");
  try {
    if (!upload.isWanted && (await isDuplicate(upload))) return showDuplicate(upload);
    sent.add(upload.digest);
    const onProgress = (/** @type {number} */ share) => showProgress(upload, share);
    const picture = await uploadPicture(file, key, onProgress, controller.signal);
    count.done += 1;
    row.remove();
    handlers.onStored(picture);
  } catch (error) {
    sent.delete(upload.digest);
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) handlers.onSessionEnd();
    else if (controller.signal.aborted) return;
    else if (error.status === 0 && !navigator.onLine) wait(upload);
    else showFailure(upload, error);
  } finally {
    running.delete(upload);
    sendNext();
  }
}

/** Send it when the connection is back; its key has it stored once. @param {Upload} upload */
function wait(upload) {
  const bar = find(upload.row, "progress", HTMLProgressElement);
  bar.value = 0;
  queue.unshift(upload);
  isPaused = true;
}

/** Tell whether the account has the same bytes. @param {Upload} upload */
async function isDuplicate(upload) {
  // Over plain HTTP browsers compute no digests.
  if (!crypto.subtle) return false;
  const digest = await crypto.subtle.digest("SHA-256", await upload.file.arrayBuffer());
  upload.digest = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (sent.has(upload.digest)) return true;
  const [found] = await findByDigest(upload.digest);
  if (found) part(upload.row, "[data-action=show]").dataset.id = String(found.id);
  return found !== undefined;
}

/** @param {Upload} upload */
function showDuplicate(upload) {
  const show = find(upload.row, "[data-action=show]", HTMLAnchorElement);
  show.hidden = !show.dataset.id;
  show.href = `/p/${show.dataset.id}`;
  fail(upload, translate("duplicate"));
  part(upload.row, "[data-action=anyway]").hidden = false;
}

/** @param {Upload} upload @param {number} share */
function showProgress({ row }, share) {
  const bar = find(row, "progress", HTMLProgressElement);
  bar.value = share;
  if (share < 1) return;
  bar.removeAttribute("value");
  showText(part(row, ".status"), translate("checking"));
}

/** @param {Upload} upload @param {ApiError} error */
function showFailure(upload, error) {
  fail(upload, errorMessage(error));
  part(upload.row, "[data-action=retry]").hidden = !isWorthRetrying(error.status);
}

/** @param {Upload} upload @param {string} message */
function fail({ file, row }, message) {
  count.failed += 1;
  row.classList.add("failed");
  part(row, "progress").hidden = true;
  part(row, "[data-action=cancel]").setAttribute("aria-label", translate("dismiss"));
  showText(part(row, ".status"), message);
  announce(`${file.name}: ${message}`);
}

/** @param {number} status */
const isWorthRetrying = (status) => status === 0 || status === 429 || status >= 500;

/** @param {File} file @returns {Upload} */
function makeUpload(file, isWanted = false) {
  const row = clone("upload-row");
  const name = part(row, ".name");
  name.textContent = name.title = file.name;
  part(row, "progress").setAttribute("aria-label", file.name);
  // Not randomUUID, which browsers have over HTTPS alone.
  const key = [...crypto.getRandomValues(new Uint32Array(4))].join("-");
  const upload = { file, row, controller: new AbortController(), key, digest: "", isWanted };
  handleActions(row, (action) => {
    if (action === "cancel") cancel(upload);
    if (action === "retry" || action === "anyway") retry(upload, action === "anyway");
  });
  list.append(row);
  return upload;
}

/** @param {Upload} upload */
function cancel(upload) {
  const index = queue.indexOf(upload);
  if (index >= 0) queue.splice(index, 1);
  upload.controller.abort();
  upload.row.remove();
  count.all -= 1;
  if (upload.row.matches(".failed")) count.failed -= 1;
  sendNext();
}

/** @param {Upload} upload @param {boolean} isWanted though it is there already */
function retry(upload, isWanted) {
  cancel(upload);
  const again = makeUpload(upload.file, isWanted || upload.isWanted);
  // The service may have stored it, and only its response was lost.
  again.key = upload.key;
  queue.push(again);
  count.all += 1;
  resume();
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

byId("clear").addEventListener("click", clear);
window.addEventListener("beforeunload", (event) => isBusy() && event.preventDefault());
