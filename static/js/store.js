/** The account's pictures, as far as they are loaded, in the order of the list. */

import { fetchPictures } from "./api.js";

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
/** @type {string | null} the path of the next page */
let next = null;
let hasLoaded = false;
/** @type {Promise<void> | null} */
let loading = null;
/** @type {Set<() => void>} */
const listeners = new Set();
let isNotifying = false;

/** @param {() => void} listener is called once after any number of changes */
export const subscribe = (listener) => listeners.add(listener);

function changed() {
  const isOldestFirst = filter.order === "created_at";
  shown = [...pictures.values()].filter(({ id }) => !hidden.has(id));
  const isInOrder = shown.every((picture, at) => {
    const before = shown[at - 1];
    return !before || compare(before, picture) > 0 !== isOldestFirst;
  });
  if (!isInOrder) shown.sort((one, other) => compare(other, one) * (isOldestFirst ? -1 : 1));
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

export const list = () => shown;
/** @param {number} id */
export const get = (id) => (hidden.has(id) ? undefined : pictures.get(id));
/** @param {number} id */
export const indexOf = (id) => places.get(id) ?? -1;
export const hasMore = () => next !== null;
export const isLoaded = () => hasLoaded;
export const getFilter = () => filter;
export const isFiltered = () => Object.keys(filter).some((name) => name !== "order");

/** Return the picture before (-1) or after (1) another, undefined at the end. @param {number} id @param {number} step */
export const neighbour = (id, step) => (places.has(id) ? shown[indexOf(id) + step] : undefined);

/** Show other pictures, or the same in another order; `loadMore` fetches them. @param {Filter} given */
export function setFilter(given) {
  filter = given;
  next = null;
  loading = null;
  hasLoaded = false;
  pictures.clear();
  changed();
}

/** Load the first page, or the next; one at a time. @param {number} [limit] */
export function loadMore(limit) {
  if (loading) return loading;
  const of = filter;
  const mine = fetchPictures(filter, next, limit)
    .then((page) => {
      if (of !== filter) return;
      next = page.next;
      hasLoaded = true;
      merge(page.body);
    })
    .finally(() => {
      if (loading === mine) loading = null;
    });
  loading = mine;
  return mine;
}

/** Take over what the API returned. @param {Picture[]} rows */
export function merge(rows) {
  for (const row of rows) if (!removed.has(row.id)) pictures.set(row.id, row);
  changed();
}

/** Show what an event says of a picture that is new, until the API is asked. @param {NonNullable<PictureEvent["picture"]>} facts */
export function announcePicture({ thumbnails, ...facts }) {
  if (pictures.has(facts.id) || removed.has(facts.id) || !hasLoaded || isFiltered()) return;
  const unknown = { name: "", failure: null, thumbhash: null, dominant_color: null };
  pictures.set(facts.id, { ...facts, ...unknown, state: "pending", thumbnails: [] });
  changed();
}

/** @param {number} id @param {Partial<Picture>} change */
export function update(id, change) {
  const picture = pictures.get(id);
  if (picture) pictures.set(id, { ...picture, ...change });
  changed();
}

/** @param {Iterable<number>} ids */
export function hide(ids) {
  for (const id of ids) hidden.add(id);
  changed();
}

/** @param {Iterable<number>} ids */
export function unhide(ids) {
  for (const id of ids) hidden.delete(id);
  changed();
}

/** @param {Iterable<number>} ids */
export function remove(ids) {
  for (const id of ids) {
    removed.add(id);
    pictures.delete(id);
    hidden.delete(id);
  }
  changed();
}

export const ids = () => [...pictures.keys()];
export const pending = () => shown.filter(({ state }) => state === "pending").map(({ id }) => id);
