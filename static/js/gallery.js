/** The gallery: sign in, upload, look; a client of /api/user/ like any other. */

import { ApiError, api } from "./api.js";
import { connection } from "./connection.js";
import * as deletions from "./deletions.js";
import { find, showText } from "./dom.js";
import { createPoller, followEvents } from "./feed.js";
import { listenForFiles } from "./file-inputs.js";
import * as gridInput from "./grid-input.js";
import { grid } from "./grid.js";
import { errorMessage, translate } from "./i18n.js";
import { showPage } from "./pages.js";
import { pictureList } from "./picture-list.js";
import * as refresher from "./refresher.js";
import { current, navigate, startRouter } from "./router.js";
import * as searchForm from "./search-form.js";
import { selection } from "./selection.js";
import { handleSessionEnd } from "./session.js";
import { handleSignIn, prepareSignIn } from "./sign-in-form.js";
import { store } from "./store.js";
import { uploads } from "./uploads.js";

const errorBanner = find("#error-banner");
/** @type {boolean | null} null until the server has said so */
let isSignedIn = null;
let isSigningOut = false;
/** @type {ReturnType<typeof followEvents> | null} */
let feed = null;

/** Run `work` and show its error; while that is shown, the poller tries again. @type {RunAction} */
async function attempt(work) {
  try {
    await work();
    showText(errorBanner, "");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) return isSignedIn ? endSession() : showSignIn();
    if (error.status) showText(errorBanner, error.status >= 500 ? translate("busy") : errorMessage(error));
  }
}

/** Attempt what the user asked for, then poll soon for what is still missing. @type {RunAction} */
async function runAction(work) {
  await attempt(work);
  poller.wake();
}

const poller = createPoller(
  () =>
    !errorBanner.hidden || connection.isOffline() ||
    Boolean(isSignedIn && !feed?.isOpen() && store.pending().length),
  () => attempt(feed ? fetchMissing : start),
);

async function fetchMissing() {
  // Nothing else may be missing.
  if (connection.isOffline() || !errorBanner.hidden) await api.fetchLastEventId();
  if (!feed?.isOpen()) store.pending().forEach((id) => refresher.refresh(id));
  await refresher.fetchPending();
  if (!store.isLoaded()) await pictureList.load();
}

async function start() {
  // The position first: what happens after it arrives as an event.
  const since = await api.fetchLastEventId();
  await pictureList.load();
  showGallery();
  feed ??= followEvents(since, {
    onEvent: handleEvent, onDisconnect: poller.wake, onSessionEnd: endSession,
  });
}

/** @param {PictureEvent} event */
function handleEvent({ type, at, picture }) {
  if (type === "events.reset") return location.reload();
  if (type === "pictures.cleared") {
    return store.remove(store.ids().filter((id) => (store.get(id)?.created_at ?? "") <= at));
  }
  if (!picture) return void dispatchEvent(new Event(type));
  if (type === "picture.deleted") return store.remove([picture.id]);
  const isNew = type === "picture.created" || !store.isLoaded();
  if (isNew) store.announce(picture);
  // What is new has no more to show before its thumbnails are there.
  const isShown = store.get(picture.id) !== undefined;
  if (isShown !== isNew || store.isFiltered()) refresher.refresh(picture.id, picture.created_at);
}

function showGallery() {
  if (isSignedIn) return;
  isSignedIn = true;
  showState();
  startRouter((route) => void (isSignedIn && showPage(route, runAction)));
  void connection.takeShared();
}

function showSignIn() {
  isSignedIn = false;
  showText(errorBanner, "");
  showState();
  prepareSignIn(history.state?.isEnded ? translate("sessionEnded") : "");
  history.replaceState(null, "");
}

function showState() {
  find("#loading").hidden = true;
  for (const each of document.querySelectorAll("[data-signed-in]")) each.hidden = !isSignedIn;
  find("#sign-in-section").hidden = Boolean(isSignedIn);
}

/** Reload: a page belongs to one session. With `isEnded` the form says so. */
function leavePage({ isEnded = false } = {}) {
  poller.stop();
  feed?.stop();
  uploads.clear();
  pictureList.forget();
  history.replaceState({ isEnded }, "", isEnded ? undefined : "/");
  // Only then, or what was shared might outlast the session.
  void connection.forgetShared().finally(() => location.reload());
}

const endSession = () =>
  void (isSigningOut || leavePage({ isEnded: current().dialog !== "delete-account" }));

handleSessionEnd(endSession);
handleSignIn(async () => {
  await runAction(start);
  // Without a jump: one may have scrolled meanwhile.
  if (isSignedIn && current().dialog === "") find("#heading").focus({ preventScroll: true });
});

find("#sign-out").addEventListener("click", () =>
  runAction(async () => {
    isSigningOut = true;
    await deletions.flush();
    await api.signOut().catch((error) => {
      isSigningOut = false;
      throw error;
    });
    leavePage();
  }),
);

uploads.start({
  onStored({ id }) {
    // An event may have told before.
    if (!feed?.isOpen() || !store.get(id)) refresher.refresh(id);
    poller.wake();
  },
  onSessionEnd: endSession,
});
listenForFiles(() => Boolean(isSignedIn), uploads.enqueue);
connection.start(poller.wake, () => {
  feed?.reconnect();
  uploads.resume();
  // What could not be loaded is now.
  if (isSignedIn) void showPage(current(), runAction);
});
addEventListener("online", () => void attempt(feed ? fetchMissing : start));
// Who closes the list gives up the rest.
find("#clear").addEventListener("click", connection.forgetShared);

/** @param {number[]} ids */
function deleteSoon(ids) {
  const next = store.neighbour(ids.at(-1) ?? 0, 1) ?? store.neighbour(ids[0] ?? 0, -1);
  deletions.deleteSoon(ids, () => grid.focus(ids[0] ?? null));
  // Where the list without them is drawn.
  queueMicrotask(() => grid.focus(next?.id ?? null));
}

refresher.start(() => void attempt(refresher.fetchPending));
grid.start({ onStale: (id) => refresher.refresh(id), onDrawn: pictureList.loadAhead });
gridInput.listen((id) => navigate(`/p/${id}`), deleteSoon);
selection.start(deleteSoon, grid.render);
deletions.start();
searchForm.start();
pictureList.start(runAction);

if (find("#loading").hidden) showSignIn();
else void runAction(start);
