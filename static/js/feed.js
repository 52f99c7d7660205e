/** The account's picture events over a WebSocket, which reconnects and misses none. */

const MIN_DELAY = 500; // milliseconds
const MAX_DELAY = 20_000;
const SIGNED_OUT = 4401; // the close code of /ws/pictures/ for an ended session

/**
 * @param {number} since id of the last event that the page already shows
 * @param {{onEvent: (event: object) => void, onSessionEnd: () => void, onDisconnect: () => void}}
 *   handlers `onDisconnect` is called each time the socket closes or cannot be opened
 * @returns {{isOpen: () => boolean, reconnect: () => void, stop: () => void}}
 */
export function followEvents(since, handlers) {
  let lastEventId = since;
  let delay = MIN_DELAY;
  let timer = null;
  let socket = null;

  function connect() {
    timer = null;
    const origin = location.origin.replace("http", "ws");
    socket = new WebSocket(`${origin}/ws/pictures/?since=${lastEventId}`);
    socket.onmessage = ({ data }) => receive(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (code === SIGNED_OUT) handlers.onSessionEnd();
      else connectLater();
    };
  }

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
      if (timer === null) return;
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
