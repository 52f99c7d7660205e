/** The list of pictures on the page. Only what is near the screen is drawn. */

import { byId, part } from "./dom.js";
import * as groups from "./grid-groups.js";
import * as images from "./grid-images.js";
import { keepOrder, setTabStop } from "./grid-order.js";
import { besideInRows, boundedAspect, layOut, rowsBetween } from "./layout.js";
import * as selection from "./selection.js";
import * as store from "./store.js";
import { cancelImage, createTile, showFacts } from "./tile.js";

const container = byId("pictures");
const more = part(document, ".grid-frame > .more");
// Faster than this, nobody sees more than colours: thumbnails wait until the page slows down.
const FAST = 4; // pixels in a millisecond
const REST = 120; // milliseconds
let layout = layOut([], { width: 0, rowHeight: 0, gap: 0, headingHeight: 0 });
/** @type {Map<number, Tile>} */
const tiles = new Map();
/** @type {number | null} the picture that Tab reaches */
let active = null;
let offset = 0; // of the container from the top of the page
let width = 0;
let rowHeight = 200;
let lastTop = 0;
let lastTime = 0;
let screen = 0; // its height: asked for once a frame, since asking lays the page out
let isScheduled = false;
let onDrawn = () => {};
let isFast = false;
let restTimer = 0;

/** Draw the list anew, after it or the width of the page changed. */
export function refresh() {
  const today = new Date();
  const items = store.list().map(({ id, width: across, height, created_at }) => {
    return { id, aspect: boundedAspect(across, height), group: groups.nameOf(created_at, today) };
  });
  width = container.clientWidth;
  if (!width) return;
  offset = container.getBoundingClientRect().top + scrollY;
  const style = getComputedStyle(container);
  const pixels = (/** @type {string} */ name) => parseFloat(style.getPropertyValue(name));
  rowHeight = pixels("--row");
  const anchor = scrollY > offset ? topmost() : null;
  layout = layOut(items, {
    width, rowHeight, gap: pixels("--gap"), headingHeight: pixels("--heading"),
  });
  container.style.height = `${layout.height}px`;
  // A transform, since what the list pushes down would count as a shift.
  more.style.transform = `translateY(${layout.height}px)`;
  // What is added above what is being looked at must not move it.
  if (anchor) restore(anchor);
  render();
}

/** Return the picture at the top of the screen, and how far down it is. */
export function topmost() {
  const row = rowsBetween(layout.rows, scrollY - offset, Infinity).find(({ boxes }) => boxes.length);
  return row?.boxes[0] ? { id: row.boxes[0].id, down: row.top + offset - scrollY } : null;
}

/** Scroll a picture to where it was. @param {{id: number, down: number}} place */
export function restore({ id, down }) {
  const row = rowOf(id);
  if (row) scrollTo(0, row.top + offset - down);
}

/** @param {number} id */
function rowOf(id) {
  const index = store.indexOf(id);
  return index < 0 ? undefined : layout.rows.findLast((row) => row.boxes.length && row.index <= index);
}

/** @param {() => void} listener is called after each drawing */
export function handleDrawn(listener) {
  onDrawn = listener;
}

function schedule() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    render();
  });
}

function render() {
  const top = scrollY - offset;
  screen = innerHeight;
  const now = performance.now();
  isFast = top !== lastTop && Math.abs(top - lastTop) > FAST * (now - lastTime);
  [lastTop, lastTime] = [top, now];
  clearTimeout(restTimer);
  if (isFast) restTimer = setTimeout(render, REST);
  const reach = isFast ? screen / 2 : screen;
  const rows = rowsBetween(layout.rows, top - reach, top + screen + reach);
  /** @type {Map<number, {box: Box, row: Row}>} */
  const wanted = new Map();
  for (const row of rows) for (const box of row.boxes) wanted.set(box.id, { box, row });
  removeOthers(wanted);
  groups.show(container, rows, layout.headings);
  for (const { box, row } of wanted.values()) drawTile(box, row);
  keepOrder(tiles, groups.lists());
  setTabStop(tiles, active);
  if (isFast) images.pause();
  else images.load([...tiles.values()], top, screen);
  onDrawn();
}

/** @param {Map<number, unknown>} wanted */
function removeOthers(wanted) {
  for (const [id, tile] of tiles) {
    // A focused one stays, or the keyboard would lose its place.
    const isKept = tile.element.contains(document.activeElement) && store.get(id);
    if (wanted.has(id) || isKept) continue;
    cancelImage(tile);
    tile.element.remove();
    tiles.delete(id);
  }
}

/** @param {Box} box @param {Row} row */
function drawTile(box, row) {
  const picture = /** @type {Picture} */ (store.get(box.id));
  const tile = tiles.get(box.id) ?? createTile();
  const total = store.hasMore() ? -1 : store.list().length;
  const isSelected = selection.has(box.id);
  const isDrawn = tile.row === row && tile.picture === picture && tile.total === total;
  // Most stay as they are while the page is scrolled: to write it anew costs a frame.
  if (isDrawn && tile.box.checked === isSelected) return;
  tiles.set(box.id, tile);
  showFacts(tile, picture);
  tile.total = total;
  tile.width = box.width;
  tile.row = row;
  const { style } = tile.element;
  style.transform = `translate(${box.left}px, ${row.top}px)`;
  style.width = `${box.width}px`;
  style.height = `${row.height}px`;
  tile.element.setAttribute("aria-posinset", String(store.indexOf(box.id) + 1));
  tile.element.setAttribute("aria-setsize", String(total));
  tile.box.checked = isSelected;
  tile.element.classList.toggle("selected", isSelected);
  const list = groups.listOf(row.group);
  if (tile.element.parentElement !== list) list?.append(tile.element);
}

/** Return the picture that an element of the list belongs to. @param {EventTarget | null} target */
export function idOf(target) {
  const tile = target instanceof Element ? target.closest("#pictures li") : null;
  return tile instanceof HTMLElement ? Number(tile.dataset.id) : null;
}

/** Focus a picture, scrolled into sight, or the heading above them all where it is gone. @param {number | null} id */
export function focus(id) {
  const row = id === null ? undefined : rowOf(id);
  if (id === null || !row) return byId("heading").focus({ preventScroll: true });
  const top = scrollY - offset;
  const bar = 72; // pixels that the header covers
  if (row.top - bar < top) scrollTo(0, row.top + offset - bar);
  else if (row.top + row.height > top + innerHeight) {
    scrollTo(0, row.top + row.height + offset - innerHeight + 8);
  }
  active = id;
  render();
  tiles.get(id)?.button.focus({ preventScroll: true });
}

/** Return the picture above or below another. @param {number} id @param {number} step in rows */
export const vertical = (id, step) => besideInRows(layout.rows, id, step);
export const rowsOnScreen = () => Math.max(1, Math.floor(innerHeight / rowHeight) - 1);
/** How far below the screen the list ends. */
export const left = () => layout.height - lastTop - screen;

/** @param {(id: number) => void} staleHandler is called where the URLs of a picture have expired */
export function start(staleHandler) {
  images.start(staleHandler);
  store.subscribe(refresh);
  selection.subscribe(render);
  addEventListener("scroll", schedule, { passive: true });
  new ResizeObserver(() => container.clientWidth !== width && refresh()).observe(container);
  container.addEventListener("focusin", ({ target }) => {
    active = idOf(target) ?? active;
    setTabStop(tiles, active);
  });
}
