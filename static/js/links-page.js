/** The page with all links to one's pictures. */

import { api } from "./api.js";
import { announce, find, handleActions } from "./dom.js";
import { titleOf, translate } from "./i18n.js";
import { createLinkItem } from "./link-item.js";
import { attempt } from "./session.js";
import { store } from "./store.js";

const page = find("#links-page");
const heading = find("h1", page);
const list = find(".link-list", page);
const more = find("#more-links");
const all = find("input[name=all]", page);
const revokeAll = find("#revoke-all");
const problem = find(".problem", page);
const confirmation = find("dialog#confirm-revoke");
/** @type {Next} */
let next = null;

/** @type {ShowRoute} */
export function show(_route, isNew) {
  if (isNew) heading.focus({ preventScroll: true });
  if (isNew || !problem.hidden) void attempt(problem, loadAnew);
}

function loadAnew() {
  next = null;
  return load();
}

async function load() {
  const isAnew = next === null;
  const page = await api.fetchLinks(all.checked ? {} : { live: true }, next);
  next = page.next;
  if (isAnew) list.replaceChildren();
  list.append(...page.body.map(createItem));
  showState();
}

function showState() {
  find("#no-live-links").hidden = list.childElementCount > 0;
  revokeAll.hidden = !list.querySelector(".live:not([hidden])");
  more.hidden = next === null;
}

/** @param {PictureLink} link */
function createItem(link) {
  const item = createLinkItem(link, () => {
    const other = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    showState();
    (other?.querySelector("a") ?? heading).focus();
  });
  void showPicture(find("a", item), link.image_id);
  return item;
}

/** @param {HTMLAnchorElement} link @param {number} id */
async function showPicture(link, id) {
  link.hidden = false;
  link.href = `/p/${id}`;
  const picture = store.get(id) ?? (await api.fetchPicture(id).catch(() => null));
  if (!picture) return;
  link.ariaLabel = titleOf(picture);
  const [smallest] = picture.thumbnails;
  if (smallest) find("img", link).src = smallest.url;
}

async function revokeEvery() {
  const { revoked } = await api.revokeLinks();
  announce(translate("revokedMany", { count: revoked }));
  await loadAnew();
  heading.focus();
}

all.addEventListener("change", () => void attempt(problem, loadAnew));
handleActions(page, {
  more: () => attempt(problem, load),
  "revoke-all": () => confirmation.showModal(),
});
handleActions(confirmation, { yes: () => attempt(problem, revokeEvery) });
