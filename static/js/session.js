/** The session of this page: whose it is, and its end. */

import { ApiError, api } from "./api.js";
import { find, showText } from "./dom.js";
import { errorMessage } from "./i18n.js";

/** @type {Promise<Account> | null} */
let account = null;
let timer = 0;
const MAX_AGE = 60_000; // milliseconds
let onEnd = () => {};

/** @param {() => void} handler is called where a request says that the session has ended */
export const handleSessionEnd = (handler) => void (onEnd = handler);

/** Return the account, asked for anew each minute: its plan may change. */
export const getAccount = () => account ?? setAccount(api.fetchAccount());

/** @param {Account | Promise<Account>} given */
export function setAccount(given) {
  const forget = () => void (account = null);
  account = Promise.resolve(given);
  account.catch(forget);
  clearTimeout(timer);
  timer = setTimeout(forget, MAX_AGE);
  return account;
}

/** @type {FailureText} */
export function failureText(error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) onEnd();
  return errorMessage(error);
}

/** @type {Attempt} */
export async function attempt(problem, work, texts = {}) {
  showText(problem, "");
  try {
    await work();
  } catch (error) {
    const text = error instanceof ApiError ? texts[error.status] : undefined;
    showText(problem, text ?? failureText(error));
  }
}

/** Do some work each time a form is sent. @type {HandleSubmit} */
export function handleSubmit(form, work, texts) {
  const button = find("button.primary", form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    await attempt(find(".problem", form), work, texts);
    button.disabled = false;
  });
}
