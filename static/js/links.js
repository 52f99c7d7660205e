/** A picture's expiring link: how long, the address, the clipboard. */

import { link } from "./api.js";
import { closeBeside } from "./ask.js";
import { announce, clock, reason, tell, word } from "./words.js";

const dialog = document.getElementById("links");
const form = document.getElementById("make-link");
const other = document.getElementById("other");
const problem = form.querySelector(".problem");
const made = form.querySelector(".made");
const address = document.getElementById("address");
let picture = null;
let ended = () => {};

/** Offer links to a picture; `sessionEnded` is called where the server knows nobody any more. */
export function offer(id, sessionEnded) {
  picture = id;
  ended = sessionEnded;
  tell(problem, "");
  made.hidden = true;
  dialog.showModal();
}

const chosenSeconds = () => Number(form.elements.seconds.value || form.elements.minutes.value * 60);

async function make(event) {
  event.preventDefault();
  tell(problem, "");
  try {
    const { url, expires_in: seconds } = await link(picture, chosenSeconds());
    show(url, new Date(Date.now() + seconds * 1000));
  } catch (refused) {
    made.hidden = true;
    if (refused.status === 401) return ended();
    tell(problem, refused.status === 403 ? word("noLinks") : reason(refused));
  }
}

function show(url, until) {
  address.value = url;
  made.hidden = false;
  made.querySelector("[role=status]").textContent = word("until", { time: clock(until) });
  made.querySelector("[data-act=copy] span").textContent = word("copy");
  address.select();
}

const actions = {
  close: () => dialog.close(),
  share: () => navigator.share({ url: address.value }).catch(() => {}),
  async copy(button) {
    await copy();
    button.querySelector("span").textContent = word("copied");
    announce(word("copied"));
  },
};

/** Over plain HTTP a browser gives no clipboard, but still obeys the old command. */
async function copy() {
  address.select();
  if (navigator.clipboard) await navigator.clipboard.writeText(address.value);
  else document.execCommand("copy");
}

form.addEventListener("submit", make);
form.addEventListener("change", () => {
  other.hidden = form.elements.seconds.value !== "";
  other.querySelector("input").disabled = other.hidden;
  made.hidden = true;
});
form.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-act]");
  if (button) actions[button.dataset.act](button);
});
other.querySelector("input").disabled = true;
made.querySelector("[data-act=share]").hidden = !navigator.share;
closeBeside(dialog);
