/** All pictures: loads what is scrolled to, and remembers the place. */

import { MAX_PER_PAGE } from "./api.js";
import { find } from "./dom.js";
import { grid } from "./grid.js";
import { clearSearch, readFilter, showFilter } from "./search-form.js";
import { store } from "./store.js";

const PLACE = "place"; // in the browser's storage of this tab
const AHEAD = 2000; // pixels below the screen that are loaded
const FAR_AHEAD = 10_000; // at speed
const SETTLED = 200; // milliseconds
const section = find("#gallery");
const moreButton = find("#more");
let isShown = false;
let scrollTop = 0;
let place = readPlace();
/** @type {RunAction} */
let runAction = async () => {};

/** @type {PictureList} */
export const pictureList = {
  async load() {
    const query = new URLSearchParams(location.search);
    if (!store.isLoaded()) store.setFilter(readFilter(query));
    await store.loadMore();
  },

  async show({ query, id }) {
    const filter = readFilter(query);
    showFilter(filter);
    if (JSON.stringify(filter) !== JSON.stringify(store.getFilter())) {
      store.setFilter(filter);
      scrollTo(0, 0);
    }
    if (!store.isLoaded()) await store.loadMore();
    if (id !== null) await loadUntil(id);
    if (place) {
      await loadUntil(place.id);
      grid.refresh();
      grid.restore(place);
    }
    place = null;
    updateControls();
  },

  showPage(isVisible) {
    if (isVisible === isShown) return;
    if (isShown) scrollTop = scrollY;
    isShown = isVisible;
    section.hidden = find("#search").hidden = !isVisible;
    grid.refresh();
    scrollTo(0, isVisible ? scrollTop : 0);
  },

  loadAhead(isFast = false) {
    if (isShown && store.hasMore() && grid.left() < (isFast ? FAR_AHEAD : AHEAD)) loadMore();
  },

  forget() {
    removeEventListener("pagehide", savePlace);
    isShown = false;
    sessionStorage.removeItem(PLACE);
  },

  start(runner) {
    runAction = runner;
    store.subscribe(updateControls);
    moreButton.addEventListener("click", loadMore);
    find("#clear-search").addEventListener("click", clearSearch);
    let timer = 0;
    addEventListener("scroll", () => {
      clearTimeout(timer);
      timer = setTimeout(savePlace, SETTLED);
    });
    addEventListener("pagehide", savePlace);
  },
};

const loadMore = () => void runAction(() => store.loadMore());

/** @type {LoadUntil} */
async function loadUntil(id) {
  // Ids grow: a list that has passed one does not have it.
  const isPast = () => {
    const last = store.list().at(-1)?.id ?? id;
    return store.getFilter().order === "created_at" ? last > id : last < id;
  };
  while (!store.get(id) && store.hasMore() && !isPast()) await store.loadMore(MAX_PER_PAGE);
}

function updateControls() {
  const isEmpty = store.isLoaded() && store.list().length === 0;
  section.classList.toggle("empty", isEmpty && !store.isFiltered());
  find("#no-match").hidden = !(isEmpty && store.isFiltered());
  moreButton.hidden = !store.hasMore();
  pictureList.loadAhead();
}

/** @returns {Anchor | null} */
function readPlace() {
  // Only a page that was loaded again goes on where it was.
  const [entry] = performance.getEntriesByType("navigation");
  const kind = entry instanceof PerformanceNavigationTiming ? entry.type : "";
  const text = kind === "reload" || kind === "back_forward" ? sessionStorage.getItem(PLACE) : null;
  return JSON.parse(text ?? "null");
}

function savePlace() {
  const top = isShown && scrollY > 0 ? grid.topmost() : null;
  if (top) sessionStorage.setItem(PLACE, JSON.stringify(top));
  else if (isShown) sessionStorage.removeItem(PLACE);
}
