/** The gallery: sign in, upload, look; a client of /api/user/ like any other. */

import * as api from "./api.js";
import { watch } from "./updates.js";
import { take } from "./uploads.js";
import { view } from "./viewer.js";
import { reason, tell, word } from "./words.js";

const find = (id) => document.getElementById(id);
const grid = find("pictures");
const shown = new Map(); // id -> {item, image: the API's address or name, best: {height, thumbnail}}
let following = null;

function tile(picture, place) {
  if (shown.has(picture.id)) return;
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.className = "waiting";
  button.title = word("waiting");
  button.setAttribute("aria-label", word("open", { id: picture.id }));
  button.addEventListener("click", () => open(picture.id));
  item.append(button);
  grid[place](item);
  shown.set(picture.id, { item, image: picture.image, best: null });
}

function dress({ image_id, height, thumbnail }) {
  const known = shown.get(image_id);
  if (!known || known.best?.height >= height) return;
  known.best = { height, thumbnail };
  const button = known.item.firstChild;
  const image = button.querySelector("img") ?? document.createElement("img");
  image.alt = "";
  image.loading = "lazy";
  image.src = thumbnail;
  button.classList.remove("waiting");
  button.removeAttribute("title");
  button.replaceChildren(image);
}

function open(id) {
  const known = shown.get(id);
  const whole = known.image.startsWith("http") ? known.image : known.best?.thumbnail;
  if (whole) view(id, whole, forget);
}

function forget(id) {
  shown.get(id)?.item.remove();
  shown.delete(id);
  settle();
}

function settle() {
  find("empty").hidden = shown.size > 0;
  find("more").hidden = following === null;
}

const waiting = () => [...shown.values()].some((known) => !known.best);

async function look() {
  try {
    let page;
    do {
      const answer = await api.thumbnails(page);
      answer.body.forEach(dress);
      page = answer.next;
    } while (page && waiting());
    tell(find("offline"), "");
  } catch (refused) {
    if (refused.status === 401) return start();
    find("offline").hidden = false;
  }
}

const news = watch(waiting, look);

async function load(page) {
  const answer = await api.pictures(page);
  answer.body.forEach((picture) => tile(picture, "append"));
  following = answer.next;
  settle();
  await look();
  news.wake();
}

async function start() {
  let signedIn = true;
  try {
    await load();
  } catch (refused) {
    if (refused.status !== 401) throw refused;
    signedIn = false;
    news.stop();
  }
  find("gallery").hidden = find("sign-out").hidden = !signedIn;
  find("sign-in").hidden = signedIn;
  if (!signedIn) find("sign-in").elements.username.focus();
}

find("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const problem = form.querySelector(".problem");
  try {
    await api.signIn(form.elements.username.value, form.elements.password.value);
    form.reset();
    tell(problem, "");
    await start();
  } catch (refused) {
    tell(problem, refused.status === 401 ? word("wrong") : reason(refused));
  }
});

find("sign-out").addEventListener("click", async () => {
  await api.signOut();
  news.stop();
  grid.replaceChildren();
  shown.clear();
  await start();
});

function receive(files) {
  take(files, (picture) => {
    tile(picture, "prepend");
    settle();
    news.wake();
  });
}

find("files").addEventListener("change", (event) => {
  receive([...event.target.files]);
  event.target.value = "";
});
find("more").addEventListener("click", () => load(following));

const drop = find("drop");
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  receive([...event.dataTransfer.files]);
});

start();
