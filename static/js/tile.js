/** A picture of the list: a button with its thumbnail, a box to select it; what loads when. */

import { clone, find } from "./dom.js";
import { titleOf, translate } from "./i18n.js";
import { store } from "./store.js";
import { thumbhashUrl } from "./thumbhash.js";

// Thumbnails lower than this many pixels are not enlarged.
const MIN_ENLARGED_HEIGHT = 100;
// The page stops waiting for a worker that is down for longer than this.
const TIMEOUT = 120_000; // milliseconds
const DELAY = 30; // milliseconds
/** @type {Map<number, number>} when a pending picture was first shown */
const firstShown = new Map();
let onStale = (/** @type {number} */ _id) => {};
let timer = 0;

/** @param {typeof onStale} handler is called where the URLs of a picture have expired */
export const handleStale = (handler) => void (onStale = handler);

/** @returns {Tile} */
export function createTile() {
  const element = clone("tile");
  const button = find("button", element);
  const box = find("input", element);
  element.replaceChildren();
  return {
    element, button, box, picture: null, row: null, total: 0, width: 0,
    isBare: true, isLoading: false, isStale: false,
  };
}

/** @type {ShowFacts} */
export function showFacts(tile, picture, isBare) {
  if (tile.picture === picture && tile.isBare === isBare) return;
  const idsOf = (/** @type {Picture | null} */ of) => of?.thumbnails.map(({ id }) => id).join();
  if (tile.isStale || idsOf(tile.picture) !== idsOf(picture)) tile.isLoading = tile.isStale = false;
  tile.picture = picture;
  const { element, button, box } = tile;
  element.dataset.id = String(picture.id);
  if (element.style.backgroundImage !== "none") element.style.backgroundColor = picture.dominant_color ?? "";
  if (isBare) return;
  if (!button.parentNode) element.append(button, box);
  const title = titleOf(picture);
  button.ariaLabel = title;
  box.ariaLabel = translate("select", { title });
  const isWaiting = picture.state === "pending" && !picture.thumbnails.length && !isOverdue(picture);
  element.classList.toggle("pending", isWaiting);
  element.classList.toggle("small", picture.height < MIN_ENLARGED_HEIGHT);
  const image = button.querySelector("img");
  if (picture.thumbnails.length) {
    if (image) image.alt = picture.description;
  } else {
    image?.remove();
    find("span", button).textContent = translate(isWaiting ? "beingPrepared" : "noPreview");
  }
}

/** @param {Picture} picture */
function isOverdue({ id }) {
  const since = firstShown.get(id) ?? Date.now();
  // Drawn again then, unless its thumbnails are there before.
  if (!firstShown.has(id)) setTimeout(() => store.update(id, {}), TIMEOUT);
  firstShown.set(id, since);
  return Date.now() - since >= TIMEOUT;
}

/** @type {ShowPlaceholder} */
function showPlaceholder({ element, picture }) {
  if (!picture?.thumbhash || element.style.backgroundImage) return;
  element.style.backgroundImage = `url(${thumbhashUrl(picture.thumbhash)})`;
}

/** @type {LoadImages} */
export function loadImages(tiles, top, screen) {
  clearTimeout(timer);
  const inOrder = tiles.sort((one, other) => (one.row?.top ?? 0) - (other.row?.top ?? 0));
  const seen = inOrder.filter(
    ({ row }) => row && row.top + row.height > top && row.top < top + screen,
  );
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(loadImages, DELAY, tiles.filter(({ element }) => element.isConnected), top, screen);
  };
  seen.forEach((tile) => loadImage(tile, later));
  const isWaiting = seen.some(({ button }) => button.querySelector("img")?.complete === false);
  if (!isWaiting) inOrder.forEach((tile) => loadImage(tile, later));
}

/** @type {LoadImage} */
function loadImage(tile, onLoaded) {
  const { picture, element, button } = tile;
  showPlaceholder(tile);
  const [smallest] = picture?.thumbnails ?? [];
  if (!picture || !smallest || tile.isLoading) return;
  tile.isLoading = true;
  const old = button.querySelector("img");
  const image = document.createElement("img");
  image.alt = picture.description;
  image.decoding = "async";
  image.onload = async () => {
    // Without its placeholder the tile is empty until then.
    await image.decode().catch(() => {});
    // What is transparent must not show the placeholder.
    element.style.backgroundImage = "none";
    element.style.backgroundColor = "";
    old?.remove();
    onLoaded();
  };
  image.onerror = () => {
    tile.isStale = true;
    image.remove();
    onLoaded();
    onStale(picture.id);
  };
  image.sizes = `${Math.ceil(tile.width)}px`;
  image.srcset = picture.thumbnails.map(({ url, width }) => `${url} ${width}w`).join(", ");
  image.src = smallest.url;
  find("span", button).textContent = "";
  button.append(image);
}

/** @param {Tile} tile */
export function cancelImage({ button }) {
  const image = button.querySelector("img");
  if (!image || image.complete) return;
  image.onload = image.onerror = null;
  image.srcset = image.src = "";
}
