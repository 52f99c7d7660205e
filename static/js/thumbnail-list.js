/** The API's list of thumbnails, newest first, read from both ends: new rows and older pages. */

import { fetchThumbnails } from "./api.js";

const MAX_PAGES = 10;

/**
 * @param {(thumbnail: {id: number, image_id: number, height: number, thumbnail: string}) => void}
 *   onThumbnail is called once for each
 */
export function createThumbnailList(onThumbnail) {
  const seen = new Set(); // ids
  let olderPage = null;
  let isStarted = false;

  function addRows(rows) {
    for (const row of rows) {
      if (seen.has(row.id)) continue;
      seen.add(row.id);
      onThumbnail(row);
    }
  }

  return {
    /** Fetch from the newest down to a row that is known; the first time, one page. */
    async fetchNewer() {
      const rows = [];
      let page = null;
      do {
        const response = await fetchThumbnails(page);
        rows.push(...response.body);
        page = response.next;
      } while (isStarted && page && !rows.some((row) => seen.has(row.id)));
      if (!isStarted) olderPage = page;
      isStarted = true;
      // Not page by page: were a later one to fail, known rows would hide the gap for good.
      addRows(rows);
    },

    /** Fetch older pages until `isEnough()`; at most a few, since one may be missing for good. */
    async fetchOlder(isEnough) {
      for (let pages = 0; olderPage && pages < MAX_PAGES && !isEnough(); pages += 1) {
        const response = await fetchThumbnails(olderPage);
        olderPage = response.next;
        addRows(response.body);
      }
    },
  };
}
