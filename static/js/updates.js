/** News of thumbnails: asks while some picture waits for one, ever more seldom, then rests. */

const FIRST = 700;
const LONGEST = 8000;

/**
 * @param {() => boolean} waiting whether some picture has no thumbnail yet
 * @param {() => Promise<void>} look asks the server and shows what is new
 * @returns {{wake: () => void, stop: () => void}}
 */
export function watch(waiting, look) {
  let timer = null;
  let pause = FIRST;

  async function turn() {
    timer = null;
    await look();
    pause = Math.min(LONGEST, pause * 1.4);
    rest();
  }

  function rest() {
    if (timer === null && waiting()) timer = setTimeout(turn, pause);
  }

  return {
    wake() {
      pause = FIRST;
      rest();
    },
    stop() {
      clearTimeout(timer);
      timer = null;
    },
  };
}
