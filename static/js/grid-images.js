/** Which thumbnails are loaded when: what is on the screen first, and what is near it only after that. */

import { loadImage, showPlaceholder } from "./tile.js";

const DELAY = 30; // milliseconds
/** @type {(id: number) => void} */
let onStale = () => {};
let timer = 0;

/** @param {(id: number) => void} staleHandler is called where the URLs of a picture have expired */
export function start(staleHandler) {
  onStale = staleHandler;
}

/** @param {Tile[]} tiles those that are drawn @param {number} top how far the list is scrolled @param {number} screen its height */
export function load(tiles, top, screen) {
  const inOrder = tiles.sort((one, other) => (one.row?.top ?? 0) - (other.row?.top ?? 0));
  const seen = inOrder.filter(
    ({ row }) => row && row.top + row.height > top && row.top < top + screen,
  );
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(load, DELAY, tiles.filter(({ element }) => element.isConnected), top, screen);
  };
  inOrder.forEach(showPlaceholder);
  seen.forEach((tile) => loadImage(tile, onStale, later));
  const isWaiting = seen.some(({ button }) => button.querySelector("img")?.complete === false);
  if (!isWaiting) inOrder.forEach((tile) => loadImage(tile, onStale, later));
}

/** Load nothing while the list is scrolled past. */
export const pause = () => clearTimeout(timer);
