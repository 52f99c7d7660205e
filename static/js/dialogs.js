/** Modal dialogs that have an address: closed, they lead back to where they were opened from. */

import { close, current } from "./router.js";

/**
 * @param {HTMLDialogElement} dialog
 * @param {(route: Route) => boolean} isOpenIn whether an address has it open
 * @param {(route: Route) => string} parentOf the address that it leads back to
 * @returns {(route: Route) => boolean} opens or closes it as an address says; tells whether it was
 *   opened by that
 */
export function bindDialog(dialog, isOpenIn, parentOf) {
  closeOnClickOutside(dialog);
  dialog.addEventListener("close", () => {
    const route = current();
    if (isOpenIn(route)) close(parentOf(route));
  });
  return (route) => {
    if (!isOpenIn(route)) dialog.close();
    else if (!dialog.open) {
      dialog.returnValue = "";
      dialog.showModal();
      return true;
    }
    return false;
  };
}

/** @param {HTMLDialogElement} dialog */
function closeOnClickOutside(dialog) {
  // A click on the backdrop has the dialog itself as its target.
  dialog.addEventListener("click", (event) => {
    const box = dialog.getBoundingClientRect();
    const isInside = event.clientX >= box.left && event.clientX <= box.right &&
      event.clientY >= box.top && event.clientY <= box.bottom;
    if (event.target === dialog && event.detail > 0 && !isInside) dialog.close();
  });
}
