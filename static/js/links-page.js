/** The page with all links to one's pictures. */

import { fetchLinks, fetchPicture, revokeLinks } from "./api.js";
import { announce, byId, dialogById, find, part } from "./dom.js";
import { formatNumber, titleOf, translate } from "./i18n.js";
import { createLinkItem } from "./link-item.js";
import { attempt } from "./session.js";
import * as store from "./store.js";

const page = byId("links-page");
const list = part(page, ".link-list");
const empty = byId("no-live-links");
const more = byId("more-links");
const all = find(page, "[name=all]", HTMLInputElement);
const revokeAll = byId("revoke-all");
const problem = part(page, ".problem");
const confirmation = dialogById("confirm-revoke");
/** @type {string | null} */
let next = null;

export function show() {
  byId("links-page-heading").focus({ preventScroll: true });
  void attempt(problem, () => load(true));
}

/** @param {boolean} isAnew */
async function load(isAnew) {
  const filter = all.checked ? {} : { live: true };
  const page = await fetchLinks(filter, isAnew ? null : next);
  next = page.next;
  if (isAnew) list.replaceChildren();
  list.append(...page.body.map(createItem));
  showState();
}

function showState() {
  empty.hidden = list.childElementCount > 0;
  revokeAll.hidden = !list.querySelector(".live:not([hidden])");
  more.hidden = next === null;
}

/** @param {PictureLink} link */
function createItem(link) {
  const item = createLinkItem(link, () => {
    const other = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    showState();
    const button = other?.querySelector("a");
    (button ?? byId("links-page-heading")).focus();
  });
  const picture = find(item, "a", HTMLAnchorElement);
  picture.hidden = false;
  picture.href = `/p/${link.image_id}`;
  void showPicture(picture, link.image_id);
  return item;
}

/** @param {HTMLAnchorElement} link @param {number} id */
async function showPicture(link, id) {
  const picture = store.get(id) ?? (await fetchPicture(id).catch(() => null));
  if (!picture) return;
  link.setAttribute("aria-label", titleOf(picture));
  const image = find(link, "img", HTMLImageElement);
  const [smallest] = picture.thumbnails;
  if (smallest) image.src = smallest.url;
}

async function revokeEvery() {
  const { revoked } = await revokeLinks();
  announce(translate("revokedMany", { count: formatNumber(revoked) }));
  await load(true);
  byId("links-page-heading").focus();
}

all.addEventListener("change", () => void attempt(problem, () => load(true)));
more.addEventListener("click", () => void attempt(problem, () => load(false)));
revokeAll.addEventListener("click", () => {
  confirmation.returnValue = "";
  confirmation.showModal();
});
confirmation.addEventListener("close", () => {
  if (confirmation.returnValue === "yes") void attempt(problem, revokeEvery);
});
