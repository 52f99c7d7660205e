/** A client of the image RESTful API: same origin, signed in by its JWT cookies. */

const ROOT = "/api/user/";
const FIRST_PAGE = 60;
const PICTURES_PER_PAGE = 200;
export const MAX_PER_PAGE = 1000;
const LIST_FIELDS =
  "id,name,width,height,created_at,updated_at,visibility,description,is_active,state,failure," +
  "thumbhash,dominant_color,thumbnails";
const DETAIL_FIELDS = `${LIST_FIELDS},image,bytes,format,clean_copy`;

// A storage that browsers read themselves does not look at `Accept`: its addresses name a format. What
// the browser shows it says by what it chooses, a moment after the page began.
const smaller = ["image/avif", "image/webp"].map((type) => {
  const image = new Image();
  const source = Object.assign(document.createElement("source"), { type, srcset: "data:,0" });
  document.createElement("picture").append(source, image);
  return { type, image };
});

function accepted() {
  const shown = smaller.filter(({ image }) => image.currentSrc).map(({ type }) => type);
  return ["application/json", ...shown].join(", ");
}

/** `status` is 0 where no response came; `body` is the JSON of the error, null where there is none. */
export class ApiError extends Error {
  /** @param {number} status @param {object | null} body @param {string | null} retryAfter */
  constructor(status, body = null, retryAfter = null) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** What it could not reach, the browser may still hold to be online. */
export function lost() {
  dispatchEvent(new Event("offline"));
  return new ApiError(0);
}

/** @type {MakeRequest} */
async function request(path, options) {
  const url = path.startsWith("/") ? path : ROOT + path;
  const sent = { ...options, headers: { Accept: accepted(), ...options?.headers } };
  const response = await fetch(url, sent).catch(() => {
    throw lost();
  });
  dispatchEvent(new Event("answer"));
  const { ok, status, headers } = response;
  const body = await response.json().catch(() => null);
  if (!ok) throw new ApiError(status, body, headers.get("Retry-After"));
  // RFC 8288
  const next = headers.get("Link")?.match(/<([^>]+)>;\s*rel="next"/)?.[1];
  const { pathname, search } = new URL(next ?? "", location.href);
  return { body, lastEventId: Number(headers.get("Last-Event-ID")), next: next ? pathname + search : null };
}

/** @type {Read} */
const read = async (path) => (await request(path)).body;

/** @type {Send} */
async function send(method, path, json, options) {
  const headers = { "Content-Type": "application/json" };
  const body = json && { headers, body: JSON.stringify(json) };
  return (await request(path, { method, ...body, ...options })).body;
}

/** @param {object} values those that are empty are left out */
function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  return new URLSearchParams(given).toString();
}

/** @type {Api} */
export const api = {
  signIn: (form) => send("POST", "jwt-login/", Object.fromEntries(form)),
  signOut: () => send("POST", "jwt-logout/"),
  fetchLastEventId: async () => (await request("events/?limit=1")).lastEventId,
  fetchSite: () => read("site/"),

  fetchPictures(filter, next, limit) {
    const path = next ?? `images/?${query({ fields: LIST_FIELDS, limit: FIRST_PAGE, ...filter })}`;
    if (!next && !limit) return request(path);
    // The cursor of a page is good for pages of any length.
    return request(path.replace(/limit=\d+/, `limit=${limit ?? PICTURES_PER_PAGE}`));
  },
  fetchPicture: (id) => read(`images/${id}/?fields=${DETAIL_FIELDS}`),
  findByDigest: (sha256) => read(`images/?${query({ sha256, fields: "id", limit: 1 })}`),
  changePicture: (id, change) => send("PATCH", `images/${id}/?fields=${DETAIL_FIELDS}`, change),
  activatePicture: (id) => send("PUT", `images/${id}/active/`),
  deletePictures: (ids, isLeaving = false) =>
    send("POST", "images/delete/", { ids }, { keepalive: isLeaving }),
  changeVisibility: (ids, visibility) => send("POST", "images/change/", { ids, visibility }),
  archiveUrl: (ids) => `${ROOT}images/archive/?ids=${ids}`,
  checkArchive: (ids) => request(api.archiveUrl(ids), { method: "HEAD" }),
  fetchReveals: (id) => read(`images/${id}/reveals/`),

  fetchLinks: (filter, next) => request(next ?? `links/?${query(filter)}`),
  createLink: (link) => send("POST", "links/", link),
  qrCodeUrl: (id) => `${ROOT}links/${id}/qr/`,
  revokeLink: (id) => send("DELETE", `links/${id}/`),
  revokeLinks: () => send("DELETE", "links/"),

  fetchAccount: () => read("account/"),
  changeAccount: (change) => send("PATCH", "account/", change),
  changePassword: (current_password, new_password) =>
    send("POST", "account/password/", { current_password, new_password }),
  deleteAccount: (password) => send("DELETE", "account/", { password }),
  exportUrl: `${ROOT}account/export/`,
  fetchUsage: () => read("usage/"),
  fetchSessions: (next) => request(next ?? "sessions/"),
  endSession: (id) => send("DELETE", `sessions/${id}/`),
  endOtherSessions: () => send("DELETE", "sessions/"),
  fetchLog: (next) => request(next ?? "account/log/?limit=10"),
  createToken: (token) => send("POST", "tokens/", token),

  /** Upload by XMLHttpRequest, since fetch reports no progress. */
  uploadPicture: (file, key, onProgress, signal) =>
    new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      const fail = () =>
        reject(new ApiError(xhr.status, xhr.response, xhr.getResponseHeader("Retry-After")));
      const form = new FormData();
      form.append("image", file);
      xhr.responseType = "json";
      xhr.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
      xhr.onload = () => (xhr.status === 201 ? resolve(xhr.response) : fail());
      xhr.onabort = fail;
      // Of a file that is gone the browser says no more than that.
      xhr.onerror = () => file.slice(0, 1).arrayBuffer().then(() => reject(lost()), reject);
      signal.addEventListener("abort", () => xhr.abort());
      xhr.open("POST", `${ROOT}images/`);
      xhr.setRequestHeader("Idempotency-Key", key);
      xhr.send(form);
    }),
};
