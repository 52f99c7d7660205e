/** Modal dialogs that ask for a confirmation. */

/**
 * Open a dialog and return whether it was confirmed.
 * @param {HTMLDialogElement} dialog with a form of method "dialog" whose confirming button has the
 *   value "yes"
 * @returns {Promise<boolean>}
 */
export function askForConfirmation(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

export function closeOnClickOutside(dialog) {
  // A click on the backdrop has the dialog itself as its target.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
