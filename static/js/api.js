/** A client of the image RESTful API: same origin, signed in by its JWT cookies. */

const ROOT = "/api/user/";
const FIRST_PAGE = 60;
const PICTURES_PER_PAGE = 200;
export const MAX_PER_PAGE = 1000;
const LIST_FIELDS =
  "id,name,width,height,created_at,updated_at,visibility,description,is_active,state,failure," +
  "thumbhash,dominant_color,thumbnails";
const DETAIL_FIELDS = `${LIST_FIELDS},image,bytes,format,clean_copy`;

/** `status` is 0 where no response came; `body` is the JSON of the error, null where there is none. */
export class ApiError extends Error {
  /** @param {number} status @param {Record<string, unknown> | null} body @param {string | null} retryAfter */
  constructor(status, body = null, retryAfter = null) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** @param {string} path below the API, or absolute @param {RequestInit} [options] @returns {Promise<{body: any, lastEventId: number, next: string | null}>} */
async function request(path, options) {
  const response = await fetch(path.startsWith("/") ? path : ROOT + path, options).catch(() => {
    throw new ApiError(0);
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, body, response.headers.get("Retry-After"));
  const lastEventId = Number(response.headers.get("Last-Event-ID"));
  return { body, lastEventId, next: nextPath(response.headers.get("Link")) };
}

/** Return the path of rel="next" in a Link header (RFC 8288), null where there is none. @param {string | null} header */
function nextPath(header) {
  const url = header?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  if (!url) return null;
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

/** @param {string} method @param {string} path @param {object} [json] @param {RequestInit} [options] */
async function send(method, path, json, options) {
  const headers = { "Content-Type": "application/json" };
  const body = json && { headers, body: JSON.stringify(json) };
  return (await request(path, { method, ...body, ...options })).body;
}

/** @param {Record<string, unknown>} values those that are empty are left out */
function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

/** @param {string} username @param {string} password */
export const signIn = (username, password) => send("POST", "jwt-login/", { username, password });
export const signOut = () => send("POST", "jwt-logout/");
export const fetchLastEventId = async () => (await request("events/?limit=1")).lastEventId;
/** @returns {Promise<Site>} */
export const fetchSite = async () => (await request("site/")).body;

/**
 * Return a page of pictures.
 * @param {Filter & {created_after?: string, limit?: number}} filter
 * @param {string | null} [next] of the page before; without it, the first page
 * @param {number} [limit]
 * @returns {Promise<{body: Picture[], next: string | null}>}
 */
export function fetchPictures(filter, next, limit) {
  const path = next ?? `images/?${query({ fields: LIST_FIELDS, limit: FIRST_PAGE, ...filter })}`;
  if (!next && !limit) return request(path);
  // The cursor of a page is good for pages of any length.
  return request(path.replace(/limit=\d+/, `limit=${limit ?? PICTURES_PER_PAGE}`));
}
/** @param {number} id @returns {Promise<Details>} */
export const fetchPicture = async (id) =>
  (await request(`images/${id}/?fields=${DETAIL_FIELDS}`)).body;
/** @param {string} sha256 @returns {Promise<{id: number}[]>} */
export const findByDigest = async (sha256) =>
  (await request(`images/?${query({ sha256, fields: "id", limit: 1 })}`)).body;
/** @param {number} id @param {object} change @returns {Promise<Details>} */
export const changePicture = (id, change) =>
  send("PATCH", `images/${id}/?fields=${DETAIL_FIELDS}`, change);
/** @param {number} id */
export const activatePicture = (id) => send("PUT", `images/${id}/active/`);
/** @param {number[]} ids @param {boolean} [isLeaving] whether the page goes away meanwhile */
export const deletePictures = (ids, isLeaving = false) =>
  send("POST", "images/delete/", { ids }, { keepalive: isLeaving });
/** @param {number[]} ids @param {string} visibility @returns {Promise<{changed: number[]}>} */
export const changeVisibility = (ids, visibility) =>
  send("POST", "images/change/", { ids, visibility });
/** @param {number[]} ids none for all */
export const archiveUrl = (ids) => `${ROOT}images/archive/?${query({ ids: ids.join(",") })}`;
/** Raise an ApiError where no archive can be had. @param {string} url */
export const checkArchive = (url) => request(url, { method: "HEAD" });
/** @param {number} id @returns {Promise<Reveal>} */
export const fetchReveals = async (id) => (await request(`images/${id}/reveals/`)).body;

/** @param {{image_id?: number, live?: boolean}} filter @param {string | null} [next] @returns {Promise<{body: PictureLink[], next: string | null}>} */
export const fetchLinks = (filter, next) => request(next ?? `links/?${query(filter)}`);
/** @param {object} link @returns {Promise<PictureLink>} */
export const createLink = (link) => send("POST", "links/", link);
/** @param {number} id */
export const qrCodeUrl = (id) => `${ROOT}links/${id}/qr/`;
/** @param {number} id */
export const revokeLink = (id) => send("DELETE", `links/${id}/`);
/** @returns {Promise<{revoked: number}>} */
export const revokeLinks = () => send("DELETE", "links/");

/** @returns {Promise<Account>} */
export const fetchAccount = async () => (await request("account/")).body;
/** @param {object} change @returns {Promise<Account>} */
export const changeAccount = (change) => send("PATCH", "account/", change);
/** @param {string} current_password @param {string} new_password */
export const changePassword = (current_password, new_password) =>
  send("POST", "account/password/", { current_password, new_password });
/** @param {string} password @returns {Promise<{pictures: number, links: number}>} */
export const deleteAccount = (password) => send("DELETE", "account/", { password });
export const EXPORT_URL = `${ROOT}account/export/`;
/** @returns {Promise<Usage>} */
export const fetchUsage = async () => (await request("usage/")).body;
/** @param {string | null} [next] @returns {Promise<{body: Session[], next: string | null}>} */
export const fetchSessions = (next) => request(next ?? "sessions/");
/** @param {string} id */
export const endSession = (id) => send("DELETE", `sessions/${id}/`);
/** @returns {Promise<{ended: number}>} */
export const endOtherSessions = () => send("DELETE", "sessions/");
/** @param {object} token @returns {Promise<Session & {token: string}>} */
export const createToken = (token) => send("POST", "tokens/", token);

/**
 * Upload one file, by XMLHttpRequest since fetch reports no progress.
 * @param {File} file
 * @param {string} key makes a repeated upload harmless
 * @param {(share: number) => void} onProgress receives the share sent, from 0 to 1
 * @param {AbortSignal} signal
 * @returns {Promise<{id: number, image: string}>} rejects with an ApiError
 */
export function uploadPicture(file, key, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const fail = () =>
      reject(new ApiError(xhr.status, xhr.response, xhr.getResponseHeader("Retry-After")));
    const form = new FormData();
    form.append("image", file);
    xhr.responseType = "json";
    xhr.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    xhr.onload = () => (xhr.status === 201 ? resolve(xhr.response) : fail());
    xhr.onerror = xhr.onabort = fail;
    signal.addEventListener("abort", () => xhr.abort());
    xhr.open("POST", `${ROOT}images/`);
    xhr.setRequestHeader("Idempotency-Key", key);
    xhr.send(form);
  });
}
