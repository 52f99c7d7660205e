/** The account's picture events over a WebSocket, which reconnects and misses none. */

const MIN_DELAY = 500; // milliseconds
const MAX_DELAY = 20_000;
const SIGNED_OUT = 4401; // the close code of /ws/pictures/ for an ended session

/**
 * @param {number} since id of the last event that the page already shows
 * @param {{onEvent: (event: PictureEvent) => void, onSessionEnd: () => void,
 *   onDisconnect: () => void}} handlers `onDisconnect` is called each time the socket closes or
 *   cannot be opened
 */
export function followEvents(since, handlers) {
  let lastEventId = since;
  let delay = MIN_DELAY;
  let timer = 0; // 0 where none runs
  /** @type {WebSocket} */
  let socket;

  function connect() {
    timer = 0;
    const origin = location.origin.replace("http", "ws");
    socket = new WebSocket(`${origin}/ws/pictures/?since=${lastEventId}`);
    socket.onmessage = ({ data }) => receive(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (code === SIGNED_OUT) handlers.onSessionEnd();
      else connectLater();
    };
  }

  /** @param {PictureEvent} event */
  function receive(event) {
    lastEventId = event.id;
    delay = MIN_DELAY;
    handlers.onEvent(event);
  }

  function connectLater() {
    // At random, so that pages that lost their server together do not return in one moment.
    timer = setTimeout(connect, delay * (0.5 + Math.random()));
    delay = Math.min(MAX_DELAY, delay * 2);
    handlers.onDisconnect();
  }

  connect();
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    /** Connect now, where the next attempt is scheduled for later. */
    reconnect() {
      if (!timer) return;
      clearTimeout(timer);
      connect();
    },
    stop() {
      clearTimeout(timer);
      socket.onclose = null;
      socket.close();
    },
  };
}
