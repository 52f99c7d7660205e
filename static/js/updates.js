/** Asks while something is awaited that no socket tells of, ever more seldom, then rests. */

const FIRST = 500;
const LONGEST = 8000;

/**
 * @param {() => boolean} awaited whether there is something to ask for
 * @param {() => Promise<void>} look asks the server and shows what is new; never rejects
 * @returns {{wake: () => void, stop: () => void}}
 */
export function watch(awaited, look) {
  let timer = null;
  let pause = FIRST;

  async function turn() {
    await look();
    timer = null;
    pause = Math.min(LONGEST, pause * 1.4);
    rest();
  }

  function rest() {
    if (timer === null && awaited()) timer = setTimeout(turn, pause);
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
