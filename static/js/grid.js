/** The rows of pictures, newest first; a tile is pending until its first thumbnail is there. */

import { fetchThumbnail } from "./api.js";
import { translate } from "./i18n.js";

const grid = document.getElementById("pictures");
const tileTemplate = document.getElementById("tile").content.firstElementChild;
// The page stops waiting for a worker that is down for longer than this.
const TIMEOUT = 120_000; // milliseconds
const MIN_ASPECT_RATIO = 0.6;
const MAX_ASPECT_RATIO = 2.6;
// Thumbnails lower than this many pixels are not enlarged.
const MIN_ENLARGED_HEIGHT = 100;
const pictures = new Map(); // id -> {id, image, tile}
const thumbnails = new Map(); // picture id -> its thumbnails
// Ids of removed pictures: a response that is still under way may list them.
const removed = new Set();

/** Show pictures of the API; one that is shown already stays as it is. */
export function add(rows) {
  for (const { id, image } of rows) {
    if (pictures.has(id) || removed.has(id)) continue;
    const tile = tileTemplate.cloneNode(true);
    tile.dataset.id = id;
    tile.firstChild.setAttribute("aria-label", translate("picture", { id }));
    grid.insertBefore(tile, firstOlderTile(id));
    pictures.set(id, { id, image, tile });
    showThumbnail(id);
    setTimeout(stopWaiting, TIMEOUT, id);
  }
}

/** Return the tile to insert a picture before: uploads may finish in any order. */
function firstOlderTile(id) {
  const isOlder = (tile) => Number(tile.dataset.id) < id;
  const last = grid.lastElementChild;
  return last && isOlder(last) ? [...grid.children].find(isOlder) : null;
}

/** Add a thumbnail of the API, whether its picture is shown yet or not. */
export function addThumbnail(row) {
  thumbnails.set(row.image_id, [...(thumbnails.get(row.image_id) ?? []), row]);
  showThumbnail(row.image_id);
}

function showThumbnail(id) {
  const picture = pictures.get(id);
  const best = chooseThumbnail(thumbnails.get(id) ?? []);
  if (!picture || !best) return;
  const button = picture.tile.firstChild;
  const image = button.querySelector("img") ?? makeImage(picture.tile);
  image.onerror = () => renewUrl(image, best.id);
  image.src = best.thumbnail;
  picture.tile.classList.remove("pending");
  button.replaceChildren(image);
}

/** Return the smallest thumbnail that fills a row on this screen, else the largest. */
function chooseThumbnail(rows) {
  const height = grid.firstElementChild?.offsetHeight * devicePixelRatio || 0;
  return byHeight(rows).find((row) => row.height >= height) ?? byHeight(rows).at(-1);
}

const byHeight = (rows) => rows.toSorted((one, other) => one.height - other.height);

function makeImage(tile) {
  const image = document.createElement("img");
  image.alt = "";
  image.loading = "lazy";
  image.onload = () => {
    const ratio = image.naturalWidth / image.naturalHeight;
    const bounded = Math.min(MAX_ASPECT_RATIO, Math.max(MIN_ASPECT_RATIO, ratio));
    tile.style.setProperty("--aspect-ratio", bounded.toFixed(3));
    tile.classList.toggle("small", image.naturalHeight < MIN_ENLARGED_HEIGHT);
  };
  return image;
}

/** Fetch a new URL, once: URLs expire, and a page may stay open for hours. */
async function renewUrl(image, thumbnailId) {
  image.onerror = null;
  const row = await fetchThumbnail(thumbnailId).catch(() => null);
  if (row) image.src = row.thumbnail;
}

export function hasPending() {
  return grid.querySelector(".pending") !== null;
}

/** Show that a picture has no preview, where it is still pending. */
export function stopWaiting(id) {
  const tile = pictures.get(id)?.tile;
  if (!tile?.matches(".pending")) return;
  tile.classList.remove("pending");
  tile.querySelector("span").textContent = translate("noPreview");
}

export function remove(id) {
  removed.add(id);
  pictures.get(id)?.tile.remove();
  pictures.delete(id);
  thumbnails.delete(id);
}

export const ids = () => [...pictures.keys()];
export const count = () => pictures.size;
export const find = (id) => pictures.get(id);

/** Return undefined where the picture has no thumbnail yet. */
export function largestThumbnail(id) {
  return byHeight(thumbnails.get(id) ?? []).at(-1);
}

/** Return the id of the picture before (-1) or after (1) another, undefined at the end. */
export function neighbour(id, step) {
  const tile = pictures.get(id)?.tile;
  const other = step < 0 ? tile?.previousElementSibling : tile?.nextElementSibling;
  return other ? Number(other.dataset.id) : undefined;
}

/** Focus a picture, or the heading above them all where it is gone. */
export function focus(id) {
  const tile = pictures.get(id)?.tile;
  (tile ? tile.firstChild : document.getElementById("heading")).focus();
}

/** @param {(id: number) => void} onSelect */
export function handleSelection(onSelect) {
  grid.addEventListener("click", ({ target }) => {
    const tile = target.closest("li");
    if (tile && target.closest("button")) onSelect(Number(tile.dataset.id));
  });
  grid.addEventListener("keydown", ({ key, target }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    const other = step && neighbour(Number(target.closest("li").dataset.id), step);
    if (other) focus(other);
  });
}
