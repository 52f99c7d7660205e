/**
 * The service worker: takes pictures that a phone's other programs share, and shows a calm page without
 * a connection. It keeps nothing else, so that nothing is left behind by a sign-out.
 */

// The type checker knows pages alone.
const worker = /** @type {any} */ (self);
const SHARED = "shared-pictures"; // connection.js takes them from there

worker.addEventListener("install", (/** @type {any} */ event) => {
  worker.skipWaiting();
  // What a page sends as it leaves would be lost if it waited for a worker to start.
  const others = { not: { or: [{ requestMode: "navigate" }, { urlPattern: { pathname: "/share" } }] } };
  event.addRoutes?.({ condition: others, source: "network" });
});
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const isShare = request.method === "POST" && new URL(request.url).pathname === "/share";
  if (isShare) event.respondWith(keep(request));
  else if (request.mode === "navigate") event.respondWith(fetch(request).catch(showOffline));
});

function showOffline() {
  const nonce = crypto.randomUUID();
  const headers = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; " +
      `connect-src 'self'; script-src 'nonce-${nonce}'`,
  };
  const script = `<script nonce="${nonce}">(${comeBack})();</script>`;
  return new Response(OFFLINE_PAGE + script, { status: 503, headers });
}

/** Part of that page. A page that is loaded anew again and again would be read out as often. */
function comeBack() {
  const retry = () => void fetch("/", { method: "HEAD" }).then(({ ok }) => ok && location.reload(), () => {});
  addEventListener("online", retry);
  setInterval(retry, 5000);
}

/** Keep what is shared until the page takes it, then show the page. @param {Request} request */
async function keep(request) {
  const cache = await caches.open(SHARED);
  const files = (await request.formData()).getAll("pictures");
  for (const file of files) {
    if (!(file instanceof File)) continue;
    const headers = { "Content-Type": file.type, "X-Name": encodeURIComponent(file.name) };
    await cache.put(`/share/${crypto.randomUUID()}`, new Response(file, { headers }));
  }
  return Response.redirect("/", 303);
}
