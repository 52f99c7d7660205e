/** Messages in the reader's language, as templates/images/i18n.html delivers them. */

const messages = document.getElementById("messages").dataset;
const apiMessages = [...document.getElementById("api-messages").content.children];
const status = document.getElementById("status");
const language = document.documentElement.lang;
const MEGABYTE = 2 ** 20;

/** Return a message with its {placeholders} filled. */
export function translate(name, values = {}) {
  return fill(messages[name], values);
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** Show a text in an element, which is hidden where the text is empty. */
export function showText(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

/** Have a screen reader speak a text. */
export function announce(text) {
  status.textContent = text;
}

/**
 * Return why a request failed: the API's own message where it gives one.
 * @param {import("./api.js").ApiError} error
 */
export function errorMessage(error) {
  if (error.status === 0) return translate("connectionLost");
  if (error.status === 401) return translate("sessionEnded");
  if (error.status === 429) return translate("tooManyAttempts", { seconds: error.retryAfter ?? 60 });
  const message = firstMessage(error.body);
  if (message) return translateApiMessage(message);
  return translate(error.status === 413 ? "tooLarge" : "failed");
}

/** The body of an error is {"detail": message} or {field: [message, …]}. */
function firstMessage(body) {
  const first = Object.values(body ?? {})[0];
  const message = Array.isArray(first) ? first[0] : first;
  return typeof message === "string" ? message : "";
}

/** Translate a message by the template's list; one that is not listed stays as it is. */
function translateApiMessage(message) {
  for (const { dataset, textContent } of apiMessages) {
    const names = [...dataset.message.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const pattern = dataset.message.replace(/[.?*+()[\]]/g, "\\$&").replace(/\{\w+\}/g, "(.+)");
    const match = message.match(new RegExp(`^${pattern}$`));
    if (!match) continue;
    const values = names.map((name, index) => [name, formatValue(name, match[index + 1])]);
    return fill(textContent, Object.fromEntries(values));
  }
  return message;
}

/** The name of a placeholder says what its value counts. */
function formatValue(name, value) {
  if (name === "bytes") return formatUnit(value / MEGABYTE, "megabyte", "short");
  if (name.endsWith("seconds")) return formatDuration(Number(value));
  return name === "count" ? new Intl.NumberFormat(language).format(value) : value;
}

function formatUnit(value, unit, unitDisplay = "long") {
  const maximumFractionDigits = value < 10 ? 1 : 0;
  const options = { style: "unit", unit, unitDisplay, maximumFractionDigits };
  return new Intl.NumberFormat(language, options).format(value);
}

function formatDuration(seconds) {
  const parts = [
    [Math.floor(seconds / 3600), "hour"],
    [Math.floor((seconds % 3600) / 60), "minute"],
    [seconds % 60, "second"],
  ];
  return parts.filter(([value]) => value).map(([value, unit]) => formatUnit(value, unit)).join(" ");
}

/** Format a date and time; the time alone where it is today. */
export function formatTime(date) {
  const isToday = date.toDateString() === new Date().toDateString();
  const options = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(language, options).format(date);
}
