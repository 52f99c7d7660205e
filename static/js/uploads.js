/** The panel of uploads: a row for each file, a few sent at a time. */

import { ApiError, api } from "./api.js";
import { announce, clone, find, handleActions, showText } from "./dom.js";
import { errorMessage, translate } from "./i18n.js";

const MAX_CONCURRENT = 2;
// The panel closes this long after all uploads succeeded.
const CLOSE_DELAY = 2500; // milliseconds
// What the service says for a while, or nothing at all.
const PASSING = [0, 429, 502, 503, 504];
const MAX_TRIES = 5;
const panel = find("#uploads");
const list = find("ul", panel);
const summary = find("#summary");
/** @type {Upload[]} */
const queue = [];
/** @type {Set<Upload>} */
const running = new Set();
/** @type {Set<string>} digests of what this page has sent or sends */
const sent = new Set();
let count = { all: 0, done: 0, failed: 0 };
let pausedBy = ""; // in words
/** @type {UploadHandlers} */
let handlers = { onStored: () => {}, onSessionEnd: () => {} };

/** @type {Uploads} */
export const uploads = {
  start(uploadHandlers) {
    handlers = uploadHandlers;
    find("#clear").addEventListener("click", uploads.clear);
    addEventListener("beforeunload", (event) => isBusy() && event.preventDefault());
  },
  enqueue(files, more) {
    for (const file of files) queue.push(makeUpload({ file, ...more }));
    count.all += files.length;
    sendNext();
  },
  clear() {
    queue.length = 0;
    for (const upload of running) upload.controller.abort();
    list.replaceChildren();
    count = { all: 0, done: 0, failed: 0 };
    panel.hidden = true;
  },
  resume() {
    pausedBy = "";
    sendNext();
  },
};

const isBusy = () => count.all > count.done + count.failed;

function sendNext() {
  if (!navigator.onLine) pausedBy = translate("waiting");
  while (!pausedBy && running.size < MAX_CONCURRENT && queue.length) {
    void send(/** @type {Upload} */ (queue.shift()));
  }
  if (pausedBy) for (const { status } of queue) showText(status, pausedBy);
  showSummary();
}

/** @param {Upload} upload */
async function send(upload) {
  const { file, row, controller, key, status, bar } = upload;
  running.add(upload);
  showText(status, "");
  try {
    if (!upload.isWanted && (await isDuplicate(upload))) return showDuplicate(upload);
    // What is sent again may be there since the first time; its key has it stored once.
    upload.isWanted = true;
    sent.add(upload.digest);
    const picture = await api.uploadPicture(file, key, (share) => {
      bar.value = share;
      if (share < 1) return;
      bar.removeAttribute("value");
      showText(status, translate("checking"));
    }, controller.signal);
    count.done += 1;
    row.remove();
    upload.onDone();
    handlers.onStored(picture);
  } catch (error) {
    sent.delete(upload.digest);
    // The file was moved, changed or deleted since it was chosen.
    if (error instanceof DOMException) return fail(upload, translate("unreadable"));
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) handlers.onSessionEnd();
    else if (controller.signal.aborted) return;
    else if (PASSING.includes(error.status) && upload.tries < MAX_TRIES) {
      bar.value = 0;
      queue.unshift(upload);
      upload.tries += 1;
      pausedBy = translate(error.status ? "busy" : "waiting");
      // Without a connection, the first answer resumes.
      if (error.status) setTimeout(uploads.resume, 1000 * 2 ** upload.tries);
    } else {
      fail(upload, errorMessage(error));
      const isWorthRetrying = PASSING.includes(error.status) || error.status >= 500;
      find("[data-action=retry]", row).hidden = !isWorthRetrying;
      if (!isWorthRetrying) upload.onDone();
    }
  } finally {
    running.delete(upload);
    sendNext();
  }
}

/** Tell whether the account has the same bytes. @param {Upload} upload */
async function isDuplicate(upload) {
  // Over plain HTTP browsers compute no digests.
  if (!crypto.subtle) return false;
  const digest = await crypto.subtle.digest("SHA-256", await upload.file.arrayBuffer());
  upload.digest = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (sent.has(upload.digest)) return true;
  const [found] = await api.findByDigest(upload.digest);
  upload.sameAs = found?.id;
  return found !== undefined;
}

/** @param {Upload} upload */
function showDuplicate(upload) {
  const show = find("a[data-action=show]", upload.row);
  show.hidden = !upload.sameAs;
  show.href = `/p/${upload.sameAs}`;
  fail(upload, translate("duplicate"));
  upload.onDone();
  find("[data-action=anyway]", upload.row).hidden = false;
}

/** @param {Upload} upload @param {string} message */
function fail({ file, row, status, bar }, message) {
  count.failed += 1;
  row.classList.add("failed");
  bar.hidden = true;
  find("[data-action=cancel]", row).ariaLabel = translate("dismiss");
  showText(status, message);
  announce(`${file.name}: ${message}`);
}

/** @type {MakeUpload} */
function makeUpload({ file, key = randomKey(), isWanted = false, onDone = () => {} }) {
  const row = clone("upload-row");
  const name = find(".name", row);
  name.textContent = name.title = file.name;
  const bar = find("progress", row);
  bar.ariaLabel = file.name;
  /** @type {Upload} */
  const upload = {
    file, row, bar, status: find(".status", row), controller: new AbortController(), key,
    digest: "", isWanted, onDone, tries: 0,
  };
  handleActions(row, {
    cancel() {
      remove(upload);
      onDone();
    },
    retry: () => retry(upload, upload.isWanted),
    anyway: () => retry(upload, true),
  });
  list.append(row);
  return upload;
}

/** Not randomUUID, which browsers have over HTTPS alone. */
const randomKey = () => [...crypto.getRandomValues(new Uint32Array(4))].join("-");

/** @param {Upload} upload */
function remove(upload) {
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
  remove(upload);
  // By its own key: perhaps only the response was lost.
  queue.push(makeUpload({ ...upload, isWanted }));
  count.all += 1;
  uploads.resume();
}

function showSummary() {
  panel.hidden = count.all === 0;
  const text = translate(count.failed ? "someFailed" : "uploaded", count);
  // Only when it changes: a screen reader speaks each change.
  if (summary.textContent !== text) summary.textContent = text;
  if (count.done === count.all) setTimeout(() => count.done === count.all && uploads.clear(), CLOSE_DELAY);
}
