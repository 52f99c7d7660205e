/** Zooming into a picture: pinch, double tap, wheel and keys; and swiping where it is not zoomed. */

const MAX_SCALE = 8;
const STEP = 2.5;
const MIN_SWIPE = 60; // pixels
const DOUBLE_TAP = 300; // milliseconds

/** @param {HTMLElement} stage @param {{image: () => HTMLImageElement, onSwipe: (step: number) => void, onZoom: () => void}} parts */
export function createZoom(stage, { image, onSwipe, onZoom }) {
  let scale = 1;
  let x = 0; // how far the picture is moved from the middle, in pixels
  let y = 0;
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  let startX = 0;
  let startY = 0;
  let lastTap = 0;
  let hadTwo = false;

  function apply() {
    const maxX = ((scale - 1) * stage.clientWidth) / 2;
    const maxY = ((scale - 1) * stage.clientHeight) / 2;
    x = Math.max(-maxX, Math.min(maxX, x));
    y = Math.max(-maxY, Math.min(maxY, y));
    image().style.transform = scale === 1 ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
    stage.classList.toggle("zoomed", scale > 1);
  }

  /** @param {number} to @param {{clientX: number, clientY: number}} [at] what stays where it is */
  function zoomTo(to, at) {
    const box = stage.getBoundingClientRect();
    const fromX = at ? at.clientX - box.left - box.width / 2 : 0;
    const fromY = at ? at.clientY - box.top - box.height / 2 : 0;
    const next = Math.max(1, Math.min(MAX_SCALE, to));
    x = fromX - ((fromX - x) * next) / scale;
    y = fromY - ((fromY - y) * next) / scale;
    scale = next;
    apply();
    if (scale > 1) onZoom();
  }

  /** @param {{clientX: number, clientY: number}} [at] */
  const toggle = (at) => zoomTo(scale > 1 ? 1 : STEP, at);

  /** @param {PointerEvent} event */
  function move(event) {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (other) {
      const ratio = distance(now, other) / Math.max(1, distance(before, other));
      zoomTo(scale * ratio, { clientX: (now.x + other.x) / 2, clientY: (now.y + other.y) / 2 });
    } else if (scale > 1) {
      x += now.x - before.x;
      y += now.y - before.y;
      apply();
    }
  }

  /** @param {PointerEvent} event */
  function end(event) {
    if (!pointers.delete(event.pointerId) || pointers.size || event.type !== "pointerup") return;
    const movedX = event.clientX - startX;
    const isStill = Math.hypot(movedX, event.clientY - startY) < 10;
    if (hadTwo) return;
    if (isStill && event.pointerType === "touch") {
      if (event.timeStamp - lastTap < DOUBLE_TAP) toggle(event);
      lastTap = event.timeStamp;
    } else if (scale === 1 && event.pointerType === "touch" && Math.abs(movedX) > MIN_SWIPE) {
      onSwipe(movedX > 0 ? -1 : 1);
    }
  }

  stage.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Element && event.target.closest("button")) return;
    if (!pointers.size) [startX, startY, hadTwo] = [event.clientX, event.clientY, false];
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    hadTwo ||= pointers.size > 1;
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("dblclick", (event) => {
    if (!(event.target instanceof Element && event.target.closest("button"))) toggle(event);
  });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(scale * Math.exp(-event.deltaY / (event.deltaMode ? 20 : 400)), event);
  }, { passive: false });

  return {
    apply,
    toggle: () => toggle(),
    reset() {
      [scale, x, y] = [1, 0, 0];
      apply();
    },
    /** Return whether a key meant something. @param {string} key */
    handleKey(key) {
      const to = { "+": scale * 1.5, "=": scale * 1.5, "-": scale / 1.5, 0: 1 }[key];
      if (to !== undefined) return zoomTo(to), true;
      const step = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }[key];
      if (scale === 1 || !step) return false;
      x += step[0] ?? 0;
      y += step[1] ?? 0;
      apply();
      return true;
    },
  };
}

/** @param {{x: number, y: number}} one @param {{x: number, y: number}} other */
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);
