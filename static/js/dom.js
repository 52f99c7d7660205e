/** Elements of the page: found, cloned from its templates, filled, and listened to. */

/** @type {Find} */
export function find(selector, root = document) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
}

/** @type {FindField} */
export const field = (form, name) => /** @type {any} */ (form.elements.namedItem(name));

/** Return a new copy of a template's only element. @param {string} id */
export const clone = (id) =>
  /** @type {HTMLElement} */ (find(`template#${id}`).content.firstElementChild?.cloneNode(true));

/** @type {Closest} */
export const closest = ({ target }, selector) =>
  target instanceof Element ? target.closest(selector) : null;

/** @type {ShowText} */
export function showText(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

/** Have a screen reader speak a text. @param {string} text */
export function announce(text) {
  // Inside an open dialog, since what lies outside is inert then.
  const open = [...document.querySelectorAll("dialog[open] [data-status]")].at(-1);
  (open ?? find("#status")).textContent = text;
}

/** @type {HandleActions} */
export function handleActions(root, actions) {
  root.addEventListener("click", (event) => {
    const button = closest(event, "[data-action]");
    if (button) actions[button.dataset.action ?? ""]?.(button);
  });
}

/** Copy a text; return whether the browser did. @param {HTMLInputElement} field has it */
export async function copyText(field) {
  field.select();
  // Over plain HTTP a browser offers no clipboard, but still obeys the deprecated command.
  if (!navigator.clipboard) return document.execCommand("copy");
  return navigator.clipboard.writeText(field.value).then(() => true, () => false);
}
