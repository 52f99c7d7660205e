/** The dialog that makes links to one picture, and lists those that there are. */

import { createLink, fetchLinks } from "./api.js";
import { bindDialog } from "./dialogs.js";
import {
  byId, copyText, dialogById, field, find, formById, handleActions, part,
} from "./dom.js";
import { formatDuration, formatTime, translate } from "./i18n.js";
import { createLinkItem, sayCopied, setQrCode } from "./link-item.js";
import { attempt, getAccount } from "./session.js";

const dialog = dialogById("links");
const form = formById("make-link");
const choices = part(form, ".choices");
const customTime = byId("custom-time");
const minutes = field(form, "minutes");
const problem = part(form, ".problem");
const result = part(form, ".result");
const urlField = find(form, "#link-url", HTMLInputElement);
const submitButton = find(form, "button.primary", HTMLButtonElement);
const list = part(dialog, ".link-list");
let pictureId = 0;
let isMaking = false;

const showDialog = bindDialog(dialog, ({ dialog: name }) => name === "links", ({ id }) => `/p/${id}`);

/** @param {Route} route */
export function showLinks(route) {
  if (!showDialog(route)) return;
  pictureId = route.id ?? 0;
  form.reset();
  startAnew();
  void attempt(problem, prepare);
}

async function prepare() {
  const id = pictureId;
  list.replaceChildren();
  const { tier } = await getAccount();
  byId("no-links").hidden = tier.grants_links;
  form.hidden = !tier.grants_links;
  showBounds(tier);
  const { body } = await fetchLinks({ image_id: id, live: true });
  if (id === pictureId) showList(body);
}

/** Offer the times that the plan allows alone. @param {Tier} tier */
function showBounds({ link_min_seconds: least, link_max_seconds: most }) {
  for (const each of form.querySelectorAll("[name=seconds]")) {
    if (!(each instanceof HTMLInputElement) || !each.value) continue;
    const isAllowed = Number(each.value) >= least && Number(each.value) <= most;
    each.disabled = !isAllowed;
    each.parentElement?.toggleAttribute("hidden", !isAllowed);
  }
  const first = form.querySelector("[name=seconds]:not(:disabled)");
  if (!form.querySelector("[name=seconds]:checked:not(:disabled)") && first instanceof HTMLInputElement) {
    first.checked = true;
  }
  minutes.min = String(Math.ceil(least / 60));
  minutes.max = String(Math.floor(most / 60));
  byId("link-bounds").textContent = translate("linkBounds", {
    least: formatDuration(least), most: formatDuration(most),
  });
  showCustomTime();
}

function showCustomTime() {
  customTime.hidden = field(form, "seconds").value !== "";
  minutes.disabled = customTime.hidden;
}

/** @param {PictureLink[]} links */
function showList(links) {
  const remove = (/** @type {number} */ id) => {
    list.querySelector(`[data-id="${id}"]`)?.remove();
    byId("links-heading").hidden = !list.childElementCount;
    if (urlField.dataset.id === String(id)) startAnew();
    part(dialog, "h2").focus();
  };
  list.replaceChildren(...links.map((link) => createLinkItem(link, remove)));
  byId("links-heading").hidden = !links.length;
}

/** @param {SubmitEvent} event */
async function submit(event) {
  event.preventDefault();
  // One press makes one link, however often the button is pressed meanwhile.
  if (isMaking || submitButton.hidden) return;
  isMaking = submitButton.disabled = true;
  await attempt(problem, async () => {
    const link = await createLink(readForm());
    showResult(link);
    const { body } = await fetchLinks({ image_id: link.image_id, live: true });
    if (link.image_id === pictureId) showList(body.filter(({ id }) => id !== link.id));
  });
  isMaking = submitButton.disabled = false;
}

function readForm() {
  const value = (/** @type {string} */ name) => field(form, name).value;
  return {
    image_id: pictureId,
    expires_in: Number(value("seconds")) || Number(value("minutes")) * 60,
    note: value("note"),
    max_opens: Number(value("max_opens")) || null,
    password: value("link_password") || null,
  };
}

/** @param {PictureLink} link */
function showResult(link) {
  const { id, url, expires_at } = link;
  urlField.value = url;
  setQrCode(result, link);
  urlField.dataset.id = String(id);
  choices.hidden = submitButton.hidden = true;
  result.hidden = part(form, "[data-action=another]").hidden = false;
  const time = formatTime(new Date(expires_at));
  part(result, "[role=status]").textContent = translate("validUntil", { time });
  urlField.focus();
  urlField.select();
}

function startAnew() {
  choices.hidden = submitButton.hidden = false;
  result.hidden = part(form, "[data-action=another]").hidden = true;
  delete urlField.dataset.id;
  find(result, "details", HTMLDetailsElement).open = false;
  part(result, "[data-action=copy] span").textContent = translate("copy");
}

/** @type {Record<string, (button: HTMLElement) => unknown>} */
const actions = {
  close: () => dialog.close(),
  another: startAnew,
  share: () => navigator.share({ url: urlField.value }).catch(() => {}),
  copy: async (button) => (await copyText(urlField.value, urlField)) && sayCopied(button),
};

form.addEventListener("submit", (event) => void submit(event));
form.addEventListener("change", showCustomTime);
handleActions(dialog, (action, button) => {
  if (!button.closest(".link-list")) void actions[action]?.(button);
});
part(result, "[data-action=share]").hidden = !("share" in navigator);
