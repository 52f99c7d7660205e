/** The image RESTful API as this page uses it: same origin, JWT cookies. */

const ROOT = "/api/user/";

/** An answer that is no success; `body` is the contract's JSON. */
export class Refused extends Error {
  constructor(status, body, retryAfter) {
    super(`HTTP ${status}`);
    Object.assign(this, { status, body, retryAfter });
  }
}

async function call(path, options = {}) {
  const response = await fetch(path.startsWith("http") ? path : ROOT + path, options);
  const body = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, body, response.headers.get("Retry-After"));
  return { body, next: nextPage(response.headers.get("Link")) };
}

/** The address behind rel="next" of a Link header (RFC 8288). */
function nextPage(header) {
  return header?.match(/<([^>]+)>;\s*rel="next"/)?.[1] ?? null;
}

export function signIn(username, password) {
  return call("jwt-login/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
}

export const signOut = () => call("jwt-logout/", { method: "POST" });
export const pictures = (page = "images/?limit=48") => call(page);
export const thumbnails = (page = "thumbnails/?limit=200") => call(page);
export const picture = (id) => call(`images/${id}/`);
export const remove = (id) => call(`images/${id}/`, { method: "DELETE" });
export const link = (id, seconds) => call(`link/${id}/?time=${seconds}`);

/** Upload one file; `progress` is told a share from 0 to 1. XHR, since fetch tells no progress. */
export function upload(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("image", file);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () =>
      request.status === 201
        ? resolve(request.response)
        : reject(new Refused(request.status, request.response));
    request.onerror = () => reject(new Refused(0, null));
    request.open("POST", `${ROOT}images/`);
    request.send(form);
  });
}
