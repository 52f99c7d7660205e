/** Pictures that events, uploads or expired URLs name: fetched together. */

import { ApiError, MAX_PER_PAGE, api } from "./api.js";
import { store } from "./store.js";

// The event of an upload arrives before the response to it.
const DELAY = 150; // milliseconds
// From this many on, a list costs less than one request for each.
const MANY = 4;
/** @type {Map<number, string>} id -> when it was created, where that is known */
const pending = new Map();
let timer = 0;
let schedule = () => {};

/** @param {() => void} scheduler calls `fetchPending` and handles its errors */
export const start = (scheduler) => void (schedule = scheduler);

/** @param {number} id */
export function refresh(id, createdAt = store.get(id)?.created_at ?? "") {
  pending.set(id, createdAt);
  timer ||= setTimeout(() => {
    timer = 0;
    schedule();
  }, DELAY);
}

export async function fetchPending() {
  // A second call may run meanwhile.
  const asked = new Map(pending);
  pending.clear();
  // Whether a new picture belongs to a search, the list alone says.
  const inList = (/** @type {[number, string]} */ [id, createdAt]) =>
    createdAt !== "" && (store.isFiltered() ? !store.get(id) : asked.size >= MANY);
  try {
    const many = new Map([...asked].filter(inList));
    if (many.size) await fetchMany(many);
    for (const id of asked.keys()) if (!many.has(id)) await fetchOne(id);
  } catch (error) {
    for (const [id, createdAt] of asked) pending.set(id, createdAt);
    throw error;
  }
}

/** @param {number} id */
async function fetchOne(id) {
  try {
    store.merge([await api.fetchPicture(id)]);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    store.remove([id]);
  }
}

/** @type {FetchMany} */
async function fetchMany(asked) {
  const oldest = [...asked.values()].sort()[0] ?? "";
  // The API's moments are finer than a browser's.
  const created_after = new Date(Date.parse(oldest) - 1).toISOString();
  const filter = { ...store.getFilter(), order: "created_at", created_after };
  let next = null;
  do {
    const page = await api.fetchPictures(filter, next, MAX_PER_PAGE);
    store.merge(page.body.filter(({ id }) => asked.has(id)));
    next = page.next;
  } while (next);
}
