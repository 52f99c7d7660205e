/** Being away and back: said once and calmly; pictures that another program shared into the page. */

import { byId, showText } from "./dom.js";
import { translate } from "./i18n.js";

const banner = byId("offline");
const SHARED = "shared-pictures"; // the cache in which service-worker.js leaves them
let isAway = false;
/** @type {(files: File[]) => void} */
let enqueue = () => {};

export const isOffline = () => isAway;

export function showOffline() {
  isAway = true;
  if (banner.hidden) showText(banner, translate("offline"));
}

export function showOnline() {
  isAway = false;
  banner.hidden = true;
}

/** Take up what was shared before somebody was signed in. */
export async function resume() {
  if (!("caches" in window) || !(await caches.has(SHARED))) return;
  const cache = await caches.open(SHARED);
  const files = [];
  for (const request of await cache.keys()) {
    const response = await cache.match(request);
    if (!response) continue;
    const name = decodeURIComponent(response.headers.get("X-Name") ?? "shared");
    const type = response.headers.get("Content-Type") ?? "";
    files.push(new File([await response.blob()], name, { type }));
  }
  await forget();
  if (files.length) enqueue(files);
}

/** Keep nothing that was shared. */
export async function forget() {
  if ("caches" in window) await caches.delete(SHARED);
}

/** @param {{enqueue: (files: File[]) => void, onOnline: () => void}} handlers */
export function start(handlers) {
  enqueue = handlers.enqueue;
  addEventListener("offline", showOffline);
  addEventListener("online", handlers.onOnline);
  // Over plain HTTP browsers install nothing.
  void navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
}
