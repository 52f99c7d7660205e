// node sharp_bytes.mjs MODULES: encodes with sharp what comes as JSON lines, and says how long it took.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const sharp = createRequire(`${process.argv[2]}/`)("sharp");
sharp.cache(false);
sharp.concurrency(1);
console.log(JSON.stringify(sharp.versions));

for await (const line of createInterface({ input: process.stdin })) {
  const { format, options, pixels, width, height, channels, target } = JSON.parse(line);
  const image = sharp(readFileSync(pixels), { raw: { width, height, channels } });
  const began = process.cpuUsage();
  const content = await image.toFormat(format, options).toBuffer();
  const { user, system } = process.cpuUsage(began);
  writeFileSync(target, content);
  console.log(JSON.stringify({ cpu_ms: (user + system) / 1000 }));
}
