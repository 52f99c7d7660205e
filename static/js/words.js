/** The page's words in the reader's language, as the template delivers them. */

const words = document.getElementById("words").dataset;
const reasons = [...document.getElementById("reasons").content.children];
const status = document.getElementById("status");
const language = document.documentElement.lang;
const MEGABYTE = 2 ** 20;

/** Return a word with its {placeholders} filled. */
export function word(name, values = {}) {
  return fill(words[name], values);
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** Show a text in an element that is hidden while it has none. */
export function tell(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

/** Say a text to those who listen to the page. */
export function announce(text) {
  status.textContent = text;
}

/** Say why a call was refused: the server's own reason where it gives one. */
export function reason(refused) {
  if (refused.status === 0) return word("cut");
  if (refused.status === 401) return word("ended");
  if (refused.status === 429) return word("wait", { seconds: refused.retryAfter ?? 60 });
  const said = firstReason(refused.body);
  if (said) return inOurWords(said);
  return word(refused.status === 413 ? "tooLarge" : "failed");
}

/** A body of the contract is {"detail": …} or {field: [reason, …]}. */
function firstReason(body) {
  const first = Object.values(body ?? {})[0];
  const said = Array.isArray(first) ? first[0] : first;
  return typeof said === "string" ? said : "";
}

/** Find the server's sentence in the list of the template; a sentence not listed stays as it is. */
function inOurWords(said) {
  for (const { dataset, textContent } of reasons) {
    const names = [...dataset.said.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const pattern = dataset.said.replace(/[.?*+()[\]]/g, "\\$&").replace(/\{\w+\}/g, "(.+)");
    const found = said.match(new RegExp(`^${pattern}$`));
    if (!found) continue;
    const values = names.map((name, place) => [name, asRead(name, found[place + 1])]);
    return fill(textContent, Object.fromEntries(values));
  }
  return said;
}

/** Write a value as people read it; its name tells what it counts. */
function asRead(name, value) {
  if (name === "bytes") return unit(value / MEGABYTE, "megabyte", "short");
  if (name.endsWith("seconds")) return duration(Number(value));
  return name === "count" ? new Intl.NumberFormat(language).format(value) : value;
}

function unit(value, name, display = "long") {
  const maximumFractionDigits = value < 10 ? 1 : 0;
  const options = { style: "unit", unit: name, unitDisplay: display, maximumFractionDigits };
  return new Intl.NumberFormat(language, options).format(value);
}

function duration(seconds) {
  const parts = [
    [Math.floor(seconds / 3600), "hour"],
    [Math.floor((seconds % 3600) / 60), "minute"],
    [seconds % 60, "second"],
  ];
  return parts.filter(([value]) => value).map(([value, name]) => unit(value, name)).join(" ");
}

/** Write a time to come: the hour alone where it is today. */
export function clock(date) {
  const isToday = date.toDateString() === new Date().toDateString();
  const options = isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(language, options).format(date);
}
