/** The dialog that makes an expiring link to a picture, to copy or to share. */

import { createLink } from "./api.js";
import { closeOnClickOutside } from "./confirm-dialog.js";
import { announce, errorMessage, formatTime, showText, translate } from "./i18n.js";

const dialog = document.getElementById("links");
const form = document.getElementById("make-link");
const customTime = document.getElementById("custom-time");
const problem = form.querySelector(".problem");
const result = form.querySelector(".result");
const urlField = document.getElementById("link-url");
let pictureId = null;
let onSessionEnd = () => {};

/** @param {() => void} sessionEndHandler is called when the session has ended */
export function openLinkDialog(id, sessionEndHandler) {
  pictureId = id;
  onSessionEnd = sessionEndHandler;
  showText(problem, "");
  result.hidden = true;
  dialog.showModal();
}

const chosenSeconds = () => Number(form.elements.seconds.value || form.elements.minutes.value * 60);

async function submit(event) {
  event.preventDefault();
  showText(problem, "");
  try {
    const { url, expires_in: seconds } = await createLink(pictureId, chosenSeconds());
    showLink(url, new Date(Date.now() + seconds * 1000));
  } catch (error) {
    result.hidden = true;
    if (error.status === 401) return onSessionEnd();
    showText(problem, error.status === 403 ? translate("noLinks") : errorMessage(error));
  }
}

function showLink(url, expiresAt) {
  const status = translate("validUntil", { time: formatTime(expiresAt) });
  urlField.value = url;
  result.hidden = false;
  result.querySelector("[role=status]").textContent = status;
  result.querySelector("[data-action=copy] span").textContent = translate("copy");
  urlField.select();
}

const actions = {
  close: () => dialog.close(),
  share: () => navigator.share({ url: urlField.value }).catch(() => {}),
  async copy(button) {
    await copyUrl();
    button.querySelector("span").textContent = translate("copied");
    announce(translate("copied"));
  },
};

async function copyUrl() {
  urlField.select();
  // Over plain HTTP a browser offers no clipboard, but still obeys the deprecated command.
  if (navigator.clipboard) await navigator.clipboard.writeText(urlField.value);
  else document.execCommand("copy");
}

form.addEventListener("submit", submit);
form.addEventListener("change", () => {
  customTime.hidden = form.elements.seconds.value !== "";
  customTime.querySelector("input").disabled = customTime.hidden;
  result.hidden = true;
});
form.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-action]");
  if (button) actions[button.dataset.action](button);
});
customTime.querySelector("input").disabled = true;
result.querySelector("[data-action=share]").hidden = !navigator.share;
closeOnClickOutside(dialog);
