/** Search, filters and order of the list, which stand in its address. */

import { closest, field, find } from "./dom.js";
import { setQuery } from "./router.js";

const DELAY = 300; // milliseconds
const NAMES = ["q", "visibility", "state", "format", "order"];
const form = find("form#search");
const filters = find("details", form);
let timer = 0;

/** @param {URLSearchParams} query @returns {Filter} */
export const readFilter = (query) =>
  Object.fromEntries([...query].filter(([name, value]) => NAMES.includes(name) && value));

/** Show what the address says. @param {Filter} filter */
export function showFilter(filter) {
  for (const name of NAMES) {
    const input = field(form, name);
    // What is being typed stays as it is.
    if (input !== document.activeElement) input.value = filter[name] ?? "";
  }
  filters.classList.toggle("active", Object.keys(filter).some((name) => name !== "q"));
}

function apply() {
  clearTimeout(timer);
  const entries = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]);
  setQuery(entries.filter(([, value]) => value));
}

export function clearSearch() {
  form.reset();
  apply();
}

export function start() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, DELAY);
  });
  form.addEventListener("reset", () => setTimeout(apply));
  document.addEventListener("click", (event) => {
    if (!closest(event, "#search details")) filters.open = false;
  });
  filters.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    filters.open = false;
    find("summary", filters).focus();
  });
}
