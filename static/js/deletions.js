/** Deletions that wait ten seconds, so that they can be undone. */

import { ApiError, deletePictures } from "./api.js";
import { byId, part } from "./dom.js";
import { errorMessage, translate } from "./i18n.js";
import * as store from "./store.js";

const WAIT = 10_000; // milliseconds
const toast = byId("undo");
/** @type {number[]} */
let waiting = [];
let timer = 0;
/** @type {(error: ApiError) => void} */
let onFailure = () => {};

/** Take pictures out of the list now, and delete them unless that is undone. @param {number[]} ids */
export async function deleteSoon(ids) {
  await flush();
  waiting = ids;
  store.hide(ids);
  part(toast, "p").textContent = translate("deletedMany", { count: ids.length });
  toast.hidden = false;
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
}

function take() {
  const ids = waiting;
  waiting = [];
  clearTimeout(timer);
  toast.hidden = true;
  return ids;
}

/** Send what waits. @param {{isLeaving?: boolean}} [options] whether the page goes away meanwhile */
export async function flush({ isLeaving = false } = {}) {
  const ids = take();
  for (let start = 0; start < ids.length; start += 1000) {
    const some = ids.slice(start, start + 1000);
    try {
      await deletePictures(some, isLeaving);
      store.remove(some);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      store.unhide(ids.slice(start));
      return onFailure(error);
    }
  }
}

export const isWaiting = () => waiting.length > 0;

/** @param {(error: ApiError) => void} failureHandler */
export function start(failureHandler) {
  onFailure = failureHandler;
  part(toast, "button").addEventListener("click", undo);
  addEventListener("pagehide", () => void flush({ isLeaving: true }));
  addEventListener("keydown", (event) => {
    const isField = event.target instanceof Element && event.target.matches("input, textarea");
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || isField || !isWaiting()) return;
    event.preventDefault();
    undo();
  });
}

/** @param {ApiError} error */
export const deletionMessage = (error) =>
  error.status === 0 ? translate("notDeleted") : errorMessage(error);
