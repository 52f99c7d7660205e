/** Files on their way in: one line and one bar each, two at a time. */

import { upload } from "./api.js";
import { reason } from "./words.js";

const AT_ONCE = 2;
const SHOWN_AFTER = 1500;
const queue = [];
let running = 0;

/** Take files in; `done` is called with each stored picture. */
export function take(files, done) {
  for (const file of files) queue.push({ file, done, line: addLine(file) });
  next();
}

function next() {
  while (running < AT_ONCE && queue.length) {
    running += 1;
    send(queue.shift()).finally(() => {
      running -= 1;
      next();
    });
  }
}

async function send({ file, done, line }) {
  const bar = line.querySelector("progress");
  try {
    done(await upload(file, (share) => { bar.value = share; }));
    setTimeout(() => line.remove(), SHOWN_AFTER);
  } catch (refused) {
    bar.remove();
    const why = document.createElement("span");
    why.className = "why";
    why.textContent = reason(refused);
    line.append(why);
  }
}

function addLine(file) {
  const line = document.createElement("li");
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = file.name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", file.name);
  line.append(name, bar);
  document.getElementById("uploads").append(line);
  return line;
}
