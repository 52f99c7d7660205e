/** The list of pictures: only what is near the screen is drawn. */

import { closest, find } from "./dom.js";
import { groupsOfDates as groups } from "./grid-groups.js";
import { besideInRows, layOut, rowsBetween } from "./layout.js";
import { selection } from "./selection.js";
import { store } from "./store.js";
import { cancelImage, createTile, handleStale, loadImages, showFacts } from "./tile.js";

const container = find("#pictures");
const more = find(".grid-frame > .more");
// Faster than this, nobody sees more than colours: thumbnails wait.
const FAST = 2; // pixels in a millisecond
const REST = 120; // milliseconds
/** @type {Row[]} */
let rows = [];
/** @type {Map<number, Tile>} */
const tiles = new Map();
/** @type {number | null} the picture that Tab reaches */
let active = null;
let offset = 0; // of the container from the top of the page
let width = 0;
let rowHeight = 200;
let lastTop = 0;
let lastTime = -Infinity;
let screen = 0; // its height: asked for once a frame, since asking lays the page out
let height = 0; // of the list
let measured = ""; // what its rows depend on beside the pictures
let pace = 0; // 2: scrolled past, 1: at rest since a moment
let onDrawn = (/** @type {boolean} */ _isFast) => {};
let restTimer = 0;

/** @type {Grid} */
export const grid = {
  refresh(from = 0) {
    const today = new Date();
    const before = measured;
    width = container.clientWidth;
    measured = `${width} ${today.toDateString()}`;
    if (!width) return;
    offset = container.getBoundingClientRect().top + scrollY;
    const style = getComputedStyle(container);
    const [row = 0, gap = 0, headingHeight = 0] = ["--row", "--gap", "--heading"].map(
      (name) => parseFloat(style.getPropertyValue(name)),
    );
    rowHeight = row;
    const anchor = scrollY > offset ? grid.topmost() : null;
    const groupOf = (/** @type {Picture} */ picture) => groups.nameOf(picture.created_at, today);
    const measures = { width, rowHeight, gap, headingHeight, groupOf };
    rows = layOut(store.list(), measures, rows, measured === before ? from : 0);
    const last = rows.at(-1);
    height = last ? last.top + last.height : 0;
    container.style.height = `${height}px`;
    // A transform, since what the list pushes down would count as a shift.
    more.style.transform = `translateY(${height}px)`;
    // What is added above what is being looked at must not move it.
    if (anchor) grid.restore(anchor);
    render();
  },

  topmost() {
    const [row] = rowsBetween(rows, scrollY - offset, Infinity);
    return row?.boxes[0] ? { id: row.boxes[0].id, down: row.top + offset - scrollY } : null;
  },
  restore({ id, down }) {
    const row = rowOf(id);
    if (row) scrollTo(0, row.top + offset - down);
  },
  idOf(event) {
    const tile = closest(event, "#pictures li");
    return tile ? Number(tile.dataset.id) : null;
  },
  focus(id) {
    const row = id === null ? undefined : rowOf(id);
    if (id === null || !row) return find("#heading").focus({ preventScroll: true });
    const top = scrollY - offset;
    if (row.top < top) scrollTo(0, row.top + offset);
    else if (row.top + row.height > top + innerHeight) {
      scrollTo(0, row.top + row.height + offset - innerHeight);
    }
    active = id;
    render();
    const tile = tiles.get(id);
    // Not behind what covers the page above and below (`scroll-padding`).
    tile?.element.scrollIntoView({ block: "nearest" });
    tile?.button.focus({ preventScroll: true });
  },
  vertical: (id, step) => besideInRows(rows, id, step),
  rowsOnScreen: () => Math.max(1, Math.floor(innerHeight / rowHeight) - 1),
  left: () => height - lastTop - screen,

  start({ onStale, onDrawn: drawnHandler }) {
    handleStale(onStale);
    onDrawn = drawnHandler;
    store.subscribe(grid.refresh);
    // It comes once a frame, before that is drawn.
    addEventListener("scroll", render);
    new ResizeObserver(() => container.clientWidth !== width && grid.refresh()).observe(container);
    container.addEventListener("focusin", (event) => {
      active = grid.idOf(event) ?? active;
      groups.keepOrder(tiles, active);
    });
  },
  render,
};

/** @param {number} id */
function rowOf(id) {
  const index = store.indexOf(id);
  return index < 0 ? undefined : rows.findLast((row) => row.index <= index);
}

function render() {
  const top = scrollY - offset;
  screen = innerHeight;
  if (top !== lastTop) {
    const now = performance.now();
    pace = Math.abs(top - lastTop) > FAST * (now - lastTime) ? 2 : 0;
    [lastTop, lastTime] = [top, now];
    clearTimeout(restTimer);
    if (pace) restTimer = setTimeout(rest, REST);
  }
  const isFast = pace === 2;
  const reach = isFast ? screen / 2 : screen;
  const near = rowsBetween(rows, top - reach, top + screen + reach);
  removeOthers(new Set(near.flatMap(({ boxes }) => boxes.map(({ id }) => id))));
  groups.show(container, near);
  for (const row of near) for (const box of row.boxes) drawTile(box, row);
  groups.keepOrder(tiles, active);
  loadImages(isFast ? [] : [...tiles.values()].filter(({ isBare }) => !isBare), top, screen);
  onDrawn(isFast);
}

function rest() {
  // What is seen first, what is near it a moment later.
  pace -= 1;
  if (pace) restTimer = setTimeout(rest, REST);
  render();
}

/** @param {Set<number>} wanted */
function removeOthers(wanted) {
  for (const [id, tile] of tiles) {
    // A focused one stays: it is the keyboard's place.
    if (wanted.has(id) || (tile.element.contains(document.activeElement) && store.indexOf(id) >= 0)) continue;
    cancelImage(tile);
    tile.element.remove();
    tiles.delete(id);
  }
}

/** @param {Box} box @param {Row} row */
function drawTile({ id, left, width: across }, row) {
  const picture = /** @type {Picture} */ (store.get(id));
  const tile = tiles.get(id) ?? createTile();
  const total = store.hasMore() ? -1 : store.list().length;
  const isSelected = selection.has(id);
  // What is scrolled past is no more than a colour.
  const isSeen = row.top + row.height > lastTop && row.top < lastTop + screen;
  const isBare = pace > Number(isSeen) && id !== active && !tile.button.parentNode;
  const isDrawn = tile.row === row && tile.picture === picture && tile.total === total;
  // To write all of them anew costs a frame.
  if (isDrawn && tile.isBare === isBare && tile.box.checked === isSelected) return;
  tiles.set(id, tile);
  showFacts(tile, picture, isBare);
  Object.assign(tile, { total, width: across, row, isBare });
  const { element } = tile;
  Object.assign(element.style, {
    transform: `translate(${left}px, ${row.top}px)`, width: `${across}px`, height: `${row.height}px`,
  });
  if (!isBare) {
    element.ariaPosInSet = String(store.indexOf(id) + 1);
    element.ariaSetSize = String(total);
  }
  tile.box.checked = isSelected;
  element.classList.toggle("selected", isSelected);
  const list = groups.listOf(row.heading.group);
  if (element.parentElement !== list) list?.append(element);
}
