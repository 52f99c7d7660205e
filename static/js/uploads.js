/** Files on their way in: one line and one bar each, two at a time. */

import { upload } from "./api.js";
import { announce, reason, tell, word } from "./words.js";

const AT_ONCE = 2;
const QUIET_AFTER = 2500;
const panel = document.getElementById("uploads");
const list = panel.querySelector("ul");
const summary = document.getElementById("summary");
const pattern = document.getElementById("line").content.firstElementChild;
const queue = [];
const running = new Set();
let count = { all: 0, done: 0, failed: 0 };
let page = {};

/**
 * @param {{stored: (picture: {id: number, image: string}) => void, ended: () => void}} hooks
 *   `ended` is called where the server knows nobody any more
 */
export function whenUsed(hooks) {
  page = hooks;
}

/** Take files in. */
export function take(files) {
  for (const file of files) queue.push(makeJob(file));
  count.all += files.length;
  next();
}

/** Forget every line; what is on its way is broken off. */
export function clear() {
  queue.length = 0;
  for (const job of running) job.stop.abort();
  list.replaceChildren();
  count = { all: 0, done: 0, failed: 0 };
  panel.hidden = true;
}

const isBusy = () => count.all > count.done + count.failed;

function next() {
  while (running.size < AT_ONCE && queue.length) send(queue.shift());
  show();
}

async function send(job) {
  running.add(job);
  try {
    const picture = await upload(job.file, (share) => progress(job, share), job.stop.signal);
    count.done += 1;
    job.line.remove();
    page.stored(picture);
  } catch (refused) {
    if (refused.status === 401) page.ended();
    else if (!job.stop.signal.aborted) refuse(job, refused);
  }
  running.delete(job);
  next();
}

function progress({ line }, share) {
  const bar = line.querySelector("progress");
  bar.value = share;
  if (share < 1) return;
  bar.removeAttribute("value");
  tell(line.querySelector(".why"), word("checking"));
}

function refuse({ file, line }, refused) {
  const why = reason(refused);
  count.failed += 1;
  line.classList.add("bad");
  line.querySelector("progress").hidden = true;
  line.querySelector("[data-act=again]").hidden = !mayGoBetter(refused.status);
  line.querySelector("[data-act=drop]").setAttribute("aria-label", word("dismiss"));
  tell(line.querySelector(".why"), why);
  announce(`${file.name}: ${why}`);
}

const mayGoBetter = (status) => status === 0 || status === 429 || status >= 500;

function makeJob(file) {
  const line = pattern.cloneNode(true);
  line.querySelector(".name").textContent = line.querySelector(".name").title = file.name;
  line.querySelector("progress").setAttribute("aria-label", file.name);
  const job = { file, line, stop: new AbortController() };
  line.querySelector("[data-act=drop]").addEventListener("click", () => drop(job));
  line.querySelector("[data-act=again]").addEventListener("click", () => retry(job));
  list.append(line);
  return job;
}

function drop(job) {
  const place = queue.indexOf(job);
  if (place >= 0) queue.splice(place, 1);
  job.stop.abort();
  job.line.remove();
  count.all -= 1;
  if (job.line.matches(".bad")) count.failed -= 1;
  next();
}

function retry(job) {
  drop(job);
  take([job.file]);
}

function show() {
  panel.hidden = count.all === 0;
  const said = word(count.failed ? "someFailed" : "uploaded", count);
  if (summary.textContent !== said) summary.textContent = said;
  if (count.done === count.all) setTimeout(rest, QUIET_AFTER);
}

/** All went well and nothing came since: no need to stay. */
function rest() {
  if (count.done === count.all) clear();
}

document.getElementById("clear").addEventListener("click", clear);
window.addEventListener("beforeunload", (event) => isBusy() && event.preventDefault());
