/** Shows the page that the address names, and its title. What few people need is loaded then. */

import { find } from "./dom.js";
import { lost } from "./api.js";
import { pictureList } from "./picture-list.js";
import { current } from "./router.js";

/** @type {Record<string, () => Promise<{show: ShowRoute}>>} */
const others = { links: () => import("./links-page.js"), account: () => import("./account-page.js") };
/** @type {typeof import("./viewer.js") | null} */
let viewer = null;
let shownPage = "";
const PAUSE = 2000; // milliseconds

/** @type {() => never} */
const fail = () => {
  throw lost();
};

/** @param {Route} route @param {RunAction} runAction shows errors */
export async function showPage(route, runAction) {
  const { page, dialog } = route;
  // First: on a phone the bar is as high as the page has it.
  document.body.dataset.page = page;
  pictureList.showPage(page === "pictures");
  for (const name in others) find(`#${name}-page`).hidden = page !== name;
  for (const link of document.querySelectorAll(".pages a")) {
    link.ariaCurrent = link.dataset.page === page ? "page" : null;
    if (link.ariaCurrent) document.title = `${link.textContent} · Tintype`;
  }
  await runAction(async () => {
    if (page === "pictures") await pictureList.show(route);
    else (await others[page]?.().catch(fail))?.show(route, page !== shownPage);
    shownPage = page;
    // Before somebody opens a picture, who would wait for it on a slow connection.
    if (page === "pictures") setTimeout(() => void import("./viewer.js").catch(() => {}), PAUSE);
    if (dialog && page === "pictures") viewer ??= await import("./viewer.js").catch(fail);
    // Another address may have been chosen meanwhile.
    if (current().path === route.path) viewer?.show(route);
  });
}
