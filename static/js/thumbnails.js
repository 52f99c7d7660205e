/** The API's list of thumbnails, newest first: its head is asked again, its tail read on once. */

import * as api from "./api.js";

const MOST_PAGES = 10;

/**
 * @param {(thumbnail: {id: number, image_id: number, height: number, thumbnail: string}) => void} found
 */
export function thumbnailList(found) {
  const seen = new Set();
  let tail = null;
  let isBegun = false;

  /** Rows count as seen only when no page between them and the known ones is missing. */
  function keep(rows) {
    for (const row of rows) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      found(row);
    }
  }

  return {
    /** Read what came since the last time. */
    async newer() {
      const rows = [];
      let page = null;
      do {
        const answer = await api.thumbnails(page);
        rows.push(...answer.body);
        page = answer.next;
      } while (isBegun && page && !rows.some((row) => seen.has(row.id)));
      if (!isBegun) tail = page;
      isBegun = true;
      keep(rows);
    },

    /** Read on towards the oldest until `enough()`; one missing thumbnail must not ask for all. */
    async older(enough) {
      for (let pages = 0; tail && pages < MOST_PAGES && !enough(); pages += 1) {
        const answer = await api.thumbnails(tail);
        tail = answer.next;
        keep(answer.body);
      }
    },
  };
}
