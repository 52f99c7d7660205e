/** The dialog that shows one picture, as large as the screen. */

import { ApiError, api } from "./api.js";
import { deleteSoon } from "./deletions.js";
import { closest, find, handleActions, showText } from "./dom.js";
import { grid } from "./grid.js";
import { titleOf, translate } from "./i18n.js";
import { showLinks } from "./link-dialog.js";
import * as panel from "./picture-panel.js";
import { bindDialog, close, current, navigate } from "./router.js";
import { failureText, getAccount } from "./session.js";
import { createStageImage } from "./stage-image.js";
import { store } from "./store.js";

const dialog = find("dialog#viewer");
const title = find("#viewer-title");
const original = find("a#original");
const stage = find(".stage", dialog);
const problem = find(".problem", stage);
const linkButton = find("[data-action=link]", dialog);
/** @type {number | null} */
let shownId = null;
let shownIndex = -1;
/** @type {Details | null} */
let details = null;

const showDialog = bindDialog(dialog, ({ id }) => id !== null, () => "/");
const image = createStageImage(stage, problem, showNeighbour);

/** @param {Route} route */
export function show(route) {
  const { id } = route;
  const before = shownId;
  if (id !== null && (id !== shownId || !problem.hidden)) showPicture(id);
  if (id !== null) document.title = title.textContent;
  showDialog(route);
  panel.show(hasDetails(), details);
  showLinks(route);
  void getAccount().then(({ tier }) => (linkButton.hidden = !tier.grants_links), failureText);
  if (id === null && before !== null) {
    shownId = null;
    grid.focus(before);
  }
}

const hasDetails = () => current().dialog === "details";
const neighbour = (/** @type {number} */ step) =>
  // One that the search has no more has those that were beside it.
  store.list()[shownIndex + (store.indexOf(shownId ?? 0) < 0 ? Math.min(step, 0) : step)];

/** @param {number} id */
function showPicture(id) {
  shownId = id;
  shownIndex = store.indexOf(id);
  details = null;
  dialog.classList.remove("gone");
  const picture = store.get(id);
  title.textContent = picture ? titleOf(picture) : translate("picture", { id: String(id) });
  showText(problem, "");
  original.hidden = true;
  showNeighbours();
  // What the list shows of it is there at once.
  const tile = document.querySelector(`#pictures [data-id="${id}"] img`);
  image.showPreview(title.textContent, tile?.currentSrc || picture?.thumbnails.at(-1)?.url);
  void load(id);
}

/** @type {LoadDetails} */
async function load(id) {
  try {
    const found = await api.fetchPicture(id);
    if (store.get(id)) store.merge([found]);
    if (shownId !== id) return;
    showDetails(found);
    await image.show(found);
  } catch (error) {
    if (shownId !== id) return;
    const isGone = error instanceof ApiError && error.status === 404;
    dialog.classList.toggle("gone", isGone);
    showText(problem, isGone ? translate("noPicture") : failureText(error));
    if (isGone && store.get(id)) store.remove([id]);
  }
}

/** @param {Details} found */
function showDetails(found) {
  details = found;
  document.title = title.textContent = titleOf(found);
  image.describe(titleOf(found));
  // Without the right to see originals, the API returns no URL.
  original.hidden = !found.image.startsWith("http");
  if (!original.hidden) original.href = found.image;
  panel.show(hasDetails(), found);
}

function showNeighbours() {
  const next = neighbour(1);
  find("[data-action=previous]", dialog).hidden = !neighbour(-1);
  find("[data-action=next]", dialog).hidden = !next;
  if (shownId !== null && !next && store.hasMore()) void store.loadMore().catch(() => {});
}

/** @param {number} step */
function showNeighbour(step) {
  const other = neighbour(step);
  if (other) navigate(`/p/${other.id}${hasDetails() ? "/details" : ""}`, { replace: true });
}

/** @type {Leave} */
function leave(id) {
  const other = store.list()[shownIndex] ?? store.list()[shownIndex - 1];
  shownId = null;
  if (current().id !== id) return;
  if (other) navigate(`/p/${other.id}`, { replace: true });
  else close("/");
}

/** @type {Actions} */
const actions = {
  close: () => close("/"),
  previous: () => showNeighbour(-1),
  next: () => showNeighbour(1),
  zoom: () => image.zoom.toggle(),
  link: () => navigate(`/p/${shownId}/links`),
  details: () => navigate(`/p/${shownId}${hasDetails() ? "" : "/details"}`, { replace: true }),
  delete() {
    const id = shownId;
    if (id === null) return;
    // Once it is undone, the picture is shown again.
    deleteSoon([id], () => {
      navigate(`/p/${id}`, { replace: dialog.open });
      find("[data-action=delete]", dialog).focus();
    });
  },
};

handleActions(dialog, actions);
dialog.addEventListener("keydown", (event) => {
  const { key, repeat, ctrlKey, metaKey, altKey } = event;
  if (closest(event, "input, textarea, select") || ctrlKey || metaKey || altKey) return;
  if (repeat && key === "Delete") return;
  if (image.zoom.handleKey(key)) return event.preventDefault();
  const name = { ArrowLeft: "previous", ArrowRight: "next", Delete: "delete", i: "details" }[key];
  if (name) actions[name]?.(dialog);
});
panel.start(showDetails);
store.subscribe(() => {
  if (shownId === null) return;
  const index = store.indexOf(shownId);
  if (index >= 0) shownIndex = index;
  else if (shownIndex >= 0 && !store.get(shownId)) leave(shownId);
  const picture = store.get(shownId ?? 0);
  // It was changed elsewhere.
  if (details && picture && picture.updated_at !== details.updated_at) showDetails({ ...details, ...picture });
  showNeighbours();
});
