/** The form for login and password. */

import { api } from "./api.js";
import { field, find, showText } from "./dom.js";
import { translate } from "./i18n.js";
import { handleSubmit } from "./session.js";

const form = find("form#sign-in");
const problem = find(".problem", form);
const username = field(form, "username");
const password = field(form, "password");

/** Show a message, and focus the first empty field. */
export function prepareSignIn(message = "") {
  showText(problem, message);
  password.value = "";
  (username.value ? password : username).focus();
  void showWaysIn();
}

/** Offer an account or a new password where the operator does. */
async function showWaysIn() {
  const site = await api.fetchSite().catch(() => null);
  find("#join-link").hidden = site?.signup !== "open";
  find("#reset-link").hidden = !site?.password_reset;
}

/** @param {() => Promise<void>} onSuccess is awaited, and its error shown, after each sign-in */
export function handleSignIn(onSuccess) {
  const work = async () => {
    // Whoever was wrong types it anew.
    password.select();
    await api.signIn(new FormData(form));
    form.reset();
    await onSuccess();
  };
  handleSubmit(form, work, { 401: translate("badCredentials") });
}
