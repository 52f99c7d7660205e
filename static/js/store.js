/** The account's pictures, as far as they are loaded, in the order of the list. */

import { api } from "./api.js";

/** @type {Map<number, Picture>} */
const pictures = new Map();
/** @type {Picture[]} those that are shown, in order */
let shown = [];
/** @type {Map<number, number>} of each that is shown */
let places = new Map();
/** @type {Set<number>} about to be deleted: they can come back */
const hidden = new Set();
/** @type {Set<number>} gone: a response that is still under way may list them */
const removed = new Set();
/** @type {Filter} */
let filter = {};
/** @type {Next} */
let next = null;
let isLoaded = false;
/** @type {Promise<void> | null} */
let loading = null;
/** @type {(() => void)[]} */
const listeners = [];
let isNotifying = false;

function changed() {
  const sign = filter.order === "created_at" ? 1 : -1;
  shown = [...pictures.values()].filter(({ id }) => !hidden.has(id));
  const isInOrder = shown.every((picture, at) => {
    const before = shown[at - 1];
    return !before || compare(before, picture) * sign < 0;
  });
  if (!isInOrder) shown.sort((one, other) => compare(one, other) * sign);
  places = new Map(shown.map(({ id }, at) => [id, at]));
  if (isNotifying) return;
  isNotifying = true;
  queueMicrotask(() => {
    isNotifying = false;
    for (const listener of listeners) listener();
  });
}

/** @param {Picture} one @param {Picture} other */
function compare(one, other) {
  if (one.created_at === other.created_at) return one.id - other.id;
  return one.created_at < other.created_at ? -1 : 1;
}

/** @type {Store} */
export const store = {
  subscribe: (listener) => listeners.push(listener),
  list: () => shown,
  get: (id) => (hidden.has(id) ? undefined : pictures.get(id)),
  indexOf: (id) => places.get(id) ?? -1,
  neighbour: (id, step) => (places.has(id) ? shown[store.indexOf(id) + step] : undefined),
  ids: () => [...pictures.keys()],
  pending: () => shown.filter(({ state }) => state === "pending").map(({ id }) => id),
  hasMore: () => next !== null,
  isLoaded: () => isLoaded,
  getFilter: () => filter,
  isFiltered: () => Object.keys(filter).some((name) => name !== "order"),

  setFilter(given) {
    filter = given;
    next = null;
    loading = null;
    isLoaded = false;
    pictures.clear();
    changed();
  },
  loadMore(limit) {
    if (loading) return loading;
    const of = filter;
    const mine = api.fetchPictures(filter, next, limit)
      .then((page) => {
        if (of !== filter) return;
        next = page.next;
        isLoaded = true;
        store.merge(page.body);
      })
      .finally(() => {
        if (loading === mine) loading = null;
      });
    loading = mine;
    return mine;
  },
  merge(rows) {
    for (const row of rows) if (!removed.has(row.id)) pictures.set(row.id, row);
    changed();
  },
  announce({ thumbnails, ...facts }) {
    if (pictures.has(facts.id) || removed.has(facts.id) || !isLoaded || store.isFiltered()) return;
    const unknown = { name: "", failure: null, thumbhash: null, dominant_color: null };
    pictures.set(facts.id, { ...facts, ...unknown, state: "pending", thumbnails: [] });
    changed();
  },
  update(id, change) {
    const picture = pictures.get(id);
    if (picture) pictures.set(id, { ...picture, ...change });
    changed();
  },
  hide(ids) {
    for (const id of ids) hidden.add(id);
    changed();
  },
  unhide(ids) {
    for (const id of ids) hidden.delete(id);
    changed();
  },
  remove(ids) {
    for (const id of ids) {
      removed.add(id);
      pictures.delete(id);
      hidden.delete(id);
    }
    changed();
  },
};
