/** The account's pictures, as far as they are loaded, in order. */

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
/** @type {((from: number) => void)[]} */
const listeners = [];
let changedFrom = Infinity;

function changed() {
  const old = shown;
  shown = [...pictures.values()].filter(isWanted);
  const isInOrder = shown.every((picture, at) => {
    const before = shown[at - 1];
    return !before || isBefore(before, picture);
  });
  if (!isInOrder) shown.sort((one, other) => (isBefore(one, other) ? -1 : 1));
  places = new Map(shown.map(({ id }, at) => [id, at]));
  const from = shown.findIndex((picture, at) => picture !== old[at]);
  notify(from < 0 ? shown.length : from);
}

/** It may have changed since the search found it. @param {Picture} picture */
const isWanted = ({ id, visibility, state }) =>
  !hidden.has(id) && (filter.visibility ?? visibility) === visibility && (filter.state ?? state) === state;

/** @param {number} from the place in the list from which on it may be another */
function notify(from) {
  const isNotifying = changedFrom < Infinity;
  changedFrom = Math.min(changedFrom, from);
  if (isNotifying) return;
  queueMicrotask(() => {
    const first = changedFrom;
    changedFrom = Infinity;
    for (const listener of listeners) listener(first);
  });
}

/** @param {Picture} one @param {Picture} other */
function isBefore(one, other) {
  const isOlder = one.created_at === other.created_at ? one.id < other.id : one.created_at < other.created_at;
  return isOlder === (filter.order === "created_at");
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
    const from = shown.length;
    // Most go behind what there is: nothing is sorted anew.
    let isBehind = !hidden.size;
    for (const row of rows) {
      if (removed.has(row.id)) continue;
      const last = shown.at(-1);
      isBehind &&= !pictures.has(row.id) && (!last || isBefore(last, row));
      pictures.set(row.id, row);
      if (isBehind) places.set(row.id, shown.push(row) - 1);
    }
    notify(from);
    if (!isBehind) changed();
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
