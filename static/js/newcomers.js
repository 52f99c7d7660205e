/** Pictures and thumbnails that the feed told of: fetched together, a moment later. */

import * as api from "./api.js";
import * as grid from "./grid.js";

// A picture of this page's own upload is told of before the upload is answered.
const MOMENT = 150;

/**
 * @param {() => Promise<void>} newerThumbnails
 * @param {() => Promise<void>} attempt looks, and deals with what goes wrong
 * @param {() => void} settle is called when pictures were added
 */
export function newcomers(newerThumbnails, attempt, settle) {
  const expected = new Set();
  let timer = null;

  /** Taken off before it is asked for: another look may come meanwhile. */
  async function fetchOne(id) {
    expected.delete(id);
    try {
      const row = grid.find(id) ? null : await api.picture(id).catch(unlessGone);
      if (row) grid.add([row]);
    } catch (failed) {
      expected.add(id);
      throw failed;
    }
  }

  function soon() {
    timer ??= setTimeout(() => {
      timer = null;
      attempt();
    }, MOMENT);
  }

  return {
    soon,
    expect(id) {
      expected.add(id);
      soon();
    },
    async look() {
      const count = expected.size;
      for (const id of [...expected]) await fetchOne(id);
      if (count) settle();
      await newerThumbnails();
    },
  };
}

function unlessGone(refused) {
  if (refused.status !== 404) throw refused;
}
