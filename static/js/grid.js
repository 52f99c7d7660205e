/** The rows of pictures, newest first; each tile waits until its first thumbnail is there. */

import { thumbnail as again } from "./api.js";
import { word } from "./words.js";

const grid = document.getElementById("pictures");
const pattern = document.getElementById("tile").content.firstElementChild;
// A worker that is down for longer than this is not awaited by the page; a reload asks again.
const PATIENCE = 120_000;
const NARROWEST = 0.6;
const WIDEST = 2.6;
const SMALL = 100; // pixels: drawn as it is, not blown up
const pictures = new Map(); // id -> {id, image, tile}
const copies = new Map(); // picture id -> its thumbnails
const gone = new Set(); // ids: a page of the list may have been asked for before they went

/** Show pictures of the API; one that is shown already stays as it is. */
export function add(rows) {
  for (const { id, image } of rows) {
    if (pictures.has(id) || gone.has(id)) continue;
    const tile = pattern.cloneNode(true);
    tile.dataset.id = id;
    tile.firstChild.setAttribute("aria-label", word("picture", { id }));
    grid.insertBefore(tile, olderThan(id));
    pictures.set(id, { id, image, tile });
    dress(id);
    setTimeout(giveUp, PATIENCE, id);
  }
}

/** The tile that a picture goes before: uploads end in any order. */
function olderThan(id) {
  const isOlder = (tile) => Number(tile.dataset.id) < id;
  const last = grid.lastElementChild;
  return last && isOlder(last) ? [...grid.children].find(isOlder) : null;
}

/** Take in a thumbnail, whether its picture is shown yet or not. */
export function take(row) {
  copies.set(row.image_id, [...(copies.get(row.image_id) ?? []), row]);
  dress(row.image_id);
}

function dress(id) {
  const shown = pictures.get(id);
  const best = fitting(copies.get(id) ?? []);
  if (!shown || !best) return;
  const button = shown.tile.firstChild;
  const image = button.querySelector("img") ?? makeImage(shown.tile);
  image.onerror = () => renew(image, best.id);
  image.src = best.thumbnail;
  shown.tile.classList.remove("waiting");
  button.replaceChildren(image);
}

/** The smallest copy that fills a row on this screen, else the largest there is. */
function fitting(rows) {
  const wanted = grid.firstElementChild?.offsetHeight * devicePixelRatio || 0;
  return sorted(rows).find((row) => row.height >= wanted) ?? sorted(rows).at(-1);
}

const sorted = (rows) => rows.toSorted((one, other) => one.height - other.height);

function makeImage(tile) {
  const image = document.createElement("img");
  image.alt = "";
  image.loading = "lazy";
  image.onload = () => {
    const shape = image.naturalWidth / image.naturalHeight;
    tile.style.setProperty("--shape", Math.min(WIDEST, Math.max(NARROWEST, shape)).toFixed(3));
    tile.classList.toggle("small", image.naturalHeight < SMALL);
  };
  return image;
}

/** An address works for a while only: a page that was open for hours asks for a new one, once. */
async function renew(image, id) {
  image.onerror = null;
  const row = await again(id).catch(() => null);
  if (row) image.src = row.thumbnail;
}

export function isWaiting() {
  return grid.querySelector(".waiting") !== null;
}

/** Stop waiting for a thumbnail. */
export function giveUp(id) {
  const tile = pictures.get(id)?.tile;
  if (!tile?.matches(".waiting")) return;
  tile.classList.remove("waiting");
  tile.querySelector("span").textContent = word("noPreview");
}

export function remove(id) {
  gone.add(id);
  pictures.get(id)?.tile.remove();
  pictures.delete(id);
  copies.delete(id);
}

export const ids = () => [...pictures.keys()];
export const count = () => pictures.size;
export const find = (id) => pictures.get(id);

/** The largest thumbnail, undefined where there is none yet. */
export function largest(id) {
  return sorted(copies.get(id) ?? []).at(-1);
}

/** The id of the picture before (-1) or after (1) another, undefined at the end. */
export function beside(id, step) {
  const tile = pictures.get(id)?.tile;
  const other = step < 0 ? tile?.previousElementSibling : tile?.nextElementSibling;
  return other ? Number(other.dataset.id) : undefined;
}

/** Put the focus on a picture, or above them all where it is gone. */
export function focus(id) {
  const tile = pictures.get(id)?.tile;
  (tile ? tile.firstChild : document.getElementById("heading")).focus();
}

/** @param {(id: number) => void} open */
export function whenChosen(open) {
  grid.addEventListener("click", ({ target }) => {
    const tile = target.closest("li");
    if (tile && target.closest("button")) open(Number(tile.dataset.id));
  });
  grid.addEventListener("keydown", ({ key, target }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    const other = step && beside(Number(target.closest("li").dataset.id), step);
    if (other) focus(other);
  });
}
