/** One picture large: look, make a link, delete. */

import { link, remove } from "./api.js";
import { reason, tell, word } from "./words.js";

const dialog = document.getElementById("viewer");
const image = dialog.querySelector("img");
const problem = dialog.querySelector(".problem");
const made = dialog.querySelector(".made");
const address = made.querySelector("input");
let shown = null;
let whenDeleted = () => {};

/** Open a picture; `deleted` is called once it is gone. */
export function view(id, source, deleted) {
  shown = id;
  whenDeleted = deleted;
  image.src = source;
  tell(problem, "");
  made.hidden = true;
  dialog.showModal();
}

const actions = {
  close: () => dialog.close(),
  async link() {
    const seconds = dialog.querySelector("select").value;
    address.value = (await link(shown, seconds)).body.url;
    made.hidden = false;
    address.select();
  },
  async copy(button) {
    await navigator.clipboard.writeText(address.value);
    button.textContent = word("copied");
  },
  async delete() {
    if (!confirm(word("sure"))) return;
    await remove(shown);
    dialog.close();
    whenDeleted(shown);
  },
};

dialog.addEventListener("click", async (event) => {
  if (event.target === dialog) return dialog.close();
  const button = event.target.closest("[data-act]");
  if (!button) return;
  try {
    await actions[button.dataset.act](button);
  } catch (refused) {
    const noLinks = button.dataset.act === "link" && refused.status === 403;
    tell(problem, noLinks ? word("noLinks") : reason(refused));
  }
});
