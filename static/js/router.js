/** What the address names: a page, and what is open on it. */

import { closest } from "./dom.js";

/** The server answers these with the page (`delivery/gallery_urls.py`). @type {Record<string, Place>} */
export const ADDRESSES = {
  "/": { page: "pictures", dialog: "" },
  "/p/:id": { page: "pictures", dialog: "viewer" },
  "/p/:id/details": { page: "pictures", dialog: "details" },
  "/p/:id/links": { page: "pictures", dialog: "links" },
  "/links": { page: "links", dialog: "" },
  "/account": { page: "account", dialog: "" },
  "/account/delete": { page: "account", dialog: "delete-account" },
};

let onChange = (/** @type {Route} */ _route) => {};
// The query of the list, which stays while a picture is open.
let listQuery = "";

/** @type {Parse} */
function parse({ pathname, search }) {
  const path = pathname.replace(/\/$/, "") || "/";
  const id = path.match(/^\/p\/(\d+)/)?.[1];
  const place = ADDRESSES[id ? path.replace(id, ":id") : path];
  return place && { ...place, id: id ? Number(id) : null, query: new URLSearchParams(search), path };
}

export const current = () =>
  parse(location) ?? /** @type {Route} */ (parse(new URL("/", location.href)));

/** `replace` leaves no way back from another address to this one. @param {string} path */
export function navigate(path, { replace = false } = {}) {
  const opener = replace ? history.state?.opener : location.pathname;
  history[replace ? "replaceState" : "pushState"]({ opener }, "", withQuery(path));
  notify();
}

/** @type {WithQuery} */
const withQuery = (path) => (path.startsWith("/p/") || path === "/" ? path + listQuery : path);

/** @type {Close} */
export function close(parent) {
  if (isGoingBack) return void closedMeanwhile.push(parent);
  /** @type {string} */
  const opener = history.state?.opener ?? "";
  const isPicture = opener.startsWith("/p/");
  isGoingBack = parent.startsWith("/p/") ? opener.startsWith(parent) : opener !== "" && !isPicture;
  if (isGoingBack) history.back();
  else navigate(parent, { replace: true });
}

// The browser goes back a moment later; what is closed until then waits for that.
let isGoingBack = false;
/** @type {string[]} */
const closedMeanwhile = [];

function arrive() {
  isGoingBack = false;
  const parent = closedMeanwhile.shift();
  if (parent === undefined) notify();
  else close(parent);
}

/** @type {SetQuery} */
export function setQuery(query) {
  const text = String(new URLSearchParams(query));
  listQuery = text && `?${text}`;
  navigate("/", { replace: true });
}

function notify() {
  const route = current();
  if (route.page === "pictures") listQuery = location.search;
  onChange(route);
}

/** @param {MouseEvent} event */
function followLink(event) {
  const { button, metaKey, ctrlKey, shiftKey, altKey, defaultPrevented } = event;
  const link = closest(event, "a");
  if (!link || button || metaKey || ctrlKey || shiftKey || altKey || defaultPrevented) return;
  if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
  if (!parse(new URL(link.href))) return;
  event.preventDefault();
  if (link.dataset.page === "pictures") listQuery = "";
  if (link.pathname !== location.pathname) navigate(link.pathname);
}

/** @param {typeof onChange} listener is called now and at each change */
export function startRouter(listener) {
  onChange = listener;
  history.scrollRestoration = "manual";
  window.addEventListener("popstate", arrive);
  document.addEventListener("click", followLink);
  notify();
}

/** @type {BindDialog} */
export function bindDialog(dialog, isOpenIn, parentOf) {
  dialog.addEventListener("close", () => {
    const route = current();
    if (isOpenIn(route)) close(parentOf(route));
  });
  return (route) => {
    const isOpened = isOpenIn(route) && !dialog.open;
    if (isOpened) dialog.showModal();
    else if (!isOpenIn(route)) dialog.close();
    return isOpened;
  };
}
