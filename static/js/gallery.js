/** The gallery: sign in, upload, look; a client of /api/user/ like any other. */

import * as api from "./api.js";
import { welcome, whenSignedIn } from "./entrance.js";
import { follow } from "./feed.js";
import * as grid from "./grid.js";
import { newcomers } from "./newcomers.js";
import { listen } from "./sources.js";
import { thumbnailList } from "./thumbnails.js";
import { watch } from "./updates.js";
import * as uploads from "./uploads.js";
import * as viewer from "./viewer.js";
import { reason, tell, word } from "./words.js";

const find = (id) => document.getElementById(id);
const more = find("more");
const trouble = find("trouble");
const thumbnails = thumbnailList(grid.take);
let following = null; // the path of the next page of pictures
let isSignedIn = null; // null until the server has said so
let isLoading = false;
let isLeaving = false;
let feed = null;
const end = new IntersectionObserver(
  ([entry]) => entry.isIntersecting && go(load), { rootMargin: "600px" },
);

/** Say what stands in the way; only a server that is away is asked again without being told to. */
async function attempt(work) {
  try {
    await work();
    tell(trouble, "");
  } catch (refused) {
    if (!(refused instanceof api.Refused)) throw refused;
    if (refused.status === 401) return isSignedIn ? ended() : askWho();
    tell(trouble, troubleOf(refused));
  }
}

/** Attempt what a person asked for; what is still awaited then is asked for soon. */
async function go(work) {
  await attempt(work);
  news.wake();
}

function troubleOf(refused) {
  if (refused.status === 0) return word("offline");
  return refused.status >= 500 ? word("busy") : reason(refused);
}

const news = watch(
  () => !trouble.hidden || (isSignedIn && !feed?.isOpen() && grid.isWaiting()),
  () => attempt(feed ? arrivals.look : begin),
);

/** What happens after this position is told, so the pictures are asked for after it. */
async function begin() {
  const since = await api.position();
  await load();
  if (isSignedIn) feed ??= follow(since, { happened, lost: news.wake, ended });
}

const arrivals = newcomers(thumbnails.newer, () => attempt(arrivals.look), settle);
const happenings = {
  "picture.created": ({ picture }) => arrivals.expect(picture.id),
  "thumbnails.ready": () => arrivals.soon(),
  "thumbnails.failed": ({ picture }) => grid.giveUp(picture.id),
  "picture.deleted": ({ picture }) => remove(picture.id),
  "pictures.cleared": () => grid.ids().forEach(remove),
  "events.reset": () => location.reload(),
};
const happened = (event) => happenings[event.type]?.(event);

function remove(id) {
  viewer.leave(id);
  grid.remove(id);
  settle();
}

async function load() {
  if (isLoading) return;
  isLoading = true;
  try {
    const { body, next } = await api.pictures(following);
    following = next;
    enter();
    grid.add(body);
    settle();
    await thumbnails.newer();
    await thumbnails.older(() => !grid.isWaiting());
  } finally {
    isLoading = false;
  }
  settle(); // whoever scrolled to the end meanwhile was not heard
}

function settle() {
  find("gallery").classList.toggle("empty", grid.count() === 0);
  more.hidden = following === null;
  // Observed anew, it speaks again where the new rows did not fill the screen.
  end.unobserve(more);
  end.observe(more);
}

function enter() {
  if (isSignedIn) return;
  isSignedIn = true;
  showState();
}

/** A page belongs to one session: what comes after it starts on a new one. */
function leave({ isEnded = false } = {}) {
  news.stop();
  feed?.stop();
  uploads.clear();
  history.replaceState({ isEnded }, "");
  location.reload();
}

const ended = () => isLeaving || leave({ isEnded: true });

function askWho() {
  isSignedIn = false;
  tell(trouble, "");
  showState();
  welcome(history.state?.isEnded ? word("ended") : "");
  history.replaceState(null, "");
}

function showState() {
  find("boot")?.remove();
  find("gallery").hidden = find("sign-out").hidden = !isSignedIn;
  find("entrance").hidden = isSignedIn;
}

whenSignedIn(async () => {
  await go(begin);
  // Without a jump: they may have scrolled down meanwhile.
  if (isSignedIn) find("heading").focus({ preventScroll: true });
});

find("sign-out").addEventListener("click", () =>
  go(async () => {
    isLeaving = true;
    await api.signOut().catch((refused) => {
      isLeaving = false;
      throw refused;
    });
    leave();
  }),
);

uploads.whenUsed({
  stored(picture) {
    grid.add([picture]);
    settle();
    news.wake();
  },
  ended,
});
listen(() => Boolean(isSignedIn), uploads.take);

grid.whenChosen(viewer.open);
viewer.whenUsed({
  deleted: remove,
  ended,
  turned: (id) => following && grid.beside(id, 1) === undefined && go(load),
});

more.addEventListener("click", () => go(load));
window.addEventListener("online", () => {
  news.wake();
  feed?.retry();
});

go(begin);
