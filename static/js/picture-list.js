/** The page with all pictures: loads what is scrolled to, and remembers the place. */

import { MAX_PER_PAGE } from "./api.js";
import { byId } from "./dom.js";
import * as grid from "./grid.js";
import { clearSearch, readFilter, showFilter } from "./search-form.js";
import * as store from "./store.js";

const PLACE = "place"; // in the browser's storage of this tab
const AHEAD = 2000; // pixels below the screen that are loaded
const SETTLED = 200; // milliseconds
const section = byId("gallery");
const moreButton = byId("more");
let isShown = false;
let scrollTop = 0;
/** @type {{id: number, down: number} | null} */
let place = readPlace();
/** @type {(work: () => Promise<void>) => Promise<void>} */
let runAction = async () => {};

/** Load the first page of what the address asks for, before anything is shown. */
export async function load() {
  const query = new URLSearchParams(location.search);
  if (!store.isLoaded()) store.setFilter(readFilter(query));
  await store.loadMore();
}

/** @param {Route} route */
export async function show({ query, id }) {
  const filter = readFilter(query);
  showFilter(filter);
  if (JSON.stringify(filter) !== JSON.stringify(store.getFilter())) {
    store.setFilter(filter);
    scrollTo(0, 0);
  }
  if (!store.isLoaded()) await store.loadMore();
  if (id !== null && !store.get(id)) await loadUntil(id);
  if (place) await returnTo(place);
  place = null;
  updateControls();
}

/** Load pages until one has a picture, so that its neighbours are known. @param {number} id */
async function loadUntil(id) {
  // An id is given when a picture is created: a list that has passed it does not have it.
  const isPast = () => {
    const last = store.list().at(-1);
    return last !== undefined && (store.getFilter().order === "created_at" ? last.id > id : last.id < id);
  };
  while (!store.get(id) && store.hasMore() && !isPast()) await store.loadMore(MAX_PER_PAGE);
}

/** @param {{id: number, down: number}} to */
async function returnTo(to) {
  await loadUntil(to.id);
  grid.refresh();
  grid.restore(to);
}

/** @param {boolean} isVisible */
export function showPage(isVisible) {
  if (isVisible === isShown) return;
  if (isShown) scrollTop = scrollY;
  isShown = isVisible;
  section.hidden = byId("search").hidden = !isVisible;
  grid.refresh();
  scrollTo(0, isVisible ? scrollTop : 0);
}

function updateControls() {
  const isEmpty = store.isLoaded() && store.list().length === 0;
  section.classList.toggle("empty", isEmpty && !store.isFiltered());
  byId("no-match").hidden = !(isEmpty && store.isFiltered());
  moreButton.hidden = !store.hasMore();
  loadAhead();
}

function loadAhead() {
  if (isShown && store.hasMore() && grid.left() < AHEAD) void runAction(() => store.loadMore());
}

function readPlace() {
  // Only a page that was loaded again goes on where it was.
  const [entry] = performance.getEntriesByType("navigation");
  const kind = entry instanceof PerformanceNavigationTiming ? entry.type : "";
  const text = kind === "reload" || kind === "back_forward" ? sessionStorage.getItem(PLACE) : null;
  return text ? JSON.parse(text) : null;
}

function savePlace() {
  const top = isShown && scrollY > 0 ? grid.topmost() : null;
  if (top) sessionStorage.setItem(PLACE, JSON.stringify(top));
  else if (isShown) sessionStorage.removeItem(PLACE);
}

/** Keep nothing of this account in the browser. */
export function forget() {
  removeEventListener("pagehide", savePlace);
  isShown = false;
  sessionStorage.removeItem(PLACE);
}

/** @param {(work: () => Promise<void>) => Promise<void>} runner shows errors */
export function start(runner) {
  runAction = runner;
  store.subscribe(updateControls);
  grid.handleDrawn(loadAhead);
  moreButton.addEventListener("click", () => void runAction(() => store.loadMore()));
  byId("clear-search").addEventListener("click", clearSearch);
  let timer = 0;
  addEventListener("scroll", () => {
    clearTimeout(timer);
    timer = setTimeout(savePlace, SETTLED);
  }, { passive: true });
  addEventListener("pagehide", savePlace);
}
