/** Elements of the page: found, cloned from its templates, filled, and listened to. */

/** Return the element that the page must have. @template {Element} T @param {ParentNode} root @param {string} selector @param {new () => T} kind @returns {T} */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} ${selector}`);
  return found;
}

/** @param {string} id */
export const byId = (id) => find(document, `#${id}`, HTMLElement);
/** @param {string} id */
export const dialogById = (id) => find(document, `#${id}`, HTMLDialogElement);
/** @param {string} id */
export const formById = (id) => find(document, `#${id}`, HTMLFormElement);
/** @param {ParentNode} root @param {string} selector */
export const part = (root, selector) => find(root, selector, HTMLElement);

/** Return a field of a form by its name. @param {HTMLFormElement} form @param {string} name @returns {HTMLInputElement} */
export const field = (form, name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** Return a new copy of a template's only element. @param {string} id */
export function clone(id) {
  const { content } = find(document, `#${id}`, HTMLTemplateElement);
  return /** @type {HTMLElement} */ (content.firstElementChild?.cloneNode(true));
}

/** Show a text in an element, which is hidden where the text is empty. @param {HTMLElement} element @param {string | null | undefined} text */
export function showText(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

/** Have a screen reader speak a text. @param {string} text */
export function announce(text) {
  // Inside an open dialog, since what lies outside is inert then.
  const open = [...document.querySelectorAll("dialog[open] [data-status]")].at(-1);
  (open ?? byId("status")).textContent = text;
}

/** Call the action that a clicked button names. @param {HTMLElement} root @param {(action: string, button: HTMLElement) => void} onAction */
export function handleActions(root, onAction) {
  root.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest("[data-action]") : null;
    if (button instanceof HTMLElement && button.dataset.action) {
      onAction(button.dataset.action, button);
    }
  });
}

/** Copy a text; return whether the browser did. @param {string} text @param {HTMLInputElement} field shows it */
export async function copyText(text, field) {
  field.select();
  // Over plain HTTP a browser offers no clipboard, but still obeys the deprecated command.
  if (!navigator.clipboard) return document.execCommand("copy");
  return navigator.clipboard.writeText(text).then(() => true, () => false);
}
