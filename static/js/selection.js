/** The pictures that are selected, to do something with all of them. */

/** @type {Set<number>} */
let selected = new Set();
/** @type {number | null} where a range begins */
let anchor = null;
/** @type {Set<() => void>} */
const listeners = new Set();

/** @param {() => void} listener */
export const subscribe = (listener) => listeners.add(listener);
const changed = () => listeners.forEach((listener) => listener());

export const ids = () => [...selected];
export const size = () => selected.size;
/** @param {number} id */
export const has = (id) => selected.has(id);

/** @param {number} id */
export function toggle(id) {
  if (!selected.delete(id)) selected.add(id);
  anchor = id;
  changed();
}

/** Select all from where the last one was selected to another. @param {number} id @param {number[]} order ids of the whole list */
export function extend(id, order) {
  const from = anchor === null ? -1 : order.indexOf(anchor);
  const to = order.indexOf(id);
  if (from < 0) return toggle(id);
  for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) selected.add(each);
  changed();
}

/** @param {number[]} others */
export function set(others) {
  selected = new Set(others);
  changed();
}

export const clear = () => set([]);

/** Forget those that are gone. @param {(id: number) => boolean} isThere */
export function keep(isThere) {
  const rest = ids().filter(isThere);
  if (rest.length < selected.size) set(rest);
}
