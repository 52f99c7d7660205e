/** The dates above the pictures of the list, each with those below it. */

import { clone, find } from "./dom.js";
import { dateLocale } from "./i18n.js";
import { store } from "./store.js";

/** @type {Map<string, Group>} */
const groups = new Map();
const monthFormat = new Intl.DateTimeFormat(dateLocale, { month: "long", year: "numeric" });
const dayWords = new Intl.RelativeTimeFormat(dateLocale, { numeric: "auto" });
/** @type {Map<string, string>} by the minute, as time zones differ: formatting ten thousand dates takes long */
const names = new Map();

/** @type {Groups} */
export const groupsOfDates = {
  nameOf(createdAt, today) {
    const minute = createdAt.slice(0, 16) + today.getDate();
    const name = names.get(minute) ?? nameOfDate(new Date(createdAt), today);
    names.set(minute, name);
    return name;
  },
  listOf: (name) => groups.get(name)?.list,

  show(container, rows) {
    const wanted = new Map(rows.map(({ heading }) => [heading.group, heading]));
    for (const [name, { section, list }] of groups) {
      if (wanted.has(name) || list.childElementCount) continue;
      section.remove();
      groups.delete(name);
    }
    for (const [name, { top, index }] of wanted) {
      const group = groups.get(name) ?? createGroup(container, name, index);
      group.index = index;
      group.heading.style.transform = `translateY(${top}px)`;
    }
  },

  keepOrder(tiles, active) {
    const inOrder = [...tiles].sort(([one], [other]) => store.indexOf(one) - store.indexOf(other));
    for (const { list } of groups.values()) {
      let next = list.firstElementChild;
      for (const [, { element }] of inOrder) {
        if (element.parentElement !== list) continue;
        // The focused one is never moved, which would take the focus from it.
        if (element === next) next = next.nextElementSibling;
        else list.insertBefore(element, next);
      }
    }
    const reached = active !== null && tiles.has(active) ? active : inOrder[0]?.[0];
    for (const [id, { button, box }] of tiles) {
      const index = id === reached ? 0 : -1;
      if (button.tabIndex !== index) button.tabIndex = box.tabIndex = index;
    }
  },
};

/** @param {Date} date @param {Date} today */
function nameOfDate(date, today) {
  if (date.toDateString() === today.toDateString()) return dayWords.format(0, "day");
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (date.toDateString() === yesterday.toDateString()) return dayWords.format(-1, "day");
  return monthFormat.format(date);
}

/** @type {CreateGroup} */
function createGroup(container, name, index) {
  const section = clone("group");
  const heading = find("h2", section);
  const list = find("ul", section);
  heading.textContent = name;
  heading.lang = dateLocale;
  const after = [...groups.values()].find((other) => other.index > index);
  container.insertBefore(section, after?.section ?? null);
  const group = { section, heading, list, index };
  groups.set(name, group);
  return group;
}
