/** Search, filters and order of the list, which stand in its address. */

import { formById, part } from "./dom.js";
import { setQuery } from "./router.js";

const DELAY = 300; // milliseconds
const NAMES = ["q", "visibility", "state", "format", "order"];
const form = formById("search");
const filters = part(form, "details");
let timer = 0;

/** @param {URLSearchParams} query @returns {Filter} */
export function readFilter(query) {
  const entries = NAMES.map((name) => [name, query.get(name) ?? ""]).filter(([, value]) => value);
  return Object.fromEntries(entries);
}

/** Show what the address says. @param {Filter} filter */
export function showFilter(filter) {
  const given = /** @type {Record<string, string | undefined>} */ (filter);
  for (const name of NAMES) {
    const input = /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
    // What is being typed stays as it is.
    if (input !== document.activeElement) input.value = given[name] ?? "";
  }
  const count = NAMES.slice(1).filter((name) => given[name]).length;
  filters.classList.toggle("active", count > 0);
}

function apply() {
  clearTimeout(timer);
  const entries = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()]);
  setQuery(new URLSearchParams(entries.filter(([, value]) => value)));
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
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && !filters.contains(target)) filters.removeAttribute("open");
  });
  filters.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    filters.removeAttribute("open");
    part(filters, "summary").focus();
  });
}
