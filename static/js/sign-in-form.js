/** The form for login and password. */

import { signIn } from "./api.js";
import { errorMessage, showText, translate } from "./i18n.js";

const form = document.getElementById("sign-in");
const problem = form.querySelector(".problem");
const button = form.querySelector("button");
const { username, password } = form.elements;

/** Show a message, such as that the last session has ended, and focus the first empty field. */
export function prepareSignIn(message = "") {
  showText(problem, message);
  password.value = "";
  (username.value ? password : username).focus();
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
      showText(problem, error.status === 401 ? translate("badCredentials") : errorMessage(error));
      password.select();
    } finally {
      button.disabled = false;
    }
  });
}
