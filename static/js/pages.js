/** The pages of the gallery: shows the one that the address names. What few people need is loaded then. */

import { byId } from "./dom.js";
import * as pictureList from "./picture-list.js";
import { current } from "./router.js";

/** @type {Record<string, () => Promise<{show: (route: Route) => void}>>} */
const others = { links: () => import("./links-page.js"), account: () => import("./account-page.js") };
/** @type {typeof import("./viewer.js") | null} */
let viewer = null;

/** @param {Route} route @param {(work: () => Promise<void>) => Promise<void>} runAction shows errors */
export async function show(route, runAction) {
  const { page, dialog } = route;
  pictureList.showPage(page === "pictures");
  for (const name of ["links", "account"]) byId(`${name}-page`).hidden = page !== name;
  document.body.dataset.page = page;
  for (const link of document.querySelectorAll(".pages a")) {
    if (!(link instanceof HTMLElement)) continue;
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (page === "pictures") await runAction(() => pictureList.show(route));
  else (await others[page]?.())?.show(route);
  if (dialog && page === "pictures") viewer ??= await import("./viewer.js");
  // Another address may have been chosen while the module was loaded.
  if (current().path === route.path) viewer?.show(route);
}
