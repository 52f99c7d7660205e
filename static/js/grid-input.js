/** Mouse, touch and keyboard on the list: open a picture, select many. */

import { byId } from "./dom.js";
import * as grid from "./grid.js";
import * as selection from "./selection.js";
import * as store from "./store.js";

const HOLD = 450; // milliseconds
const container = byId("pictures");
const order = () => store.list().map(({ id }) => id);

/** @param {number} id @param {boolean} isRange */
const select = (id, isRange) => (isRange ? selection.extend(id, order()) : selection.toggle(id));

/** @param {(id: number) => void} onOpen @param {(ids: number[]) => void} onDelete */
export function listen(onOpen, onDelete) {
  let wasHeld = false;
  container.addEventListener("click", (event) => {
    const id = grid.idOf(event.target);
    if (id === null || !(event.target instanceof Element)) return;
    // The box shows what the selection says, also where a range was selected by it.
    if (event.target.matches("input")) return select(id, event.shiftKey);
    if (!event.target.closest("button")) return;
    // A keyboard's click has no detail: Enter always opens.
    const isSelecting = event.detail > 0 && selection.size() > 0;
    if (wasHeld) wasHeld = false;
    else if (isSelecting || event.shiftKey || event.ctrlKey || event.metaKey) select(id, event.shiftKey);
    else onOpen(id);
  });
  holdToSelect((id) => {
    wasHeld = true;
    selection.toggle(id);
    navigator.vibrate?.(10);
  });
  container.addEventListener("pointerdown", () => (wasHeld = false));
  container.addEventListener("keydown", (event) => {
    const id = grid.idOf(event.target);
    if (id !== null && handleKey(event, id, onDelete)) event.preventDefault();
  });
}

/** @param {(id: number) => void} onHold */
function holdToSelect(onHold) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  container.addEventListener("pointerdown", ({ target, pointerType }) => {
    const id = grid.idOf(target);
    if (pointerType === "touch" && id !== null) timer = setTimeout(onHold, HOLD, id);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    container.addEventListener(name, stop);
  }
  addEventListener("scroll", stop, { passive: true });
  // A browser's own menu for a held picture would cover the selection.
  container.addEventListener("contextmenu", (event) => {
    if (/** @type {PointerEvent} */ (event).pointerType === "touch") event.preventDefault();
  });
}

/** Return whether the key meant something. @param {KeyboardEvent} event @param {number} id @param {(ids: number[]) => void} onDelete */
function handleKey({ key, repeat, shiftKey, ctrlKey, metaKey, altKey, target }, id, onDelete) {
  if (altKey || (repeat && key === "Delete")) return false;
  if (ctrlKey || metaKey) return key === "a" && (selection.set(order()), true);
  if (key === " " && target instanceof HTMLButtonElement) return select(id, shiftKey), true;
  if (key === "Escape" && selection.size()) return selection.clear(), true;
  if (key === "Delete") return onDelete(selection.size() ? selection.ids() : [id]), true;
  const other = destination(key, id);
  if (other === undefined) return false;
  if (shiftKey) {
    if (!selection.size()) selection.toggle(id);
    selection.extend(other, order());
  }
  grid.focus(other);
  return true;
}

/** @param {string} key @param {number} id @returns {number | undefined} */
function destination(key, id) {
  const list = store.list();
  const screen = grid.rowsOnScreen();
  /** @type {Record<string, () => number | undefined>} */
  const moves = {
    ArrowLeft: () => store.neighbour(id, -1)?.id,
    ArrowRight: () => store.neighbour(id, 1)?.id,
    ArrowUp: () => grid.vertical(id, -1),
    ArrowDown: () => grid.vertical(id, 1),
    PageUp: () => grid.vertical(id, -screen),
    PageDown: () => grid.vertical(id, screen),
    Home: () => list[0]?.id,
    End: () => list.at(-1)?.id,
  };
  return moves[key]?.();
}
