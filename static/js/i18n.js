/** Messages in the reader's language, from templates/images/i18n.html. */

import { find } from "./dom.js";

const messages = find("#messages").dataset;
const apiMessages = find("template#api-messages").content.querySelectorAll("p");
const language = document.documentElement.lang;
const MEGABYTE = 2 ** 20;
/** Dates are as the browser writes them. */
export const dateLocale = new Intl.DateTimeFormat().resolvedOptions().locale;

/** @param {number} value */
export const formatNumber = (value) => new Intl.NumberFormat(language).format(value);

/** @type {Translate} */
const fill = (text, values = {}) =>
  text.replace(/\{(\w+)\}/g, (_, key) => {
    const value = values[key];
    return typeof value === "number" ? formatNumber(value) : String(value);
  });

/** @type {Translate} */
export const translate = (name, values) => fill(messages[name] ?? name, values);

/** @type {ErrorMessage} */
export function errorMessage(error) {
  if (error.status === 0) return translate("connectionLost");
  if (error.status === 401) return translate("sessionEnded");
  if (error.status === 429) return translate("tooManyAttempts", { seconds: error.retryAfter ?? 60 });
  // {"detail": message} or {field: [message, …]}
  const message = Object.values(error.body ?? {}).flat()[0];
  if (typeof message === "string") return translateApiMessage(message);
  return translate(error.status === 413 ? "tooLarge" : "failed");
}

/** @type {TranslateMessage} */
export function translateApiMessage(message) {
  for (const { dataset, textContent } of apiMessages) {
    const text = (dataset.message ?? "").replace(/[.?*+()[\]]/g, "\\$&");
    const match = message.match(new RegExp(`^${text.replace(/\{(\w+)\}/g, "(?<$1>.+)")}$`));
    if (!match) continue;
    const values = Object.entries(match.groups ?? {});
    return fill(textContent, Object.fromEntries(values.map(([name, value]) => [name, formatValue(name, value)])));
  }
  return message;
}

/** @type {FormatValue} */
function formatValue(name, value) {
  if (name === "bytes") return formatUnit(Number(value) / MEGABYTE, "megabyte", "short");
  if (name.endsWith("seconds")) return formatDuration(Number(value));
  return name === "count" ? Number(value) : value;
}

/** @type {FormatUnit} */
const formatUnit = (value, unit, unitDisplay = "long") =>
  new Intl.NumberFormat(language, {
    style: "unit", unit, unitDisplay, maximumFractionDigits: value < 10 ? 1 : 0,
  }).format(value);

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const power = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  // The short form of English has no plural: "0 byte".
  return formatUnit(bytes / 1024 ** power, units[power] ?? "byte", power ? "short" : "long");
}

/** @param {number} seconds */
export function formatDuration(seconds) {
  const values = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const parts = ["hour", "minute", "second"].map((unit, at) =>
    values[at] ? formatUnit(values[at], unit) : "");
  return parts.filter(Boolean).join(" ");
}

/** The time alone where it is today. @param {string} time */
export function formatTime(time) {
  const date = new Date(time);
  const isToday = date.toDateString() === new Date().toDateString();
  const dateStyle = isToday ? undefined : "medium";
  return new Intl.DateTimeFormat(dateLocale, { dateStyle, timeStyle: "short" }).format(date);
}

/** @type {TitleOf} */
export const titleOf = ({ id, name, description }) =>
  description || name || translate("picture", { id: String(id) });
