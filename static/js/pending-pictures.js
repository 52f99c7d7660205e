/** Pictures and thumbnails that events announced: fetched together, a moment later. */

import * as api from "./api.js";
import * as grid from "./grid.js";

// The event of an upload by this page arrives before the response to that upload.
const DELAY = 150; // milliseconds

/**
 * @param {() => Promise<void>} fetchNewThumbnails
 * @param {() => void} schedule calls `fetchAll` and handles its errors
 * @param {() => void} onAdded is called when pictures were added to the grid
 */
export function createPendingPictures(fetchNewThumbnails, schedule, onAdded) {
  const pending = new Set(); // ids
  let timer = null;

  async function fetchOne(id) {
    // Removed before the request, since a second fetchAll may run meanwhile.
    pending.delete(id);
    try {
      const row = grid.find(id) ? null : await api.fetchPicture(id).catch(ignoreNotFound);
      if (row) grid.add([row]);
    } catch (error) {
      pending.add(id);
      throw error;
    }
  }

  function fetchSoon() {
    timer ??= setTimeout(() => {
      timer = null;
      schedule();
    }, DELAY);
  }

  return {
    fetchSoon,
    add(id) {
      pending.add(id);
      fetchSoon();
    },
    async fetchAll() {
      const count = pending.size;
      for (const id of [...pending]) await fetchOne(id);
      if (count) onAdded();
      await fetchNewThumbnails();
    },
  };
}

function ignoreNotFound(error) {
  if (error.status !== 404) throw error;
}
