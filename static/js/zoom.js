/** Zooming by pinch, double tap, wheel and keys; swiping where nothing is zoomed. */

import { closest } from "./dom.js";

const MAX_SCALE = 8;
const STEP = 2.5;
const MIN_SWIPE = 60; // pixels
const DOUBLE_TAP = 300; // milliseconds

/** @type {CreateZoom} */
export function createZoom(stage, { image, onSwipe, onZoom }) {
  let scale = 1;
  let x = 0; // how far the picture is moved from the middle, in pixels
  let y = 0;
  /** @type {Map<number, PointerEvent>} where each was last */
  const pointers = new Map();
  /** @type {PointerEvent | null} */
  let first = null;
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

  /** @type {ZoomTo} */
  function zoomTo(to, at) {
    const { left, top, width, height } = stage.getBoundingClientRect();
    const fromX = at ? at.clientX - left - width / 2 : 0;
    const fromY = at ? at.clientY - top - height / 2 : 0;
    const next = Math.max(1, Math.min(MAX_SCALE, to));
    x = fromX - ((fromX - x) * next) / scale;
    y = fromY - ((fromY - y) * next) / scale;
    scale = next;
    apply();
    if (scale > 1) onZoom();
  }

  /** @param {Place2D} [at] */
  const toggle = (at) => zoomTo(scale > 1 ? 1 : STEP, at);

  /** @param {number} across @param {number} down */
  function moveBy(across, down) {
    x += across;
    y += down;
    apply();
  }

  /** @param {PointerEvent} now */
  function move(now) {
    const before = pointers.get(now.pointerId);
    if (!before) return;
    pointers.set(now.pointerId, now);
    const other = [...pointers.values()].find((each) => each !== now);
    if (other) {
      const ratio = distance(now, other) / Math.max(1, distance(before, other));
      const clientX = (now.clientX + other.clientX) / 2;
      zoomTo(scale * ratio, { clientX, clientY: (now.clientY + other.clientY) / 2 });
    } else if (scale > 1) moveBy(now.clientX - before.clientX, now.clientY - before.clientY);
  }

  /** @param {PointerEvent} event */
  function end(event) {
    if (!pointers.delete(event.pointerId) || pointers.size || event.type !== "pointerup") return;
    if (!first || hadTwo || event.pointerType !== "touch") return;
    const movedX = event.clientX - first.clientX;
    if (distance(event, first) < 10) {
      if (event.timeStamp - lastTap < DOUBLE_TAP) toggle(event);
      lastTap = event.timeStamp;
    } else if (scale === 1 && Math.abs(movedX) > MIN_SWIPE) onSwipe(movedX > 0 ? -1 : 1);
  }

  stage.addEventListener("pointerdown", (event) => {
    if (closest(event, "button")) return;
    if (!pointers.size) first = event;
    pointers.set(event.pointerId, event);
    hadTwo = first !== event;
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", end);
  stage.addEventListener("pointercancel", end);
  stage.addEventListener("dblclick", (event) => {
    // Two taps are counted above.
    if (first?.pointerType !== "touch" && !closest(event, "button")) toggle(event);
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
    handleKey(key) {
      const to = { "+": scale * 1.5, "=": scale * 1.5, "-": scale / 1.5, 0: 1 }[key];
      if (to !== undefined) return zoomTo(to), true;
      const across = { ArrowLeft: 80, ArrowRight: -80 }[key] ?? 0;
      const down = { ArrowUp: 80, ArrowDown: -80 }[key] ?? 0;
      if (scale === 1 || !(across || down)) return false;
      moveBy(across, down);
      return true;
    },
  };
}

/** @param {PointerEvent} one @param {PointerEvent} other */
const distance = (one, other) =>
  Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
