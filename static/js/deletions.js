/** Deletions that wait ten seconds, so that they can be undone. */

import { ApiError, deletePictures } from "./api.js";
import { byId, find, part } from "./dom.js";
import { errorMessage, translate } from "./i18n.js";
import * as store from "./store.js";

const WAIT = 10_000; // milliseconds
const toast = byId("undo");
const home = toast.parentElement ?? document.body;
const button = find(toast, "button", HTMLButtonElement);
/** @type {number[]} */
let waiting = [];
let timer = 0;
let onUndone = () => {};

/**
 * Take pictures out of the list now, and delete them unless that is undone. Those that wait already
 * wait, and come back, together with them.
 * @param {number[]} ids
 * @param {() => void} [undoHandler]
 */
export function deleteSoon(ids, undoHandler = () => {}) {
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
  part(toast, "p").textContent = text;
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
  // Once the list has them again; the button that was pressed can no longer have the focus.
  queueMicrotask(onUndone);
}

function take() {
  const ids = waiting;
  waiting = [];
  clearTimeout(timer);
  toast.hidden = true;
  return ids;
}

/** Send what waits. @param {boolean} [isLeaving] whether the page goes away meanwhile */
export async function flush(isLeaving) {
  const ids = take();
  for (let start = 0; start < ids.length; start += 1000) {
    const some = ids.slice(start, start + 1000);
    try {
      await deletePictures(some, isLeaving);
      store.remove(some);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      store.unhide(ids.slice(start));
      return show(error.status ? errorMessage(error) : translate("notDeleted"), false);
    }
  }
}

export function start() {
  button.addEventListener("click", undo);
  addEventListener("pagehide", () => void flush(true));
  // With its dialog, what is said in it would be hidden.
  document.addEventListener("close", () => home.append(toast), true);
  addEventListener("keydown", (event) => {
    const isField = event.target instanceof Element && event.target.matches("input, textarea");
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || isField || !waiting.length) return;
    event.preventDefault();
    undo();
  });
}
