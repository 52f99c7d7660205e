/** The order of the tiles, for those who use no mouse. */

import * as store from "./store.js";

/** Have the elements in the order of the list, for those who hear or tab through it. @param {Map<number, Tile>} tiles @param {HTMLElement[]} lists */
export function keepOrder(tiles, lists) {
  const inOrder = [...tiles].sort(([one], [other]) => store.indexOf(one) - store.indexOf(other));
  for (const list of lists) {
    let next = list.firstElementChild;
    for (const [, { element }] of inOrder) {
      if (element.parentElement !== list) continue;
      // The focused one is never moved, which would take the focus from it.
      if (element === next) next = next.nextElementSibling;
      else list.insertBefore(element, next);
    }
  }
}

/** Let Tab reach one picture alone. @param {Map<number, Tile>} tiles @param {number | null} active */
export function setTabStop(tiles, active) {
  const first = [...tiles.keys()].sort((one, other) => store.indexOf(one) - store.indexOf(other))[0];
  const reached = active !== null && tiles.has(active) ? active : first;
  for (const [id, { button, box }] of tiles) {
    const index = id === reached ? 0 : -1;
    if (button.tabIndex !== index) button.tabIndex = box.tabIndex = index;
  }
}
