/** Being away and back; pictures that another program shared into the page. */

import { find, showText } from "./dom.js";
import { translate } from "./i18n.js";
import { uploads } from "./uploads.js";

const banner = find("#offline");
const SHARED = "shared-pictures"; // the cache in which service-worker.js leaves them

/** @type {Connection} */
export const connection = {
  isOffline: () => !banner.hidden,

  async takeShared() {
    if (!("caches" in window) || !(await caches.has(SHARED))) return;
    const cache = await caches.open(SHARED);
    for (const request of await cache.keys()) {
      const response = await cache.match(request);
      if (!response) continue;
      const name = decodeURIComponent(response.headers.get("X-Name") ?? "shared");
      const type = response.headers.get("Content-Type") ?? "";
      // It stays until it is stored: a page that is closed before goes on when opened again.
      uploads.enqueue([new File([await response.blob()], name, { type })], {
        key: new URL(request.url).pathname, onDone: () => void cache.delete(request),
      });
    }
  },
  async forgetShared() {
    if ("caches" in window) await caches.delete(SHARED);
  },

  start(onAway, onBack) {
    addEventListener("offline", () => {
      if (!banner.hidden) return;
      showText(banner, translate("offline"));
      onAway();
    });
    addEventListener("answer", () => {
      if (banner.hidden) return;
      banner.hidden = true;
      onBack();
    });
    // Over plain HTTP browsers install nothing.
    void navigator.serviceWorker?.register("/service-worker.js").catch(() => {});
  },
};
