/** The account's picture events as they happen; what a lost socket missed comes with the next. */

const FIRST = 500;
const LONGEST = 20_000;
const SIGNED_OUT = 4401;

/**
 * @param {number} since the event that the page already shows
 * @param {{happened: (event: object) => void, ended: () => void, lost: () => void}} page
 *   `lost` is called each time there is no socket for a while
 * @returns {{isOpen: () => boolean, retry: () => void, stop: () => void}}
 */
export function follow(since, page) {
  let last = since;
  let pause = FIRST;
  let timer = null;
  let socket = null;

  function open() {
    timer = null;
    socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws/pictures/?since=${last}`);
    socket.onmessage = ({ data }) => take(JSON.parse(data));
    socket.onclose = ({ code }) => (code === SIGNED_OUT ? page.ended() : rest());
  }

  function take(event) {
    last = event.id;
    pause = FIRST;
    page.happened(event);
  }

  /** Pages that lost their server together must not all come back in the same moment. */
  function rest() {
    timer = setTimeout(open, pause * (0.5 + Math.random()));
    pause = Math.min(LONGEST, pause * 2);
    page.lost();
  }

  open();
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    retry() {
      if (timer === null) return;
      clearTimeout(timer);
      open();
    },
    stop() {
      clearTimeout(timer);
      socket.onclose = null;
      socket.close();
    },
  };
}
