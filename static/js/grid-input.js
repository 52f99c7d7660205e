/** Mouse, touch and keyboard on the list. */

import { closest, find } from "./dom.js";
import { grid } from "./grid.js";
import { selection } from "./selection.js";
import { store } from "./store.js";

const HOLD = 450; // milliseconds
const container = find("#pictures");

/** @param {number} id @param {boolean} isRange */
const select = (id, isRange) => (isRange ? selection.extend(id) : selection.toggle(id));

/** @type {ListenToGrid} */
export function listen(onOpen, onDelete) {
  let wasHeld = false;
  let timer = 0;
  const stop = () => clearTimeout(timer);
  container.addEventListener("click", (event) => {
    const { detail, shiftKey, ctrlKey, metaKey } = event;
    const id = grid.idOf(event);
    if (id === null) return;
    // The box shows what the selection says.
    if (closest(event, "input")) return select(id, shiftKey);
    if (!closest(event, "button")) return;
    // A keyboard's click has no detail: Enter always opens.
    const isSelecting = detail > 0 && selection.size() > 0;
    if (wasHeld) wasHeld = false;
    else if (isSelecting || shiftKey || ctrlKey || metaKey) select(id, shiftKey);
    else onOpen(id);
  });
  container.addEventListener("pointerdown", (event) => {
    wasHeld = false;
    const id = grid.idOf(event);
    if (event.pointerType !== "touch" || id === null) return;
    timer = setTimeout(() => {
      wasHeld = true;
      selection.toggle(id);
      navigator.vibrate?.(10);
    }, HOLD);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    container.addEventListener(name, stop);
  }
  addEventListener("scroll", stop);
  // The browser's own menu would cover the selection.
  container.addEventListener("contextmenu", (event) => {
    if (/** @type {PointerEvent} */ (event).pointerType === "touch") event.preventDefault();
  });
  container.addEventListener("keydown", (event) => {
    const id = grid.idOf(event);
    if (id !== null && handleKey(event, id, onDelete)) event.preventDefault();
  });
}

/** @type {HandleKey} */
function handleKey(event, id, onDelete) {
  const { key, repeat, shiftKey, ctrlKey, metaKey, altKey } = event;
  if (altKey || (repeat && key === "Delete")) return false;
  if (ctrlKey || metaKey) return key === "a" && (selection.selectAll(), true);
  if (key === " " && closest(event, "button")) return select(id, shiftKey), true;
  if (key === "Escape" && selection.size()) return selection.clear(), true;
  if (key === "Delete") return onDelete(selection.size() ? selection.ids() : [id]), true;
  const other = destination(key, id);
  if (other === undefined) return false;
  if (shiftKey) {
    if (!selection.size()) selection.toggle(id);
    selection.extend(other);
  }
  grid.focus(other);
  return true;
}

/** @type {Destination} */
function destination(key, id) {
  const list = store.list();
  const screen = grid.rowsOnScreen();
  switch (key) {
    case "ArrowLeft": return store.neighbour(id, -1)?.id;
    case "ArrowRight": return store.neighbour(id, 1)?.id;
    case "ArrowUp": return grid.vertical(id, -1);
    case "ArrowDown": return grid.vertical(id, 1);
    case "PageUp": return grid.vertical(id, -screen);
    case "PageDown": return grid.vertical(id, screen);
    case "Home": return list[0]?.id;
    case "End": return list.at(-1)?.id;
    default: return undefined;
  }
}
