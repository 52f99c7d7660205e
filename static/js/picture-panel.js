/** The panel beside a picture: what is known of it, and its changes. */

import { api } from "./api.js";
import { field, find, handleActions, showItems, showText } from "./dom.js";
import { formatBytes, formatNumber, formatTime, translate, translateApiMessage } from "./i18n.js";
import { attempt, failureText } from "./session.js";
import { store } from "./store.js";

const NAMES = /** @type {const} */ (["name", "description", "visibility"]);
const panel = find("#details");
const form = find("form#edit");
const fields = find("fieldset", form);
const facts = panel.querySelectorAll("dd");
const problem = find(".problem", panel);
const status = find("[role=status]", panel);
const reveals = find(".reveals", panel);
const revealsText = find(".reveals-text", panel);
const download = find("a[data-action=download]", panel);
const avatar = find("button[data-action=avatar]", panel);
/** @type {Details | null} */
let shown = null;
/** @type {Record<string, string>} what the service has, as the fields write it */
const known = {};
/** @type {Map<number, object>} what is typed of each picture, and not saved */
const drafts = new Map();
let onChanged = (/** @type {Details} */ _changed) => {};

/** @param {boolean} isOpen @param {Details | null} picture */
export function show(isOpen, picture) {
  panel.hidden = !isOpen;
  find("#viewer [data-action=details]").ariaExpanded = String(isOpen);
  // Nothing is typed that what arrives would write over.
  fields.disabled = !picture;
  if (!isOpen || !picture || picture === shown) return;
  const before = picture.id === shown?.id ? shown : null;
  if (shown && !before) drafts.set(shown.id, typed());
  shown = picture;
  fillForm(picture, before);
  if (!before) {
    for (const [name, value] of Object.entries(drafts.get(picture.id) ?? {})) field(form, name).value = value;
    showText(status, "");
    void showReveals(picture.id);
  }
  showFacts(picture);
}

/** @type {Typed} */
const typed = () =>
  Object.fromEntries(NAMES.map((name) => [name, field(form, name).value]).filter(([name = "", value]) => value !== known[name]));

/** @type {FillForm} */
function fillForm(picture, before) {
  for (const name of NAMES) {
    if (before?.[name] === picture[name]) continue;
    const input = field(form, name);
    const { value } = input;
    const isTyped = before && value !== known[name];
    input.value = picture[name] ?? "";
    known[name] = input.value;
    if (isTyped) input.value = value;
  }
}

/** @param {Details} picture */
function showFacts({ width, height, bytes, format, created_at, state, failure, is_active, image }) {
  showText(problem, state === "failed" ? failureOf(failure) : "");
  const values = [
    `${formatNumber(width)} × ${formatNumber(height)}`, formatBytes(bytes), format, formatTime(created_at),
  ];
  facts.forEach((each, at) => (each.textContent = values[at] ?? ""));
  avatar.disabled = is_active;
  avatar.textContent = translate(is_active ? "isAvatar" : "makeAvatar");
  download.hidden = !image.startsWith("http");
  if (!download.hidden) download.href = image;
}

/** @type {FailureOf} */
export const failureOf = (failure) =>
  `${translateApiMessage(failure ?? "")} ${translate("failedAdvice")}`;

/** @type {ShowReveals} */
async function showReveals(id) {
  reveals.replaceChildren();
  revealsText.textContent = translate("checking");
  try {
    const { format, width, height, bytes, dropped } = await api.fetchReveals(id);
    // That may just have shown that no clean copy can be made.
    const isRendition = (await api.fetchPicture(id)).clean_copy === "rendition";
    if (shown?.id !== id) return;
    const values = { format, width, height, size: formatBytes(bytes) };
    const text = translate(dropped.length ? "revealsWithout" : "reveals", values);
    revealsText.textContent = isRendition ? `${translate("givesRendition")} ${text}` : text;
    showItems(reveals, dropped.map(({ group, name }) => `${group}: ${name}`));
  } catch (error) {
    if (shown?.id === id) revealsText.textContent = failureText(error);
  }
}

/** @param {(id: number) => Promise<Details>} work @param {string} done */
async function change(work, done) {
  const id = shown?.id;
  if (id === undefined) return;
  showText(status, "");
  await attempt(problem, async () => {
    const changed = await work(id);
    if (store.get(id)) store.merge([changed]);
    if (shown?.id !== id) return;
    showText(status, done);
    onChanged(changed);
  });
}

/** @param {number} id */
async function activate(id) {
  await api.activatePicture(id);
  for (const other of store.list()) if (other.is_active) store.update(other.id, { is_active: false });
  return api.fetchPicture(id);
}

/** @param {typeof onChanged} changeHandler */
export function start(changeHandler) {
  onChanged = changeHandler;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = typed();
    void change((id) => api.changePicture(id, given), translate("saved"));
  });
  handleActions(panel, { avatar: () => change(activate, translate("isAvatar")) });
}
