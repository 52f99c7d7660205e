/** Messages in the reader's language, as templates/images/i18n.html delivers them. */

/** @import {ApiError} from "./api.js" */

import { byId, find } from "./dom.js";

const messages = byId("messages").dataset;
const apiMessages = /** @type {HTMLElement[]} */ ([
  ...find(document, "#api-messages", HTMLTemplateElement).content.children,
]);
const language = document.documentElement.lang;
const MEGABYTE = 2 ** 20;
/** Dates are written as the browser writes them, whatever the page's language. */
export const dateLocale = new Intl.DateTimeFormat().resolvedOptions().locale;

/** Return a message with its {placeholders} filled. @param {string} name @param {Record<string, string | number>} values */
export function translate(name, values = {}) {
  return fill(messages[name] ?? name, values);
}

/** @param {string} text @param {Record<string, string | number>} values */
function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

/** Return why a request failed: the API's own message where it gives one. @param {ApiError} error */
export function errorMessage(error) {
  if (error.status === 0) return translate("connectionLost");
  if (error.status === 401) return translate("sessionEnded");
  if (error.status === 429) return translate("tooManyAttempts", { seconds: error.retryAfter ?? 60 });
  const message = firstMessage(error.body);
  if (message) return translateApiMessage(message);
  return translate(error.status === 413 ? "tooLarge" : "failed");
}

/** The body of an error is {"detail": message} or {field: [message, …]}. @param {Record<string, unknown> | null} body */
function firstMessage(body) {
  const first = Object.values(body ?? {})[0];
  const message = Array.isArray(first) ? first[0] : first;
  return typeof message === "string" ? message : "";
}

/** Translate a message by the template's list; one that is not listed stays as it is. @param {string} message */
export function translateApiMessage(message) {
  for (const { dataset, textContent } of apiMessages) {
    const text = dataset.message ?? "";
    const names = [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
    const pattern = text.replace(/[.?*+()[\]]/g, "\\$&").replace(/\{\w+\}/g, "(.+)");
    const match = message.match(new RegExp(`^${pattern}$`));
    if (!match) continue;
    const values = names.map((name, index) => [name, formatValue(name, match[index + 1] ?? "")]);
    return fill(textContent ?? "", Object.fromEntries(values));
  }
  return message;
}

/** The name of a placeholder says what its value counts. @param {string} name @param {string} value */
function formatValue(name, value) {
  if (name === "bytes") return formatUnit(Number(value) / MEGABYTE, "megabyte", "short");
  if (name.endsWith("seconds")) return formatDuration(Number(value));
  return name === "count" ? formatNumber(Number(value)) : value;
}

/** @param {number} value */
export const formatNumber = (value) => new Intl.NumberFormat(language).format(value);

/** @param {number} value @param {string} unit @param {"long" | "short"} unitDisplay */
function formatUnit(value, unit, unitDisplay = "long") {
  const maximumFractionDigits = value < 10 ? 1 : 0;
  const options = { style: "unit", unit, unitDisplay, maximumFractionDigits };
  return new Intl.NumberFormat(language, /** @type {Intl.NumberFormatOptions} */ (options))
    .format(value);
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const power = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return formatUnit(bytes / 1024 ** power, units[power] ?? "byte", "short");
}

/** @param {number} seconds */
export function formatDuration(seconds) {
  /** @type {[number, string][]} */
  const parts = [
    [Math.floor(seconds / 3600), "hour"],
    [Math.floor((seconds % 3600) / 60), "minute"],
    [seconds % 60, "second"],
  ];
  return parts.filter(([value]) => value).map(([value, unit]) => formatUnit(value, unit)).join(" ");
}

/** Format a date and time; the time alone where it is today. @param {Date} date */
export function formatTime(date) {
  const isToday = date.toDateString() === new Date().toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const options = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(dateLocale, options).format(date);
}

/** Return what a picture is called: what its owner says it shows, else its name, else its number. @param {Pick<Picture, "id" | "name" | "description">} picture */
export function titleOf({ id, name, description }) {
  return description || name || translate("picture", { id });
}
