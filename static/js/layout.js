/** Where each picture is drawn: rows that fill the width, below headings of dates. */

const MIN_ASPECT_RATIO = 0.6;
const MAX_ASPECT_RATIO = 2.6;
/** @type {Row} above the first */
const TOP = { top: 0, height: 0, heading: { top: 0, group: "", index: 0 }, index: 0, boxes: [] };

/** @type {BoundedAspect} */
const boundedAspect = ({ width, height }) =>
  Math.min(MAX_ASPECT_RATIO, Math.max(MIN_ASPECT_RATIO, width / height || 1));

/** @type {LayOut} */
export function layOut(list, { width, rowHeight, gap, headingHeight, groupOf }, before = [], from = 0) {
  // A row depends on its own pictures and on the one behind them.
  const rows = before.slice(
    0, before.findLastIndex(({ index, boxes }) => index + boxes.length < from) + 1,
  );
  let { top, height, index: start, boxes, heading } = rows.at(-1) ?? TOP;
  top += height && height + gap;
  start += boxes.length;
  let sum = 0; // of the aspect ratios from `start` on

  /** @param {number} end @param {boolean} isFull */
  function closeRow(end, isFull) {
    const space = width - gap * (end - start - 1);
    height = isFull ? space / sum : Math.min(rowHeight, space / sum);
    let left = 0;
    boxes = list.slice(start, end).map((picture) => {
      const box = { id: picture.id, left, width: boundedAspect(picture) * height };
      left += box.width + gap;
      return box;
    });
    rows.push({ top, height, heading, index: start, boxes });
    top += height + gap;
    start = end;
    sum = 0;
  }

  for (let at = start; at < list.length; at += 1) {
    const picture = /** @type {Picture} */ (list[at]);
    const aspect = boundedAspect(picture);
    const group = groupOf(picture);
    if (group !== heading.group) {
      if (at > start) closeRow(at, false);
      heading = { top, group, index: at };
      top += headingHeight;
    }
    // Full without this one, where that comes nearer to the wished height.
    const withIt = (width - gap * (at - start)) / (sum + aspect);
    const without = at > start ? (width - gap * (at - start - 1)) / sum : Infinity;
    if (withIt < rowHeight && without / rowHeight < rowHeight / withIt) closeRow(at, true);
    sum += aspect;
    if ((width - gap * (at - start)) / sum <= rowHeight) closeRow(at + 1, true);
  }
  if (start < list.length) closeRow(list.length, false);
  return rows;
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
export function besideInRows(rows, id, step) {
  const at = rows.findIndex(({ boxes }) => boxes.some((box) => box.id === id));
  const box = rows[at]?.boxes.find((each) => each.id === id);
  const other = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
  if (!box || !other) return undefined;
  const middle = box.left + box.width / 2;
  return (other.boxes.find(({ left, width }) => left + width >= middle) ?? other.boxes.at(-1))?.id;
}
