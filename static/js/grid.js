/** The list of pictures on the page. Only what is near the screen is drawn. */

import { closest, find } from "./dom.js";
import { groupsOfDates as groups } from "./grid-groups.js";
import { besideInRows, boundedAspect, layOut, rowsBetween } from "./layout.js";
import { selection } from "./selection.js";
import { store } from "./store.js";
import { cancelImage, createTile, handleStale, loadImages, pauseImages, showFacts } from "./tile.js";

const container = find("#pictures");
const more = find(".grid-frame > .more");
// Faster than this, nobody sees more than colours: thumbnails wait until the page slows down.
const FAST = 2; // pixels in a millisecond
const REST = 120; // milliseconds
const HEADER = 72; // pixels
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
let restTimer = 0;

/** @type {Grid} */
export const grid = {
  refresh() {
    const today = new Date();
    const items = store.list().map((picture) => ({
      id: picture.id, aspect: boundedAspect(picture), group: groups.nameOf(picture.created_at, today),
    }));
    width = container.clientWidth;
    if (!width) return;
    offset = container.getBoundingClientRect().top + scrollY;
    const style = getComputedStyle(container);
    const [row = 0, gap = 0, headingHeight = 0] = ["--row", "--gap", "--heading"].map(
      (name) => parseFloat(style.getPropertyValue(name)),
    );
    rowHeight = row;
    const anchor = scrollY > offset ? grid.topmost() : null;
    layout = layOut(items, { width, rowHeight, gap, headingHeight });
    container.style.height = `${layout.height}px`;
    // A transform, since what the list pushes down would count as a shift.
    more.style.transform = `translateY(${layout.height}px)`;
    // What is added above what is being looked at must not move it.
    if (anchor) grid.restore(anchor);
    render();
  },

  topmost() {
    const row = rowsBetween(layout.rows, scrollY - offset, Infinity).find(({ boxes }) => boxes.length);
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
    if (row.top - HEADER < top) scrollTo(0, row.top + offset - HEADER);
    else if (row.top + row.height > top + innerHeight) {
      scrollTo(0, row.top + row.height + offset - innerHeight + 8);
    }
    active = id;
    render();
    tiles.get(id)?.button.focus({ preventScroll: true });
  },
  vertical: (id, step) => besideInRows(layout.rows, id, step),
  rowsOnScreen: () => Math.max(1, Math.floor(innerHeight / rowHeight) - 1),
  left: () => layout.height - lastTop - screen,

  start({ onStale, onDrawn: drawnHandler }) {
    handleStale(onStale);
    onDrawn = drawnHandler;
    store.subscribe(grid.refresh);
    addEventListener("scroll", schedule, { passive: true });
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
  return index < 0 ? undefined : layout.rows.findLast((row) => row.boxes.length && row.index <= index);
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
  const isFast = top !== lastTop && Math.abs(top - lastTop) > FAST * (now - lastTime);
  [lastTop, lastTime] = [top, now];
  clearTimeout(restTimer);
  if (isFast) restTimer = setTimeout(render, REST);
  const reach = isFast ? screen / 2 : screen;
  const rows = rowsBetween(layout.rows, top - reach, top + screen + reach);
  const boxes = rows.flatMap((row) => row.boxes.map((box) => ({ box, row })));
  removeOthers(new Set(boxes.map(({ box }) => box.id)));
  groups.show(container, rows, layout.headings);
  for (const { box, row } of boxes) drawTile(box, row);
  groups.keepOrder(tiles, active);
  if (isFast) pauseImages();
  else loadImages([...tiles.values()], top, screen);
  onDrawn();
}

/** @param {Set<number>} wanted */
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
function drawTile({ id, left, width: across }, row) {
  const picture = /** @type {Picture} */ (store.get(id));
  const tile = tiles.get(id) ?? createTile();
  const total = store.hasMore() ? -1 : store.list().length;
  const isSelected = selection.has(id);
  const isDrawn = tile.row === row && tile.picture === picture && tile.total === total;
  // Most stay as they are while the page is scrolled: to write it anew costs a frame.
  if (isDrawn && tile.box.checked === isSelected) return;
  tiles.set(id, tile);
  showFacts(tile, picture);
  Object.assign(tile, { total, width: across, row });
  const { element } = tile;
  element.style.transform = `translate(${left}px, ${row.top}px)`;
  element.style.width = `${across}px`;
  element.style.height = `${row.height}px`;
  element.ariaPosInSet = String(store.indexOf(id) + 1);
  element.ariaSetSize = String(total);
  tile.box.checked = isSelected;
  element.classList.toggle("selected", isSelected);
  const list = groups.listOf(row.group);
  if (element.parentElement !== list) list?.append(element);
}
