/** The session of this page: whether somebody is signed in, as whom, and its end. */

import { ApiError, fetchAccount } from "./api.js";
import { showText } from "./dom.js";
import { errorMessage } from "./i18n.js";

/** @type {Promise<Account> | null} */
let account = null;
let onEnd = () => {};

/** @param {() => void} handler is called where a request says that the session has ended */
export function handleSessionEnd(handler) {
  onEnd = handler;
}

/** Return the account, asked for once. */
export function getAccount() {
  account ??= fetchAccount().catch((error) => {
    account = null;
    throw error;
  });
  return account;
}

/** @param {Account} changed */
export function setAccount(changed) {
  account = Promise.resolve(changed);
}

/** Return what to say of a failed request; the page is left where the session has ended. @param {unknown} error */
export function failureText(error) {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) onEnd();
  return errorMessage(error);
}

/** Do some work; show why it failed. @param {HTMLElement} problem @param {() => unknown} work */
export async function attempt(problem, work) {
  showText(problem, "");
  try {
    await work();
  } catch (error) {
    showText(problem, failureText(error));
  }
}
