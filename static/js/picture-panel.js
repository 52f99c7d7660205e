/** What there is to know and to change of one picture: the panel beside it. */

import * as api from "./api.js";
import { byId, clone, field, find, formById, handleActions, part, showText } from "./dom.js";
import { formatBytes, formatNumber, formatTime, translate, translateApiMessage } from "./i18n.js";
import { attempt, failureText } from "./session.js";
import * as store from "./store.js";

const panel = byId("details");
const form = formById("edit");
const fields = find(form, "fieldset", HTMLFieldSetElement);
const facts = part(panel, "dl");
const problem = part(panel, ".problem");
const status = part(panel, "[role=status]");
const reveals = part(panel, ".reveals");
const download = find(panel, "[data-action=download]", HTMLAnchorElement);
const avatar = find(panel, "[data-action=avatar]", HTMLButtonElement);
/** @type {Details | null} */
let shown = null;
/** @type {(changed: Details) => void} */
let onChanged = () => {};

/** @param {boolean} isOpen @param {Details | null} picture */
export function show(isOpen, picture) {
  panel.hidden = !isOpen;
  const button = part(document.body, "#viewer [data-action=details]");
  button.setAttribute("aria-expanded", String(isOpen));
  // Nothing is typed that what arrives would write over.
  fields.disabled = !picture;
  if (!isOpen || !picture || picture === shown) return;
  const isOther = picture.id !== shown?.id;
  shown = picture;
  if (isOther) {
    form.reset();
    fill(picture);
    showText(status, "");
    void showReveals(picture.id);
  }
  showText(problem, picture.state === "failed" ? failureOf(picture) : "");
  showFacts(picture);
  avatar.disabled = picture.is_active;
  avatar.textContent = translate(picture.is_active ? "isAvatar" : "makeAvatar");
  download.hidden = !picture.image.startsWith("http");
  if (!download.hidden) download.href = picture.image;
}

/** @param {Details} picture */
function failureOf({ failure }) {
  return `${translateApiMessage(failure ?? "")} ${translate("failedAdvice")}`;
}

/** @param {Details} picture */
function fill({ name, description, visibility }) {
  field(form, "name").value = name ?? "";
  field(form, "description").value = description;
  field(form, "visibility").value = visibility;
}

/** @param {Details} picture */
function showFacts({ width, height, bytes, format, created_at }) {
  const values = [
    `${formatNumber(width)} × ${formatNumber(height)}`, formatBytes(bytes), format,
    formatTime(new Date(created_at)),
  ];
  facts.querySelectorAll("dd").forEach((each, at) => (each.textContent = values[at] ?? ""));
}

/** Say what whoever gets a link would see of the file, and what stays behind. @param {number} id */
async function showReveals(id) {
  reveals.replaceChildren();
  const text = part(panel, ".reveals-text");
  text.textContent = translate("checking");
  try {
    const { format, width, height, bytes, dropped } = await api.fetchReveals(id);
    if (shown?.id !== id) return;
    const [across, down] = [formatNumber(width), formatNumber(height)];
    const values = { format, width: across, height: down, size: formatBytes(bytes) };
    text.textContent = translate(dropped.length ? "revealsWithout" : "reveals", values);
    // What was asked for may just have shown that no clean copy can be made.
    const isRendition = (await api.fetchPicture(id)).clean_copy === "rendition";
    if (isRendition) text.textContent = `${translate("givesRendition")} ${text.textContent}`;
    reveals.replaceChildren(...dropped.map(({ group, name }) => {
      const item = clone("reveal");
      item.textContent = `${group}: ${name}`;
      return item;
    }));
  } catch (error) {
    if (shown?.id === id) text.textContent = failureText(error);
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

/** @param {(changed: Details) => void} changeHandler */
export function start(changeHandler) {
  onChanged = changeHandler;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form));
    void change((id) => api.changePicture(id, given), translate("saved"));
  });
  handleActions(panel, (action) => {
    if (action === "avatar") void change(activate, translate("isAvatar"));
  });
}
