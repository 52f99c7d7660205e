/** Shows the page that the address names, and its title. What few people need is loaded then. */

import { find } from "./dom.js";
import { pictureList } from "./picture-list.js";
import { current } from "./router.js";

/** @type {Record<string, () => Promise<{show: (route: Route) => void}>>} */
const others = { links: () => import("./links-page.js"), account: () => import("./account-page.js") };
/** @type {typeof import("./viewer.js") | null} */
let viewer = null;

/** @param {Route} route @param {RunAction} runAction shows errors */
export async function showPage(route, runAction) {
  const { page, dialog } = route;
  pictureList.showPage(page === "pictures");
  for (const name in others) find(`#${name}-page`).hidden = page !== name;
  document.body.dataset.page = page;
  for (const link of document.querySelectorAll(".pages a")) {
    link.ariaCurrent = link.dataset.page === page ? "page" : null;
    if (link.ariaCurrent) document.title = `${link.textContent} · Tintype`;
  }
  if (page === "pictures") await runAction(() => pictureList.show(route));
  else (await others[page]?.())?.show(route);
  if (dialog && page === "pictures") viewer ??= await import("./viewer.js");
  // Another address may have been chosen meanwhile.
  if (current().path === route.path) viewer?.show(route);
}
