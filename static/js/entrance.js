/** The way in: login and password. */

import { signIn } from "./api.js";
import { reason, tell, word } from "./words.js";

const form = document.getElementById("sign-in");
const problem = form.querySelector(".problem");
const button = form.querySelector("button");
const { username, password } = form.elements;

/** Ask for login and password; `text` says why, where someone was signed in before. */
export function welcome(text = "") {
  tell(problem, text);
  password.value = "";
  (username.value ? password : username).focus();
}

/** @param {() => Promise<void>} enter */
export function whenSignedIn(enter) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    tell(problem, "");
    try {
      await signIn(username.value, password.value);
      form.reset();
      await enter();
    } catch (refused) {
      tell(problem, refused.status === 401 ? word("wrong") : reason(refused));
      password.select();
    } finally {
      button.disabled = false;
    }
  });
}
