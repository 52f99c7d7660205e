/** The dialog that makes and lists links to a picture. */

import { api } from "./api.js";
import { field, find, handleActions } from "./dom.js";
import { formatDuration, formatTime, translate } from "./i18n.js";
import { copyAndSay, createLinkItem, setQrCode } from "./link-item.js";
import { bindDialog } from "./router.js";
import { attempt, handleSubmit, setAccount } from "./session.js";

const dialog = find("dialog#links");
const form = find("form#make-link");
const choices = find(".choices", form);
const customTime = find("#custom-time");
const minutes = field(form, "minutes");
const problem = find(".problem", form);
const result = find(".result", form);
const urlField = find("input#link-url");
const submitButton = find("button.primary", form);
const anotherButton = find("[data-action=another]", form);
const list = find(".link-list", dialog);
const listHeading = find("#links-heading");
let pictureId = 0;
let madeId = 0;

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
  list.replaceChildren();
  const { tier } = await setAccount(api.fetchAccount());
  find("#no-links").hidden = tier.grants_links;
  form.hidden = !tier.grants_links;
  showBounds(tier);
  await loadList();
}

/** @type {ShowBounds} */
function showBounds({ link_min_seconds: least, link_max_seconds: most }) {
  for (const each of form.querySelectorAll("input[name=seconds]")) {
    each.disabled = each.value !== "" && (Number(each.value) < least || Number(each.value) > most);
    each.parentElement?.toggleAttribute("hidden", each.disabled);
  }
  const offered = "input[name=seconds]:enabled";
  if (!form.querySelector(`${offered}:checked`)) find(offered, form).checked = true;
  minutes.min = String(Math.ceil(least / 60));
  minutes.max = String(Math.floor(most / 60));
  find("#link-bounds").textContent = translate("linkBounds", {
    least: formatDuration(least), most: formatDuration(most),
  });
  showCustomTime();
}

function showCustomTime() {
  minutes.disabled = customTime.hidden = field(form, "seconds").value !== "";
}

async function loadList() {
  const id = pictureId;
  const { body } = await api.fetchLinks({ image_id: id, live: true });
  if (id !== pictureId) return;
  const others = body.filter((link) => link.id !== madeId);
  list.replaceChildren(...others.map((link) => createLinkItem(link, remove)));
  listHeading.hidden = !others.length;
}

/** @param {number} id */
function remove(id) {
  list.querySelector(`[data-id="${id}"]`)?.remove();
  listHeading.hidden = !list.childElementCount;
  find("h2", dialog).focus();
}

async function make() {
  // Enter sends the form, too, while the link that it made is shown.
  if (submitButton.hidden) return;
  const link = await api.createLink(readForm());
  if (link.image_id === pictureId) showResult(link);
  await loadList();
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
  madeId = link.id;
  urlField.value = link.url;
  setQrCode(result, link);
  choices.hidden = submitButton.hidden = true;
  result.hidden = anotherButton.hidden = false;
  const time = formatTime(link.expires_at);
  find("[role=status]", result).textContent = translate("validUntil", { time });
  urlField.focus();
  urlField.select();
}

function startAnew() {
  madeId = 0;
  choices.hidden = submitButton.hidden = false;
  result.hidden = anotherButton.hidden = true;
  find("details", result).open = false;
  find("[data-action=copy] span", result).textContent = translate("copy");
}

handleSubmit(form, make);
form.addEventListener("change", showCustomTime);
handleActions(form, {
  close: () => dialog.close(),
  another: () => {
    startAnew();
    void attempt(problem, loadList);
  },
  share: () => navigator.share({ url: urlField.value }).catch(() => {}),
  copy: (button) => copyAndSay(urlField, button),
});
find("[data-action=share]", result).hidden = !("share" in navigator);
