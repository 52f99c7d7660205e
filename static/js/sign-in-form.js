/** The form for login and password. */

import { ApiError, fetchSite, signIn } from "./api.js";
import { byId, field, find, formById, part, showText } from "./dom.js";
import { errorMessage, translate } from "./i18n.js";

const form = formById("sign-in");
const problem = part(form, ".problem");
const button = find(form, "button", HTMLButtonElement);
const username = field(form, "username");
const password = field(form, "password");

/** Show a message, such as that the last session has ended, and focus the first empty field. */
export function prepareSignIn(message = "") {
  showText(problem, message);
  password.value = "";
  (username.value ? password : username).focus();
  void showWaysIn();
}

/** Offer an account or a new password where the operator does. */
async function showWaysIn() {
  const site = await fetchSite().catch(() => null);
  byId("join-link").hidden = site?.signup !== "open";
  byId("reset-link").hidden = !site?.password_reset;
}

/** @param {() => Promise<void>} onSuccess is awaited, and its error shown, after each sign-in */
export function handleSignIn(onSuccess) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    showText(problem, "");
    try {
      await signIn(username.value, password.value);
      form.reset();
      await onSuccess();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showText(problem, error.status === 401 ? translate("badCredentials") : errorMessage(error));
      password.select();
    } finally {
      button.disabled = false;
    }
  });
}
