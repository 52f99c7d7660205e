// Draws QR codes by the gallery's own script, and reads them by another's.
// Arguments: the folder of the scripts, node_modules, texts.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [scripts, packages, ...texts] = process.argv.slice(2);
const { makeQrCode } = await import(pathToFileURL(`${scripts}/qr.js`));
const { correctionOf } = await import(pathToFileURL(`${scripts}/qr-codewords.js`));
const jsQr = createRequire(`${packages}/`)("jsqr");

const SCALE = 4;
const MARGIN = 4;

function read(code) {
  const side = (code.length + 2 * MARGIN) * SCALE;
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const isDark = code[Math.floor(y / SCALE) - MARGIN]?.[Math.floor(x / SCALE) - MARGIN];
      if (isDark) pixels.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
  return jsQr(pixels, side, side)?.data ?? null;
}

// ISO/IEC 18004, Annex I: the data codewords of "01234567" in version 1-M.
const data = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80];
while (data.length < 16) data.push(data.length % 2 ? 0x11 : 0xec);
const codes = texts.map((text) => makeQrCode(text));
const result = {
  correction: correctionOf(data, 10),
  sizes: codes.map((code) => code.length),
  read: codes.map(read),
};
console.log(JSON.stringify(result));
