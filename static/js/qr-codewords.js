/** The codewords of QR codes (ISO/IEC 18004) of bytes: byte mode, error correction level M. */

// Of level M, by version: error correction codewords of a block, and blocks.
const CORRECTION = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const MAX_VERSION = 20;

// Powers of 2 in GF(256) with x⁸ + x⁴ + x³ + x² + 1, and their logarithms.
const POWERS = new Uint8Array(512);
const LOGARITHMS = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  POWERS[power] = POWERS[power + 255] = value;
  LOGARITHMS[value] = power;
  value = (value << 1) ^ (value > 127 ? 0x11d : 0);
}
/** @param {ArrayLike<number>} list @param {number} index */
export const at = (list, index) => list[index] ?? 0;
/** @param {number} one @param {number} other */
const multiply = (one, other) =>
  one && other ? at(POWERS, at(LOGARITHMS, one) + at(LOGARITHMS, other)) : 0;

/** Return the Reed-Solomon codewords of a block of data. @param {number[]} data @param {number} count */
export function correctionOf(data, count) {
  let generator = [1];
  for (let power = 0; power < count; power += 1) {
    const shifted = [...generator, 0];
    generator.forEach((value, index) => (shifted[index + 1] = at(shifted, index + 1) ^ multiply(value, at(POWERS, power))));
    generator = shifted;
  }
  const rest = [...data, ...Array(count).fill(0)];
  for (let index = 0; index < data.length; index += 1) {
    const factor = at(rest, index);
    generator.forEach((value, term) => (rest[index + term] = at(rest, index + term) ^ multiply(value, factor)));
  }
  return rest.slice(data.length);
}

/** How many modules hold codewords. @param {number} version */
function rawModules(version) {
  let count = (16 * version + 128) * version + 64;
  if (version > 1) {
    const patterns = Math.floor(version / 7) + 2;
    count -= (25 * patterns - 10) * patterns - 55;
  }
  return version > 6 ? count - 36 : count;
}

/** @param {number} version */
const dataCodewords = (version) =>
  (rawModules(version) >> 3) - at(CORRECTION, version) * at(BLOCKS, version);

/** @param {Uint8Array} bytes @param {number} version */
function encodeData(bytes, version) {
  const capacity = dataCodewords(version) * 8;
  let bits = "0100" + bytes.length.toString(2).padStart(version < 10 ? 8 : 16, "0");
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  bits += "0".repeat(Math.min(4, capacity - bits.length));
  bits += "0".repeat(-bits.length & 7);
  const data = (bits.match(/.{8}/g) ?? []).map((each) => parseInt(each, 2));
  for (let pad = 0xec; data.length < capacity / 8; pad ^= 0xec ^ 0x11) data.push(pad);
  return data;
}

/** Cut data into blocks, and interleave these and their error correction. @param {number[]} data @param {number} version */
function interleave(data, version) {
  const count = at(BLOCKS, version);
  const short = Math.floor(data.length / count);
  const longBlocks = data.length % count;
  const blocks = [];
  for (let start = 0, index = 0; index < count; index += 1) {
    const end = start + short + (index >= count - longBlocks ? 1 : 0);
    blocks.push(data.slice(start, end));
    start = end;
  }
  const corrections = blocks.map((block) => correctionOf(block, at(CORRECTION, version)));
  return [blocks, corrections].flatMap((group) => {
    const longest = Math.max(...group.map(({ length }) => length));
    return Array.from({ length: longest }, (_, index) =>
      group.filter(({ length }) => index < length).map((block) => at(block, index))).flat();
  });
}

/** Return the version (1 to 20) that holds some bytes, and its codewords in the order in which they are drawn. @param {Uint8Array} bytes */
export function encodeBytes(bytes) {
  let version = 1;
  while (dataCodewords(version) * 8 < bytes.length * 8 + (version < 10 ? 12 : 20)) {
    version += 1;
    if (version > MAX_VERSION) throw new RangeError("too long for a QR code");
  }
  return { version, codewords: interleave(encodeData(bytes, version), version) };
}
