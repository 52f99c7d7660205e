// node sharp.mjs MODULES FOLDER FORMAT...: sharp's way, answering as worker.py does.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , modules, folder, ...formats] = process.argv;
// As ours are encoded.
const OPTIONS = {
  jpeg: { quality: 80 },
  webp: { quality: 80 },
  avif: { quality: 64, effort: 1, chromaSubsampling: "4:2:0", tune: "ssim" },
};
const sharp = createRequire(`${modules}/`)("sharp");
sharp.cache(false);
sharp.concurrency(1);

/** One decode, the smaller from the larger. */
async function render(source) {
  const { data, info } = await sharp(source)
    .autoOrient()
    .resize({ height: 400, withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { raw: { width: info.width, height: info.height, channels: info.channels } };
  for (const format of formats) {
    const options = OPTIONS[format];
    await sharp(data, raw).toFormat(format, options).toFile(`${folder}/400.${format}`);
    const small = sharp(data, raw).resize({ height: 200 });
    await small.toFormat(format, options).toFile(`${folder}/200.${format}`);
  }
}

const kib = (field) =>
  Number(readFileSync("/proc/self/status", "utf8").match(`${field}:\\s+(\\d+)`)[1]);

for await (const source of createInterface({ input: process.stdin })) {
  writeFileSync("/proc/self/clear_refs", "5");
  const before = kib("VmRSS");
  const began = process.cpuUsage();
  await render(source.trim());
  const { user, system } = process.cpuUsage(began);
  console.log(JSON.stringify({ cpu_ms: (user + system) / 1000, peak_kib: kib("VmHWM") - before }));
}
