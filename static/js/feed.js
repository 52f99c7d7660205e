/** What happens elsewhere: a WebSocket that misses no event; or polling. */

const MIN_DELAY = 500; // milliseconds
const MAX_DELAY = 20_000;
const MAX_POLL_DELAY = 8000;
const BACKOFF = 1.4;
const SIGNED_OUT = 4401; // the close code of /ws/pictures/ for an ended session

/** @type {FollowEvents} */
export function followEvents(since, { onEvent, onDisconnect, onSessionEnd }) {
  let lastEventId = since;
  let delay = MIN_DELAY;
  let timer = 0; // 0 where none runs
  /** @type {WebSocket} */
  let socket;

  function connect() {
    timer = 0;
    const origin = location.origin.replace("http", "ws");
    socket = new WebSocket(`${origin}/ws/pictures/?since=${lastEventId}`);
    socket.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      lastEventId = event.id;
      delay = MIN_DELAY;
      onEvent(event);
    };
    socket.onclose = ({ code }) => {
      if (code === SIGNED_OUT) return onSessionEnd();
      // At random: pages that lost their server together return one by one.
      timer = setTimeout(connect, delay * (0.5 + Math.random()));
      delay = Math.min(MAX_DELAY, delay * 2);
      onDisconnect();
    };
  }

  connect();
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
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

/** @type {CreatePoller} */
export function createPoller(isNeeded, poll) {
  let timer = 0;
  let delay = MIN_DELAY;

  async function run() {
    await poll();
    timer = 0;
    delay = Math.min(MAX_POLL_DELAY, delay * BACKOFF);
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
    stop: () => clearTimeout(timer),
  };
}
