/** The image RESTful API as this page uses it: same origin, JWT cookies. */

const ROOT = "/api/user/";
const PICTURES_PAGE = 60;
const THUMBNAILS_PAGE = 200;

/** An answer that is no success; `status` is 0 where none came, `body` is the contract's JSON. */
export class Refused extends Error {
  constructor(status, body = null, retryAfter = null) {
    super(`HTTP ${status}`);
    Object.assign(this, { status, body, retryAfter });
  }
}

async function call(path, options = {}) {
  const response = await fetch(path.startsWith("/") ? path : ROOT + path, options).catch(() => {
    throw new Refused(0);
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, body, response.headers.get("Retry-After"));
  const newest = Number(response.headers.get("Last-Event-ID"));
  return { body, newest, next: nextPage(response.headers.get("Link")) };
}

/** The path behind rel="next" of a Link header (RFC 8288). */
function nextPage(header) {
  const address = header?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  if (!address) return null;
  const { pathname, search } = new URL(address, location.href);
  return pathname + search;
}

export function signIn(username, password) {
  return call("jwt-login/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
}

export const signOut = () => call("jwt-logout/", { method: "POST" });
/** The number of the account's newest event. */
export const position = async () => (await call("events/?limit=1")).newest;
export const pictures = (page) => call(page ?? `images/?limit=${PICTURES_PAGE}`);
export const thumbnails = (page) => call(page ?? `thumbnails/?limit=${THUMBNAILS_PAGE}`);
export const picture = async (id) => (await call(`images/${id}/`)).body;
export const thumbnail = async (id) => (await call(`thumbnails/${id}/`)).body;
export const remove = (id) => call(`images/${id}/`, { method: "DELETE" });
export const link = async (id, seconds) => (await call(`link/${id}/?time=${seconds}`)).body;

/**
 * Upload one file. XHR, since fetch tells no progress.
 * @param {File} file
 * @param {(share: number) => void} progress is told a share from 0 to 1
 * @param {AbortSignal} signal
 * @returns {Promise<{id: number, image: string}>}
 */
export function upload(file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const refuse = () => {
      const wait = request.getResponseHeader("Retry-After");
      reject(new Refused(request.status, request.response, wait));
    };
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () => (request.status === 201 ? resolve(request.response) : refuse());
    request.onerror = request.onabort = refuse;
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", `${ROOT}images/`);
    request.send(formOf(file));
  });
}

function formOf(file) {
  const form = new FormData();
  form.append("image", file);
  return form;
}
