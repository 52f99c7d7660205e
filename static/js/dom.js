/** Elements: found, cloned from templates, filled, listened to. */

/** @type {Find} */
export function find(selector, root = document) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`no ${selector}`);
  return found;
}

/** @type {FindField} */
export const field = (form, name) => /** @type {any} */ (form.elements.namedItem(name));

/** @type {Clone} */
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

/** @param {Element} list @param {string[]} texts */
export const showItems = (list, texts) =>
  list.replaceChildren(...texts.map((textContent) => Object.assign(document.createElement("li"), { textContent })));

/** Have a screen reader speak a text. @param {string} text */
export function announce(text) {
  // In an open dialog: what lies outside is inert.
  const open = [...document.querySelectorAll("dialog[open] [data-status]")].at(-1);
  (open ?? find("#status")).textContent = text;
}

/** @type {HandleActions} */
export function handleActions(root, actions) {
  /** @type {Set<Element>} */
  const busy = new Set();
  root.addEventListener("click", async (event) => {
    const button = closest(event, "[data-action]");
    // A second click asks for nothing more while the first is obeyed.
    if (!button || busy.has(button)) return;
    busy.add(button);
    try {
      await actions[button.dataset.action ?? ""]?.(button);
    } finally {
      busy.delete(button);
    }
  });
}

/** @type {CopyText} */
export async function copyText(field) {
  field.select();
  // Over plain HTTP there is no clipboard, but the deprecated command works.
  if (!navigator.clipboard) return document.execCommand("copy");
  return navigator.clipboard.writeText(field.value).then(() => true, () => false);
}
