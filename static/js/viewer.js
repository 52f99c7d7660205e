/** The dialog that shows one picture, as large as the screen. */

import { ApiError, fetchPicture } from "./api.js";
import { deleteSoon } from "./deletions.js";
import { bindDialog } from "./dialogs.js";
import { dialogById, find, handleActions, part, showText } from "./dom.js";
import * as grid from "./grid.js";
import { titleOf, translate } from "./i18n.js";
import { showLinks } from "./link-dialog.js";
import * as panel from "./picture-panel.js";
import { close, current, navigate } from "./router.js";
import { failureText, getAccount } from "./session.js";
import * as store from "./store.js";
import { createStageImage } from "./stage-image.js";

const dialog = dialogById("viewer");
const title = part(dialog, "#viewer-title");
const original = find(dialog, "#original", HTMLAnchorElement);
const problem = part(dialog, ".stage .problem");
const linkButton = part(dialog, "[data-action=link]");
/** @type {number | null} */
let shownId = null;
let shownIndex = -1;
/** @type {Details | null} */
let details = null;

const showDialog = bindDialog(dialog, ({ id }) => id !== null, () => "/");
const image = createStageImage(part(dialog, ".stage"), problem, (step) => showNeighbour(step));

/** @param {Route} route */
export function show(route) {
  const { id, dialog: name } = route;
  const before = shownId;
  if (id !== null && id !== shownId) showPicture(id);
  showDialog(route);
  panel.show(name === "details", details);
  showLinks(route);
  if (id === null && before !== null) {
    shownId = null;
    grid.focus(before);
  }
}

/** @param {number} id */
function showPicture(id) {
  shownId = id;
  shownIndex = store.indexOf(id);
  details = null;
  const picture = store.get(id);
  title.textContent = picture ? titleOf(picture) : translate("picture", { id });
  showText(problem, "");
  original.hidden = true;
  showNeighbours();
  image.showPreview(title.textContent, picture?.thumbnails.at(-1)?.url);
  void load(id);
  void getAccount().then(({ tier }) => (linkButton.hidden = !tier.grants_links), failureText);
}

/** Fetch the picture's facts, then the picture. @param {number} id */
async function load(id) {
  try {
    const found = await fetchPicture(id);
    if (store.get(id)) store.merge([found]);
    if (shownId !== id) return;
    details = found;
    showDetails(found);
    await image.show(found);
  } catch (error) {
    if (shownId !== id) return;
    const isGone = error instanceof ApiError && error.status === 404;
    showText(problem, isGone ? translate("noPicture") : failureText(error));
    if (isGone && store.get(id)) store.remove([id]);
  }
}

/** @param {Details} found */
function showDetails(found) {
  title.textContent = titleOf(found);
  image.describe(titleOf(found));
  // Without the right to see originals, the API returns no URL.
  original.hidden = !found.image.startsWith("http");
  if (!original.hidden) original.href = found.image;
  panel.show(current().dialog === "details", found);
}

function showNeighbours() {
  for (const [action, step] of /** @type {[string, number][]} */ ([["previous", -1], ["next", 1]])) {
    const other = shownId === null ? undefined : store.neighbour(shownId, step);
    part(dialog, `[data-action=${action}]`).hidden = other === undefined;
  }
  const isLast = shownId !== null && store.neighbour(shownId, 1) === undefined;
  if (isLast && store.hasMore()) void store.loadMore().catch(() => {});
}

/** @param {number} step */
function showNeighbour(step) {
  const other = shownId === null ? undefined : store.neighbour(shownId, step);
  if (!other) return;
  const suffix = current().dialog === "details" ? "/details" : "";
  navigate(`/p/${other.id}${suffix}`, { replace: true });
}

/** Show a neighbour, or the list, where the picture shown is gone. @param {number} id */
function leave(id) {
  const other = store.list()[shownIndex] ?? store.list()[shownIndex - 1];
  shownId = null;
  if (current().id !== id) return;
  if (other) navigate(`/p/${other.id}`, { replace: true });
  else close("/");
}

/** Once it is undone, the picture is shown again. */
function deleteShown() {
  const id = shownId;
  if (id === null) return;
  deleteSoon([id], () => {
    navigate(`/p/${id}`, { replace: dialog.open });
    part(dialog, "[data-action=delete]").focus();
  });
}

/** @type {Record<string, () => void>} */
const actions = {
  close: () => close("/"),
  previous: () => showNeighbour(-1),
  next: () => showNeighbour(1),
  zoom: () => image.zoom.toggle(),
  link: () => navigate(`/p/${shownId}/links`),
  details: () => toggleDetails(),
  delete: deleteShown,
};

function toggleDetails() {
  const suffix = current().dialog === "details" ? "" : "/details";
  navigate(`/p/${shownId}${suffix}`, { replace: true });
}

handleActions(dialog, (action) => actions[action]?.());
dialog.addEventListener("keydown", (event) => {
  const { key, target, repeat, ctrlKey, metaKey, altKey } = event;
  const isField = target instanceof Element && target.matches("input, textarea, select");
  if (isField || ctrlKey || metaKey || altKey) return;
  if (repeat && key === "Delete") return;
  if (image.zoom.handleKey(key)) return event.preventDefault();
  const name = { ArrowLeft: "previous", ArrowRight: "next", Delete: "delete", i: "details" }[key];
  if (name) actions[name]?.();
});
panel.start((changed) => {
  details = changed;
  showDetails(changed);
});
store.subscribe(() => {
  if (shownId === null) return;
  const index = store.indexOf(shownId);
  if (index >= 0) shownIndex = index;
  else if (shownIndex >= 0) leave(shownId);
  showNeighbours();
});
