/** The gallery page: sign in, upload, look at pictures; a client of /api/user/ like any other. */

import * as api from "./api.js";
import * as connection from "./connection.js";
import * as deletions from "./deletions.js";
import { byId, showText } from "./dom.js";
import { followEvents } from "./feed.js";
import { listenForFiles } from "./file-inputs.js";
import * as gridInput from "./grid-input.js";
import * as grid from "./grid.js";
import { errorMessage, translate } from "./i18n.js";
import * as pages from "./pages.js";
import * as pictureList from "./picture-list.js";
import { createPoller } from "./poller.js";
import * as refresher from "./refresher.js";
import { current, navigate, startRouter } from "./router.js";
import * as searchForm from "./search-form.js";
import * as selectionBar from "./selection-bar.js";
import { handleSessionEnd } from "./session.js";
import { handleSignIn, prepareSignIn } from "./sign-in-form.js";
import * as store from "./store.js";
import * as uploads from "./uploads.js";

const errorBanner = byId("error-banner");
/** @type {boolean | null} null until the server has said so */
let isSignedIn = null;
let isSigningOut = false;
/** @type {ReturnType<typeof followEvents> | null} */
let feed = null;

/** Run `work` and show its error. While the error is shown, the poller tries again. @param {() => Promise<void>} work */
async function attempt(work) {
  try {
    await work();
    showText(errorBanner, "");
    connection.showOnline();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.status === 401) return isSignedIn ? endSession() : showSignIn();
    if (error.status === 0) connection.showOffline();
    else showText(errorBanner, error.status >= 500 ? translate("busy") : errorMessage(error));
  }
}

/** Attempt what the user asked for, then poll soon for what is still missing. @param {() => Promise<void>} work */
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
  if (!feed?.isOpen()) store.pending().forEach((id) => refresher.refresh(id));
  await refresher.fetchPending();
  if (!store.isLoaded()) await pictureList.load();
}

async function start() {
  // The position first: what happens after it arrives as an event, so no picture is missed.
  const since = await api.fetchLastEventId();
  await pictureList.load();
  showGallery();
  feed ??= followEvents(since, {
    onEvent: handleEvent,
    onDisconnect: poller.wake,
    onSessionEnd: endSession,
  });
}

/** @param {PictureEvent} event */
function handleEvent({ type, at, picture }) {
  if (type === "events.reset") return location.reload();
  if (type === "pictures.cleared") {
    return store.remove(store.ids().filter((id) => (store.get(id)?.created_at ?? "") <= at));
  }
  if (!picture) return;
  if (type === "picture.deleted") return store.remove([picture.id]);
  const isNew = type === "picture.created" || !store.isLoaded();
  if (isNew) store.announcePicture(picture);
  // What is new has nothing more to show before its thumbnails are there.
  const isShown = store.get(picture.id) !== undefined;
  if (isShown !== isNew || store.isFiltered()) refresher.refresh(picture.id, picture.created_at);
}

function showGallery() {
  if (isSignedIn) return;
  isSignedIn = true;
  showState();
  startRouter((route) => void (isSignedIn && pages.show(route, runAction)));
  connection.resume();
}

function showSignIn() {
  isSignedIn = false;
  showText(errorBanner, "");
  connection.showOnline();
  showState();
  prepareSignIn(history.state?.isEnded ? translate("sessionEnded") : "");
  history.replaceState(null, "");
}

function showState() {
  byId("loading").hidden = true;
  for (const each of document.querySelectorAll("[data-signed-in]")) {
    if (each instanceof HTMLElement) each.hidden = !isSignedIn;
  }
  byId("sign-in-section").hidden = Boolean(isSignedIn);
}

/** Reload, since a page belongs to one session; `isEnded` has the sign-in form say so. */
function leavePage({ isEnded = false } = {}) {
  poller.stop();
  feed?.stop();
  uploads.clear();
  pictureList.forget();
  connection.forget();
  history.replaceState({ isEnded }, "", isEnded ? undefined : "/");
  location.reload();
}

const endSession = () => void (isSigningOut || leavePage({ isEnded: true }));

handleSessionEnd(endSession);
handleSignIn(async () => {
  await runAction(start);
  // Without a jump: the user may have scrolled down meanwhile.
  if (isSignedIn && current().dialog === "") byId("heading").focus({ preventScroll: true });
});

byId("sign-out").addEventListener("click", () =>
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

uploads.setUploadHandlers({
  onStored(picture) {
    // An event may have told of it before.
    if (!feed?.isOpen() || !store.get(picture.id)) refresher.refresh(picture.id);
    poller.wake();
  },
  onSessionEnd: endSession,
});
listenForFiles(() => Boolean(isSignedIn), uploads.enqueue);
connection.start({
  enqueue: uploads.enqueue,
  onOnline() {
    poller.wake();
    feed?.reconnect();
    uploads.resume();
  },
});

/** @param {number[]} ids */
function deleteSoon(ids) {
  const next = store.neighbour(ids.at(-1) ?? 0, 1) ?? store.neighbour(ids[0] ?? 0, -1);
  deletions.deleteSoon(ids, () => grid.focus(ids[0] ?? null));
  // Where the list without them is drawn.
  queueMicrotask(() => grid.focus(next?.id ?? null));
}

refresher.start(() => void attempt(refresher.fetchPending));
grid.start((id) => refresher.refresh(id));
gridInput.listen((id) => navigate(`/p/${id}`), deleteSoon);
selectionBar.start(deleteSoon);
deletions.start();
searchForm.start();
pictureList.start(runAction);

void runAction(start);
