/** The dates above the pictures of the list, each with the list of those below it. */

import { dateLocale } from "./i18n.js";

/** @type {Map<string, {section: HTMLElement, heading: HTMLElement, list: HTMLElement}>} */
const groups = new Map();
const monthFormat = new Intl.DateTimeFormat(dateLocale, { month: "long", year: "numeric" });
const dayWords = new Intl.RelativeTimeFormat(dateLocale, { numeric: "auto" });

/** Return the heading below which a picture stands. @param {Date} date @param {Date} today */
function groupOf(date, today) {
  if (date.toDateString() === today.toDateString()) return dayWords.format(0, "day");
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === yesterday.toDateString()) return dayWords.format(-1, "day");
  return monthFormat.format(date);
}

/** @type {Map<string, string>} by the hour: formatting ten thousand dates takes long */
const names = new Map();

/** @param {string} createdAt @param {Date} today */
export function nameOf(createdAt, today) {
  const hour = createdAt.slice(0, 13) + today.getDate();
  const name = names.get(hour) ?? groupOf(new Date(createdAt), today);
  names.set(hour, name);
  return name;
}

/** @param {string} name */
export const listOf = (name) => groups.get(name)?.list;
export const lists = () => [...groups.values()].map(({ list }) => list);

/** Draw the headings that some rows stand below, and no others. @param {HTMLElement} container @param {Row[]} rows @param {Map<string, Row>} headings */
export function show(container, rows, headings) {
  const wanted = new Set(rows.map(({ group }) => group));
  for (const [name, { section, list }] of groups) {
    if (wanted.has(name) || list.childElementCount) continue;
    section.remove();
    groups.delete(name);
  }
  for (const name of wanted) {
    const { top = 0, index = 0 } = headings.get(name) ?? {};
    const group = groups.get(name) ?? createGroup(container, name, index);
    group.section.dataset.index = String(index);
    group.heading.style.transform = `translateY(${top}px)`;
  }
}

/** @param {HTMLElement} container @param {string} name @param {number} index */
function createGroup(container, name, index) {
  const section = document.createElement("section");
  const heading = document.createElement("h2");
  const list = document.createElement("ul");
  heading.textContent = name;
  heading.lang = dateLocale;
  heading.className = "date";
  section.append(heading, list);
  const group = { section, heading, list };
  groups.set(name, group);
  const after = [...groups.values()].find(
    (other) => other !== group && Number(other.section.dataset.index) > index,
  );
  container.insertBefore(section, after?.section ?? null);
  return group;
}
