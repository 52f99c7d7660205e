/** A question with yes and no. */

/**
 * @param {HTMLDialogElement} dialog with a form of method "dialog" whose yes button says "yes"
 * @returns {Promise<boolean>}
 */
export function ask(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Close a dialog by a click beside it. */
export function closeBeside(dialog) {
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
