/** Where each picture of the list is drawn: rows that fill the width, below headings of dates. */

const MIN_ASPECT_RATIO = 0.6;
const MAX_ASPECT_RATIO = 2.6;

/** Return an aspect ratio that a row can hold; what is beyond it is cropped. @param {Picture} picture */
export const boundedAspect = ({ width, height }) =>
  Math.min(MAX_ASPECT_RATIO, Math.max(MIN_ASPECT_RATIO, width / height || 1));

/** @type {LayOut} */
export function layOut(items, { width, rowHeight, gap, headingHeight }) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {Map<string, Row>} */
  const headings = new Map();
  let top = 0;
  let start = 0;
  let sum = 0; // of the aspect ratios from `start` on

  /** @param {number} end @param {boolean} isFull */
  function closeRow(end, isFull) {
    const space = width - gap * (end - start - 1);
    const height = isFull ? space / sum : Math.min(rowHeight, space / sum);
    let left = 0;
    const boxes = items.slice(start, end).map(({ id, aspect }) => {
      const box = { id, left, width: aspect * height };
      left += box.width + gap;
      return box;
    });
    rows.push({ top, height, group: items[start]?.group ?? "", index: start, boxes });
    top += height + gap;
    start = end;
    sum = 0;
  }

  items.forEach(({ aspect, group }, at) => {
    if (group !== items[at - 1]?.group) {
      if (at > start) closeRow(at, false);
      const heading = { top, height: headingHeight, group, index: at, boxes: [] };
      rows.push(heading);
      headings.set(group, heading);
      top += headingHeight;
    }
    // Full without this one, where that comes nearer to the wished height.
    const withIt = (width - gap * (at - start)) / (sum + aspect);
    const without = at > start ? (width - gap * (at - start - 1)) / sum : Infinity;
    if (withIt < rowHeight && without / rowHeight < rowHeight / withIt) closeRow(at, true);
    sum += aspect;
    if ((width - gap * (at - start)) / sum <= rowHeight) closeRow(at + 1, true);
  });
  if (start < items.length) closeRow(items.length, false);
  return { rows, headings, height: Math.max(0, top - gap) };
}

/** @type {RowsBetween} */
export function rowsBetween(rows, from, to) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && row.top + row.height < from) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < rows.length && (rows[end]?.top ?? 0) <= to) end += 1;
  return rows.slice(low, end);
}

/** @type {BesideInRows} */
export function besideInRows(all, id, step) {
  const rows = all.filter(({ boxes }) => boxes.length);
  const at = rows.findIndex(({ boxes }) => boxes.some((box) => box.id === id));
  const box = rows[at]?.boxes.find((each) => each.id === id);
  const other = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  if (!box || !other) return undefined;
  const middle = box.left + box.width / 2;
  return (other.boxes.find(({ left, width }) => left + width >= middle) ?? other.boxes.at(-1))?.id;
}
