/** Deletions wait ten seconds, and can be undone. */

import { ApiError, api } from "./api.js";
import { closest, find } from "./dom.js";
import { errorMessage, translate } from "./i18n.js";
import { store } from "./store.js";

const WAIT = 10_000; // milliseconds
const toast = find("#undo");
const home = toast.parentElement ?? document.body;
const button = find("button", toast);
/** @type {number[]} */
let waiting = [];
let timer = 0;
let onUndone = () => {};

/**
 * Take pictures out of the list now, and delete them unless that is undone. Those that wait already
 * wait, and come back, together with them.
 * @type {DeleteSoon}
 */
export function deleteSoon(ids, undoHandler) {
  waiting = [...waiting, ...ids];
  onUndone = undoHandler;
  store.hide(ids);
  show(translate("deletedMany", { count: waiting.length }), true);
}

/** @param {string} text @param {boolean} isUndoable */
function show(text, isUndoable) {
  // What lies outside an open dialog can be neither seen nor pressed.
  (document.querySelector("dialog[open]") ?? home).append(toast);
  button.hidden = !isUndoable;
  toast.hidden = false;
  find("p", toast).textContent = text;
  restart();
}

function restart() {
  clearTimeout(timer);
  // Whoever is about to press the button has the time to.
  timer = setTimeout(() => (toast.matches(":hover, :focus-within") ? restart() : flush()), WAIT);
  // The line that runs out begins anew.
  for (const line of toast.getAnimations({ subtree: true })) line.currentTime = 0;
}

function undo() {
  store.unhide(take());
  // Once the list has them again: the button loses the focus.
  queueMicrotask(onUndone);
}

function take() {
  const ids = waiting;
  waiting = [];
  clearTimeout(timer);
  toast.hidden = true;
  return ids;
}

/** Send what waits; `isLeaving`: the page goes away meanwhile. */
export async function flush(isLeaving = false) {
  const ids = take();
  for (let start = 0; start < ids.length; start += 1000) {
    const sent = send(ids.slice(start, start + 1000), isLeaving);
    // A page that goes away can wait for nothing.
    if (!isLeaving) await sent;
  }
}

/** @param {number[]} ids @param {boolean} isLeaving */
async function send(ids, isLeaving) {
  try {
    await api.deletePictures(ids, isLeaving);
    store.remove(ids);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    store.unhide(ids);
    show(error.status ? errorMessage(error) : translate("notDeleted"), false);
  }
}

export function start() {
  button.addEventListener("click", undo);
  addEventListener("pagehide", () => void flush(true));
  // With its dialog, what is said in it would be hidden.
  document.addEventListener("close", () => home.append(toast), true);
  addEventListener("keydown", (event) => {
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || !waiting.length) return;
    if (closest(event, "input, textarea")) return;
    event.preventDefault();
    undo();
  });
}
