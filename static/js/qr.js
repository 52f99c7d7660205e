/** QR codes (ISO/IEC 18004) of texts in UTF-8, drawn as SVG. */

import { at, encodeBytes } from "./qr-codewords.js";

const MASKS = [
  (x = 0, y = 0) => (x + y) % 2, (_ = 0, y = 0) => y % 2, (x = 0) => x % 3, (x = 0, y = 0) => (x + y) % 3,
  (x = 0, y = 0) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x = 0, y = 0) => ((x * y) % 2) + ((x * y) % 3),
  (x = 0, y = 0) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x = 0, y = 0) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/** A BCH code: a value with its remainder behind it. @param {number} value @param {number} generator @param {number} length */
function withRemainder(value, generator, length) {
  let rest = value;
  for (let index = 0; index < length; index += 1) rest = (rest << 1) ^ ((rest >> (length - 1)) * generator);
  return (value << length) | rest;
}

/** Centres of the alignment patterns. @param {number} version */
function alignment(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  const last = version * 4 + 10;
  return [6, ...Array.from({ length: count - 1 }, (_, index) => last - step * (count - 2 - index))];
}

/** Return the rows of the code's modules: true is dark. @param {string} text @returns {boolean[][]} */
export function makeQrCode(text) {
  const { version, codewords } = encodeBytes(new TextEncoder().encode(text));
  const codes = MASKS.map((_, mask) => draw(codewords, version, mask));
  const penalties = codes.map(penaltyOf);
  return /** @type {boolean[][]} */ (codes[penalties.indexOf(Math.min(...penalties))]);
}

/** @param {number[]} codewords @param {number} version @param {number} mask */
function draw(codewords, version, mask) {
  const size = version * 4 + 17;
  /** @type {(boolean | undefined)[][]} */
  const modules = Array.from({ length: size }, () => Array(size).fill(undefined));
  const set = (/** @type {number} */ x, /** @type {number} */ y, /** @type {boolean} */ isDark) => {
    const row = modules[y];
    if (row && x >= 0 && x < size) row[x] = isDark;
  };
  for (let index = 0; index < size; index += 1) {
    set(6, index, index % 2 === 0);
    set(index, 6, index % 2 === 0);
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(set, x ?? 0, y ?? 0, 4, [0, 1, 3]);
  const centres = alignment(version);
  const last = centres.length - 1;
  centres.forEach((x, column) => centres.forEach((y, row) => {
    const isFinder = (!column && !row) || (!column && row === last) || (column === last && !row);
    if (!isFinder) square(set, x, y, 2, [0, 2]);
  }));
  drawFormat(set, size, mask);
  drawVersion(set, size, version);
  drawCodewords(modules, codewords, mask);
  return modules.map((row) => row.map(Boolean));
}

/** @typedef {(x: number, y: number, isDark: boolean) => void} Setter */

/** @param {Setter} set @param {number} x @param {number} y @param {number} reach @param {number[]} dark rings */
function square(set, x, y, reach, dark) {
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) {
      set(x + dx, y + dy, dark.includes(Math.max(Math.abs(dx), Math.abs(dy))));
    }
  }
}

/** @param {Setter} set @param {number} size @param {number} mask */
function drawFormat(set, size, mask) {
  // Level M is 00.
  const bits = withRemainder(mask, 0x537, 10) ^ 0x5412;
  const bit = (/** @type {number} */ index) => ((bits >> index) & 1) === 1;
  for (let index = 0; index < 6; index += 1) set(8, index, bit(index));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let index = 9; index < 15; index += 1) set(14 - index, 8, bit(index));
  for (let index = 0; index < 8; index += 1) set(size - 1 - index, 8, bit(index));
  for (let index = 8; index < 15; index += 1) set(8, size - 15 + index, bit(index));
  set(8, size - 8, true);
}

/** @param {Setter} set @param {number} size @param {number} version */
function drawVersion(set, size, version) {
  if (version < 7) return;
  const bits = withRemainder(version, 0x1f25, 12);
  for (let index = 0; index < 18; index += 1) {
    const isDark = ((bits >> index) & 1) === 1;
    const [far, near] = [size - 11 + (index % 3), Math.floor(index / 3)];
    set(far, near, isDark);
    set(near, far, isDark);
  }
}

/** Fill what is free, two columns at a time, up and down. @param {(boolean | undefined)[][]} modules @param {number[]} codewords @param {number} mask */
function drawCodewords(modules, codewords, mask) {
  const size = modules.length;
  let index = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      for (const x of [right, right - 1]) {
        const y = (right + 1) & 2 ? step : size - 1 - step;
        const row = modules[y] ?? [];
        if (row[x] !== undefined) continue;
        const isDark = ((at(codewords, index >> 3) >> (7 - (index & 7))) & 1) === 1;
        row[x] = isDark !== (MASKS[mask]?.(x, y) === 0);
        index += 1;
      }
    }
  }
}

/** @param {boolean[][]} code */
function penaltyOf(code) {
  const columns = code.map((_, x) => code.map((row) => row[x] === true));
  const lines = [...code, ...columns].map((line) => line.map(Number).join(""));
  let penalty = 0;
  for (const line of lines) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) penalty += run.length - 2;
    penalty += 40 * [...line.matchAll(/(?=10111010000|00001011101)/g)].length;
  }
  code.forEach((row, y) => row.forEach((isDark, x) => {
    const below = code[y + 1];
    if (below && x + 1 < row.length && [row[x + 1], below[x], below[x + 1]].every((other) => other === isDark)) penalty += 3;
  }));
  const dark = code.flat().filter(Boolean).length / code.length ** 2;
  return penalty + 10 * Math.floor(Math.abs(dark - 0.5) * 20);
}

/** Return the code as a picture. @param {string} text @param {string} label */
export function drawQrCode(text, label) {
  const code = makeQrCode(text);
  const size = code.length + 8; // with its quiet zone
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.classList.add("qr");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const squares = code.flatMap((row, y) =>
    row.map((isDark, x) => (isDark ? `M${x + 4} ${y + 4}h1v1h-1z` : "")));
  path.setAttribute("d", squares.join(""));
  svg.append(path);
  return svg;
}
