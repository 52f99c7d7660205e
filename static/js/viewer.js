/** The dialog that shows one picture, as large as the screen. */

import { deletePicture, fetchPicture, fetchThumbnail } from "./api.js";
import { askForConfirmation } from "./confirm-dialog.js";
import * as grid from "./grid.js";
import { announce, errorMessage, showText, translate } from "./i18n.js";
import { openLinkDialog } from "./link-dialog.js";

const dialog = document.getElementById("viewer");
const title = document.getElementById("viewer-title");
const original = document.getElementById("original");
const problem = dialog.querySelector(".problem");
const MIN_SWIPE = 60; // pixels
let image = dialog.querySelector("img");
let shownId = null;
let handlers = {};

/**
 * @param {{onDeleted: (id: number) => void, onSessionEnd: () => void,
 *   onShown: (id: number) => void}} viewerHandlers
 */
export function setViewerHandlers(viewerHandlers) {
  handlers = viewerHandlers;
}

export function open(id) {
  show(id);
  if (!dialog.open) dialog.showModal();
}

export const close = () => dialog.close();

/** Show a neighbour, where the picture shown is about to be removed from the grid. */
export function leave(id) {
  if (!dialog.open || shownId !== id) return;
  announce(translate("deleted", { id }));
  const other = grid.neighbour(id, 1) ?? grid.neighbour(id, -1);
  if (other === undefined) close();
  else show(other);
}

function show(id) {
  const picture = grid.find(id);
  // Without the right to see originals, the API returns no URL.
  const hasOriginal = picture.image.startsWith("http");
  shownId = id;
  title.textContent = translate("picture", { id });
  showText(problem, "");
  original.hidden = !hasOriginal;
  if (hasOriginal) original.href = picture.image;
  for (const [action, step] of [["previous", -1], ["next", 1]]) {
    const button = dialog.querySelector(`[data-action=${action}]`);
    button.hidden = grid.neighbour(id, step) === undefined;
  }
  showImage(id, hasOriginal ? picture.image : grid.largestThumbnail(id)?.thumbnail);
  handlers.onShown(id);
}

/** Show the thumbnail at once, and the image at `url` as soon as it is loaded. */
async function showImage(id, url) {
  const preview = grid.largestThumbnail(id)?.thumbnail;
  replaceImage(makeImage(preview, preview === url ? "" : "preview"));
  if (!url) return showText(problem, translate("noPreview"));
  const loaded = (await loadImage(url)) ?? (await loadImage(await fetchNewUrl(id)));
  if (shownId !== id) return;
  if (loaded) return replaceImage(loaded);
  // Browsers show neither HEIC nor TIFF: the thumbnail stands in for such an original.
  const thumbnail = await loadImage(preview);
  if (shownId !== id) return;
  if (thumbnail) return replaceImage(thumbnail);
  showText(problem, translate("notShown"));
  replaceImage(makeImage());
}

/** Make a new element: an old one would show its former picture until the new one is loaded. */
function makeImage(url, className = "") {
  const made = document.createElement("img");
  made.alt = title.textContent;
  made.className = className;
  if (url) made.src = url;
  return made;
}

function replaceImage(made) {
  image.replaceWith(made);
  image = made;
}

/** Return the image once it can be shown, undefined where it cannot. */
async function loadImage(url) {
  const made = makeImage(url);
  return made.decode().then(() => made, () => undefined);
}

/** URLs expire: fetch a new one of the original, or of the largest thumbnail. */
async function fetchNewUrl(id) {
  const row = await fetchPicture(id).catch(() => null);
  if (row?.image.startsWith("http")) return row.image;
  const thumbnail = row && grid.largestThumbnail(id);
  return thumbnail && (await fetchThumbnail(thumbnail.id).catch(() => null))?.thumbnail;
}

function showNeighbour(step) {
  const other = grid.neighbour(shownId, step);
  if (other !== undefined) show(other);
}

async function deleteShown() {
  const id = shownId;
  if (!(await askForConfirmation(document.getElementById("confirm-delete")))) return;
  await deletePicture(id).catch((error) => {
    if (error.status !== 404) throw error;
  });
  leave(id);
  handlers.onDeleted(id);
}

const actions = {
  close,
  previous: () => showNeighbour(-1),
  next: () => showNeighbour(1),
  link: () => openLinkDialog(shownId, handlers.onSessionEnd),
  delete: deleteShown,
};

async function runAction(name) {
  try {
    await actions[name]();
  } catch (error) {
    if (error.status === 401) handlers.onSessionEnd();
    else showText(problem, errorMessage(error));
  }
}

dialog.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-action]");
  if (button) runAction(button.dataset.action);
});
dialog.addEventListener("keydown", ({ key }) => {
  const name = { ArrowLeft: "previous", ArrowRight: "next", Delete: "delete" }[key];
  if (name) runAction(name);
});
dialog.addEventListener("close", () => grid.focus(shownId));

let touchStart = null;
dialog.addEventListener("touchstart", ({ touches }) => {
  touchStart = touches.length === 1 ? touches[0].clientX : null;
}, { passive: true });
dialog.addEventListener("touchend", ({ changedTouches }) => {
  const moved = touchStart === null ? 0 : changedTouches[0].clientX - touchStart;
  // Someone who has zoomed in moves the picture, and does not want another.
  if (Math.abs(moved) > MIN_SWIPE && !(visualViewport?.scale > 1)) showNeighbour(moved > 0 ? -1 : 1);
}, { passive: true });
