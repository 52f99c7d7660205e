/** The selected pictures, and what can be done with them. */

import { api } from "./api.js";
import { announce, find, handleActions, showText } from "./dom.js";
import { translate } from "./i18n.js";
import { attempt } from "./session.js";
import { store } from "./store.js";

// As many ids as an address can bear everywhere.
const MAX_DOWNLOAD = 500;
const bar = find("#selection");
const status = find("[role=status]", bar);
const problem = find(".problem", bar);
const visibility = find("select", bar);
/** @type {Set<number>} */
let selected = new Set();
/** @type {number | null} where a range begins */
let anchor = null;
let onChanged = () => {};

/** @type {PictureSelection} */
export const selection = {
  ids: () => [...selected],
  size: () => selected.size,
  has: (id) => selected.has(id),
  toggle(id) {
    if (!selected.delete(id)) selected.add(id);
    anchor = id;
    changed();
  },
  extend(id) {
    const from = store.indexOf(anchor ?? 0);
    const to = store.indexOf(id);
    if (from < 0) return selection.toggle(id);
    const range = store.list().slice(Math.min(from, to), Math.max(from, to) + 1);
    for (const picture of range) selected.add(picture.id);
    changed();
  },
  set(ids) {
    selected = new Set(ids);
    changed();
  },
  selectAll: () => selection.set(store.list().map(({ id }) => id)),
  clear: () => selection.set([]),

  start(onDelete, changeHandler) {
    onChanged = changeHandler;
    store.subscribe(() => {
      const rest = selection.ids().filter((id) => store.indexOf(id) >= 0);
      if (rest.length < selected.size) selection.set(rest);
    });
    visibility.addEventListener("change", () => void attempt(problem, changeVisibility));
    handleActions(bar, {
      download: () => attempt(problem, download, { 503: translate("archiveBusy") }),
      delete: () => onDelete(selection.ids()),
      all: selection.selectAll,
      none: selection.clear,
    });
  },
};

function changed() {
  const count = selected.size;
  // What is hidden loses the focus.
  if (!count && bar.contains(document.activeElement)) find("#heading").focus({ preventScroll: true });
  bar.hidden = count === 0;
  document.body.classList.toggle("selecting", count > 0);
  const text = translate("selected", { count });
  if (count && status.textContent !== text) status.textContent = text;
  onChanged();
}

async function download() {
  const ids = selection.ids();
  if (ids.length > MAX_DOWNLOAD) {
    return showText(problem, translate("tooManyToDownload", { count: MAX_DOWNLOAD }));
  }
  const link = document.createElement("a");
  link.href = api.archiveUrl(ids);
  link.download = "pictures.zip";
  await api.checkArchive(ids);
  link.click();
  announce(translate("downloadStarts"));
}

async function changeVisibility() {
  const value = /** @type {Picture["visibility"]} */ (visibility.value);
  const ids = selection.ids();
  // Chosen again, it changes again: also after a failure.
  visibility.value = "";
  if (!value) return;
  for (let start = 0; start < ids.length; start += 1000) {
    const receipt = await api.changeVisibility(ids.slice(start, start + 1000), value);
    for (const id of receipt.changed) store.update(id, { visibility: value });
  }
  announce(translate("visibilityChanged"));
}
