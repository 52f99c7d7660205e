/** Polling, for as long as something is awaited that no socket reports. */

const MIN_DELAY = 500; // milliseconds
const MAX_DELAY = 8000;
const BACKOFF = 1.4;

/**
 * @param {() => boolean} isNeeded whether something is awaited; polling rests while it is false
 * @param {() => Promise<void>} poll must not reject
 * @returns {{wake: () => void, stop: () => void}} `wake` polls again soon, if needed
 */
export function createPoller(isNeeded, poll) {
  let timer = 0;
  let delay = MIN_DELAY;

  async function run() {
    await poll();
    timer = 0;
    delay = Math.min(MAX_DELAY, delay * BACKOFF);
    schedule();
  }

  function schedule() {
    if (!timer && isNeeded()) timer = setTimeout(run, delay);
  }

  return {
    wake() {
      delay = MIN_DELAY;
      schedule();
    },
    stop() {
      clearTimeout(timer);
      timer = 0;
    },
  };
}
