/** ThumbHashes (evanw.github.io/thumbhash) as images. */

const SIDE = 16; // pixels: browsers smooth what they enlarge
const canvas = document.createElement("canvas");
// Without a graphics card, which would have to hand back what was drawn.
const context = canvas.getContext("2d", { willReadFrequently: true });

/** @type {ThumbhashUrl} */
export function thumbhashUrl(thumbhash) {
  const data = Uint8Array.from(atob(thumbhash), (char) => char.charCodeAt(0));
  const byte = (/** @type {number} */ at) => data[at] ?? 0;
  const head = byte(0) | (byte(1) << 8) | (byte(2) << 16);
  const shape = byte(3) | (byte(4) << 8);
  const isTransparent = head >> 23 !== 0;
  const long = isTransparent ? 5 : 7;
  const short = Math.max(1, shape & 7);
  const [across, down] = shape >> 15 ? [long, short] : [short, long];
  const width = Math.round((SIDE * across) / Math.max(across, down));
  const height = Math.round((SIDE * down) / Math.max(across, down));
  let nibble = isTransparent ? 12 : 10;
  const readNibble = () => {
    const value = byte(nibble >> 1);
    return nibble++ & 1 ? value >> 4 : value & 15;
  };

  /** Return its value at every pixel. @type {Channel} */
  function channel(middle, scale, columns, rows) {
    const values = new Float32Array(width * height).fill(middle);
    for (let y = 0; y < rows; y += 1) {
      // The columns' sums first, which is less work.
      const sums = new Float32Array(width);
      for (let x = y ? 0 : 1; x * rows < columns * (rows - y); x += 1) {
        const strength = (readNibble() / 7.5 - 1) * scale * 2;
        for (let px = 0; px < width; px += 1) {
          sums[px] = (sums[px] ?? 0) + strength * Math.cos((Math.PI * x * (px + 0.5)) / width);
        }
      }
      for (let py = 0, at = 0; py < height; py += 1) {
        const wave = Math.cos((Math.PI * y * (py + 0.5)) / height);
        for (let px = 0; px < width; px += 1, at += 1) values[at] = (values[at] ?? 0) + wave * (sums[px] ?? 0);
      }
    }
    return values;
  }

  const light = channel((head & 63) / 63, ((head >> 18) & 31) / 31, Math.max(3, across), Math.max(3, down));
  const yellow = channel(((head >> 6) & 63) / 31.5 - 1, (((shape >> 3) & 63) / 63) * 1.25, 3, 3);
  const red = channel(((head >> 12) & 63) / 31.5 - 1, (((shape >> 9) & 63) / 63) * 1.25, 3, 3);
  const alpha = isTransparent ? channel((byte(5) & 15) / 15, (byte(5) >> 4) / 15, 5, 5) : null;
  const pixels = new Uint8ClampedArray(4 * width * height);
  let place = 0;
  light.forEach((bright, at) => {
    const blue = bright - (2 / 3) * (yellow[at] ?? 0);
    const redness = (3 * bright - blue + (red[at] ?? 0)) / 2;
    const opacity = alpha?.[at] ?? 1;
    for (const value of [redness, redness - (red[at] ?? 0), blue, opacity]) pixels[place++] = 255 * value;
  });
  canvas.width = width;
  canvas.height = height;
  context?.putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas.toDataURL();
}
