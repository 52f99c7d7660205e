/** One picture at a time, as large as the screen. */

import { picture, remove, thumbnail } from "./api.js";
import { ask } from "./ask.js";
import * as grid from "./grid.js";
import { offer } from "./links.js";
import { announce, reason, tell, word } from "./words.js";

const dialog = document.getElementById("viewer");
const title = document.getElementById("viewer-title");
const original = document.getElementById("original");
const problem = dialog.querySelector(".problem");
const SWIPE = 60; // pixels
let image = dialog.querySelector("img");
let shown = null;
let owner = {};

/** @param {{deleted: (id: number) => void, ended: () => void, turned: (id: number) => void}} hooks */
export function whenUsed(hooks) {
  owner = hooks;
}

export function open(id) {
  show(id);
  if (!dialog.open) dialog.showModal();
}

export const close = () => dialog.close();

/** Go on to another picture before this one leaves the grid: deleted here, or elsewhere. */
export function leave(id) {
  if (!dialog.open || shown !== id) return;
  announce(word("deleted", { id }));
  goOn(id);
}

function goOn(id) {
  const other = grid.beside(id, 1) ?? grid.beside(id, -1);
  if (other === undefined) close();
  else show(other);
}

function show(id) {
  const known = grid.find(id);
  const isOriginal = known.image.startsWith("http");
  shown = id;
  title.textContent = word("picture", { id });
  tell(problem, "");
  original.hidden = !isOriginal;
  if (isOriginal) original.href = known.image;
  for (const [act, step] of [["back", -1], ["on", 1]]) {
    dialog.querySelector(`[data-act=${act}]`).hidden = grid.beside(id, step) === undefined;
  }
  paint(id, isOriginal ? known.image : grid.largest(id)?.thumbnail);
  owner.turned(id);
}

/** Show the thumbnail at once, and the picture itself when it has come. */
async function paint(id, address) {
  const preview = grid.largest(id)?.thumbnail;
  place(makeImage(preview, preview === address ? "" : "coming"));
  if (!address) return tell(problem, word("noPreview"));
  const whole = (await load(address)) ?? (await load(await freshAddress(id)));
  if (shown !== id) return;
  if (whole) return place(whole);
  // Browsers do not show every format that is taken (HEIC, TIFF): then its copy has to do.
  const copy = await load(preview);
  if (shown !== id) return;
  if (copy) return place(copy);
  tell(problem, word("notShown"));
  place(makeImage());
}

/** Always a new element: an old one would show the former picture until the new one has come. */
function makeImage(address, className = "") {
  const made = document.createElement("img");
  made.alt = title.textContent;
  made.className = className;
  if (address) made.src = address;
  return made;
}

function place(made) {
  image.replaceWith(made);
  image = made;
}

/** Return the image once it can be shown, undefined where it cannot. */
async function load(address) {
  const made = makeImage(address);
  return made.decode().then(() => made, () => undefined);
}

/** Addresses work for a while only. */
async function freshAddress(id) {
  const row = await picture(id).catch(() => null);
  if (row?.image.startsWith("http")) return row.image;
  const copy = row && grid.largest(id);
  return copy && (await thumbnail(copy.id).catch(() => null))?.thumbnail;
}

function turn(step) {
  const other = grid.beside(shown, step);
  if (other !== undefined) show(other);
}

async function removeShown() {
  const id = shown;
  if (!(await ask(document.getElementById("sure")))) return;
  await remove(id).catch((refused) => {
    if (refused.status !== 404) throw refused;
  });
  leave(id);
  owner.deleted(id);
}

const actions = {
  close,
  back: () => turn(-1),
  on: () => turn(1),
  link: () => offer(shown, owner.ended),
  delete: removeShown,
};

async function act(name) {
  try {
    await actions[name]();
  } catch (refused) {
    if (refused.status === 401) owner.ended();
    else tell(problem, reason(refused));
  }
}

dialog.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-act]");
  if (button) act(button.dataset.act);
});
dialog.addEventListener("keydown", ({ key }) => {
  const name = { ArrowLeft: "back", ArrowRight: "on", Delete: "delete" }[key];
  if (name) act(name);
});
dialog.addEventListener("close", () => grid.focus(shown));

let touchedAt = null;
dialog.addEventListener("touchstart", ({ touches }) => {
  touchedAt = touches.length === 1 ? touches[0].clientX : null;
}, { passive: true });
dialog.addEventListener("touchend", ({ changedTouches }) => {
  const moved = touchedAt === null ? 0 : changedTouches[0].clientX - touchedAt;
  if (Math.abs(moved) > SWIPE && !(visualViewport?.scale > 1)) turn(moved > 0 ? -1 : 1);
}, { passive: true });
