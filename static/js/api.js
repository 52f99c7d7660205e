/** A client of the image RESTful API: same origin, signed in by its JWT cookies. */

const ROOT = "/api/user/";
const PICTURES_PER_PAGE = 60;
const THUMBNAILS_PER_PAGE = 200;

/** `status` is 0 where no response came; `body` is the JSON of the error, null where there is none. */
export class ApiError extends Error {
  constructor(status, body = null, retryAfter = null) {
    super(`HTTP ${status}`);
    Object.assign(this, { status, body, retryAfter });
  }
}

async function request(path, options = {}) {
  const response = await fetch(path.startsWith("/") ? path : ROOT + path, options).catch(() => {
    throw new ApiError(0);
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, body, response.headers.get("Retry-After"));
  const lastEventId = Number(response.headers.get("Last-Event-ID"));
  return { body, lastEventId, next: nextPath(response.headers.get("Link")) };
}

/** Return the path of rel="next" in a Link header (RFC 8288), null where there is none. */
function nextPath(header) {
  const url = header?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  if (!url) return null;
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

export function signIn(username, password) {
  return request("jwt-login/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
}

export const signOut = () => request("jwt-logout/", { method: "POST" });
export const fetchLastEventId = async () => (await request("events/?limit=1")).lastEventId;
/** Both return {body, next}; `page` is the `next` of the page before, null for the first. */
export const fetchPictures = (page) => request(page ?? `images/?limit=${PICTURES_PER_PAGE}`);
export const fetchThumbnails = (page) => request(page ?? `thumbnails/?limit=${THUMBNAILS_PER_PAGE}`);
export const fetchPicture = async (id) => (await request(`images/${id}/`)).body;
export const fetchThumbnail = async (id) => (await request(`thumbnails/${id}/`)).body;
export const deletePicture = (id) => request(`images/${id}/`, { method: "DELETE" });
export const createLink = async (id, seconds) =>
  (await request(`link/${id}/?time=${seconds}`)).body;

/**
 * Upload one file, by XMLHttpRequest since fetch reports no progress.
 * @param {File} file
 * @param {(share: number) => void} onProgress receives the share sent, from 0 to 1
 * @param {AbortSignal} signal
 * @returns {Promise<{id: number, image: string}>} rejects with an ApiError
 */
export function uploadPicture(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const fail = () => {
      const retryAfter = xhr.getResponseHeader("Retry-After");
      reject(new ApiError(xhr.status, xhr.response, retryAfter));
    };
    const form = new FormData();
    form.append("image", file);
    xhr.responseType = "json";
    xhr.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    xhr.onload = () => (xhr.status === 201 ? resolve(xhr.response) : fail());
    xhr.onerror = xhr.onabort = fail;
    signal.addEventListener("abort", () => xhr.abort());
    xhr.open("POST", `${ROOT}images/`);
    xhr.send(form);
  });
}
