/** One picture of the list: a button with its thumbnail, and a box to select it. */

import { clone, find, part } from "./dom.js";
import { titleOf, translate } from "./i18n.js";
import * as store from "./store.js";
import { thumbhashUrl } from "./thumbhash.js";

// Thumbnails lower than this many pixels are not enlarged.
const MIN_ENLARGED_HEIGHT = 100;
// The page stops waiting for a worker that is down for longer than this.
const TIMEOUT = 120_000; // milliseconds
/** @type {Map<number, number>} when a pending picture was first shown */
const firstShown = new Map();
/** @type {Map<string, string>} */
const placeholders = new Map();

/** @returns {Tile} */
export function createTile() {
  const element = clone("tile");
  return {
    element,
    button: find(element, "button", HTMLButtonElement),
    box: find(element, "input", HTMLInputElement),
    picture: null,
    row: null,
    total: 0,
    width: 0,
    isLoading: false,
    isStale: false,
  };
}

/** Show a picture's facts; `loadImage` shows the picture itself. @param {Tile} tile @param {Picture} picture */
export function showFacts(tile, picture) {
  if (tile.picture === picture) return;
  const hadOthers = tile.picture?.thumbnails.map(({ id }) => id).join();
  if (tile.isStale || hadOthers !== picture.thumbnails.map(({ id }) => id).join()) {
    tile.isLoading = tile.isStale = false;
  }
  tile.picture = picture;
  const { element, button, box } = tile;
  const title = titleOf(picture);
  element.dataset.id = String(picture.id);
  button.setAttribute("aria-label", title);
  box.setAttribute("aria-label", translate("select", { title }));
  element.style.backgroundColor = picture.dominant_color ?? "";
  const isWaiting = picture.state === "pending" && !picture.thumbnails.length && !isOverdue(picture);
  element.classList.toggle("pending", isWaiting);
  element.classList.toggle("small", picture.height < MIN_ENLARGED_HEIGHT);
  const image = button.querySelector("img");
  if (picture.thumbnails.length) {
    if (image) image.alt = picture.description;
  } else {
    image?.remove();
    part(button, "span").textContent = translate(isWaiting ? "beingPrepared" : "noPreview");
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

/** Show the colours of the picture, which cost a moment to draw. @param {Tile} tile */
export function showPlaceholder({ element, picture }) {
  const hash = picture?.thumbhash;
  if (!hash || element.style.backgroundImage) return;
  const url = placeholders.get(hash) ?? thumbhashUrl(hash);
  placeholders.set(hash, url);
  element.style.backgroundImage = `url(${url})`;
}

/**
 * Begin to load the thumbnail that fits the tile and the screen.
 * @param {Tile} tile
 * @param {(id: number) => void} onStale is called where its URL has expired
 * @param {() => void} onLoaded
 */
export function loadImage(tile, onStale, onLoaded) {
  const { picture, element, button } = tile;
  const [smallest] = picture?.thumbnails ?? [];
  if (!picture || !smallest || tile.isLoading) return;
  tile.isLoading = true;
  const old = button.querySelector("img");
  const image = document.createElement("img");
  image.alt = picture.description;
  image.decoding = "async";
  image.onload = async () => {
    // Before it is decoded, a tile without its placeholder would be empty.
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
  part(button, "span").textContent = "";
  button.append(image);
}

/** @param {Tile} tile */
export function cancelImage({ button }) {
  const image = button.querySelector("img");
  if (!image || image.complete) return;
  image.onload = image.onerror = null;
  image.removeAttribute("srcset");
  image.removeAttribute("src");
}
