/** The gallery page: sign in, upload, look at pictures; a client of /api/user/ like any other. */

import * as api from "./api.js";
import { followEvents } from "./feed.js";
import { listenForFiles } from "./file-inputs.js";
import * as grid from "./grid.js";
import { errorMessage, showText, translate } from "./i18n.js";
import { createPendingPictures } from "./pending-pictures.js";
import { createPoller } from "./poller.js";
import { handleSignIn, prepareSignIn } from "./sign-in-form.js";
import { createThumbnailList } from "./thumbnail-list.js";
import * as uploads from "./uploads.js";
import * as viewer from "./viewer.js";

const byId = (id) => document.getElementById(id);
const moreButton = byId("more");
const errorBanner = byId("error-banner");
const thumbnails = createThumbnailList(grid.addThumbnail);
let nextPage = null; // the path of the next page of pictures
let isSignedIn = null; // null until the server has said so
let isLoading = false;
let isSigningOut = false;
let feed = null;
const endObserver = new IntersectionObserver(
  ([entry]) => entry.isIntersecting && runAction(loadPictures), { rootMargin: "600px" },
);

/** Run `work` and show its error. While the error is shown, the poller tries again. */
async function attempt(work) {
  try {
    await work();
    showText(errorBanner, "");
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.status === 401) return isSignedIn ? endSession() : showSignIn();
    showText(errorBanner, bannerText(error));
  }
}

/** Attempt what the user asked for, then poll soon for what is still missing. */
async function runAction(work) {
  await attempt(work);
  poller.wake();
}

function bannerText(error) {
  if (error.status === 0) return translate("offline");
  return error.status >= 500 ? translate("busy") : errorMessage(error);
}

const poller = createPoller(
  () => !errorBanner.hidden || (isSignedIn && !feed?.isOpen() && grid.hasPending()),
  () => attempt(feed ? pendingPictures.fetchAll : start),
);

async function start() {
  // The position first: what happens after it arrives as an event, so no picture is missed.
  const since = await api.fetchLastEventId();
  await loadPictures();
  if (!isSignedIn) return;
  feed ??= followEvents(since, {
    onEvent: handleEvent,
    onDisconnect: poller.wake,
    onSessionEnd: endSession,
  });
}

const pendingPictures = createPendingPictures(
  thumbnails.fetchNewer,
  () => attempt(pendingPictures.fetchAll),
  updateControls,
);
const eventHandlers = {
  "picture.created": ({ picture }) => pendingPictures.add(picture.id),
  "thumbnails.ready": () => pendingPictures.fetchSoon(),
  "thumbnails.failed": ({ picture }) => grid.stopWaiting(picture.id),
  "picture.deleted": ({ picture }) => removePicture(picture.id),
  "pictures.cleared": () => grid.ids().forEach(removePicture),
  "events.reset": () => location.reload(),
};
const handleEvent = (event) => eventHandlers[event.type]?.(event);

function removePicture(id) {
  viewer.leave(id);
  grid.remove(id);
  updateControls();
}

async function loadPictures() {
  if (isLoading) return;
  isLoading = true;
  try {
    const { body, next } = await api.fetchPictures(nextPage);
    nextPage = next;
    showGallery();
    grid.add(body);
    updateControls();
    await thumbnails.fetchNewer();
    await thumbnails.fetchOlder(() => !grid.hasPending());
  } finally {
    isLoading = false;
  }
  updateControls(); // the end may have come into sight while isLoading kept it from loading more
}

function updateControls() {
  byId("gallery").classList.toggle("empty", grid.count() === 0);
  moreButton.hidden = nextPage === null;
  // Observed anew, it reports again where the new rows did not fill the screen.
  endObserver.unobserve(moreButton);
  endObserver.observe(moreButton);
}

function showGallery() {
  if (isSignedIn) return;
  isSignedIn = true;
  showState();
}

function showSignIn() {
  isSignedIn = false;
  showText(errorBanner, "");
  showState();
  prepareSignIn(history.state?.isEnded ? translate("sessionEnded") : "");
  history.replaceState(null, "");
}

function showState() {
  byId("loading")?.remove();
  byId("gallery").hidden = byId("sign-out").hidden = !isSignedIn;
  byId("sign-in-section").hidden = isSignedIn;
}

/** Reload, since a page belongs to one session; `isEnded` has the sign-in form say so. */
function leavePage({ isEnded = false } = {}) {
  poller.stop();
  feed?.stop();
  uploads.clear();
  history.replaceState({ isEnded }, "");
  location.reload();
}

const endSession = () => isSigningOut || leavePage({ isEnded: true });

handleSignIn(async () => {
  await runAction(start);
  // Without a jump: the user may have scrolled down meanwhile.
  if (isSignedIn) byId("heading").focus({ preventScroll: true });
});

byId("sign-out").addEventListener("click", () =>
  runAction(async () => {
    isSigningOut = true;
    await api.signOut().catch((error) => {
      isSigningOut = false;
      throw error;
    });
    leavePage();
  }),
);

uploads.setUploadHandlers({
  onStored(picture) {
    grid.add([picture]);
    updateControls();
    poller.wake();
  },
  onSessionEnd: endSession,
});
listenForFiles(() => Boolean(isSignedIn), uploads.enqueue);

grid.handleSelection(viewer.open);
viewer.setViewerHandlers({
  onDeleted: removePicture,
  onSessionEnd: endSession,
  onShown: (id) => nextPage && grid.neighbour(id, 1) === undefined && runAction(loadPictures),
});

moreButton.addEventListener("click", () => runAction(loadPictures));
window.addEventListener("online", () => {
  poller.wake();
  feed?.reconnect();
});

runAction(start);
