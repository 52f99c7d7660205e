/** What can be done with the selected pictures. */

import { ApiError, archiveUrl, changeVisibility, checkArchive } from "./api.js";
import { announce, byId, find, handleActions, part, showText } from "./dom.js";
import { formatNumber, translate } from "./i18n.js";
import * as selection from "./selection.js";
import { failureText } from "./session.js";
import * as store from "./store.js";

// As many ids as an address can bear everywhere.
const MAX_DOWNLOAD = 500;
const bar = byId("selection");
const problem = part(bar, ".problem");
const visibility = find(bar, "select", HTMLSelectElement);

function show() {
  const count = selection.size();
  bar.hidden = count === 0;
  document.body.classList.toggle("selecting", count > 0);
  if (!count) return;
  const text = translate("selected", { count: formatNumber(count) });
  const shown = part(bar, "[role=status]");
  if (shown.textContent !== text) shown.textContent = text;
}

/** @param {() => Promise<void>} work */
async function attempt(work) {
  showText(problem, "");
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showText(problem, error.status === 503 ? translate("archiveBusy") : failureText(error));
  }
}

async function download() {
  const ids = selection.ids();
  if (ids.length > MAX_DOWNLOAD) {
    return showText(problem, translate("tooManyToDownload", { count: MAX_DOWNLOAD }));
  }
  const url = archiveUrl(ids);
  await checkArchive(url);
  const link = document.createElement("a");
  link.href = url;
  link.download = "pictures.zip";
  link.click();
  announce(translate("downloadStarts"));
}

async function change() {
  const value = /** @type {"private" | "members" | "public"} */ (visibility.value);
  const ids = selection.ids();
  if (!value) return;
  for (let start = 0; start < ids.length; start += 1000) {
    const { changed } = await changeVisibility(ids.slice(start, start + 1000), value);
    for (const id of changed) store.update(id, { visibility: value });
  }
  announce(translate("visibilityChanged"));
  visibility.value = "";
}

/** @param {(ids: number[]) => void} onDelete */
export function start(onDelete) {
  selection.subscribe(show);
  store.subscribe(() => selection.keep((id) => store.get(id) !== undefined));
  visibility.addEventListener("change", () => void attempt(change));
  /** @type {Record<string, () => void>} */
  const actions = {
    download: () => void attempt(download),
    delete: () => onDelete(selection.ids()),
    all: () => selection.set(store.list().map(({ id }) => id)),
    none: selection.clear,
  };
  handleActions(bar, (action) => actions[action]?.());
}
