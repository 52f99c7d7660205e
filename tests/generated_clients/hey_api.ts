// The main job by the client that @hey-api/openapi-ts generates.
import { openAsBlob } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { client } from "./sdk/client.gen.js";
import {
  authSignUp,
  imagesDelete,
  imagesList,
  imagesMakeLink,
  imagesRetrieve,
  imagesUpload,
  linksOpen,
  thumbnailsList,
} from "./sdk/index.js";

client.setConfig({ baseUrl: process.env.TINTYPE_URL ?? "", throwOnError: true });
const login = `hey.api.${process.pid}`;
const password = "correct horse battery";
const signedUp = await authSignUp({
  body: { name: "A client", login, password },
  throwOnError: true,
});
// The three credentials are alternatives: one is enough.
client.setConfig({
  auth: ({ scheme }) => (scheme === "bearer" ? signedUp.data.token : undefined),
});

const image = await openAsBlob(process.argv[2] ?? "");
const { data: picture } = await imagesUpload({ body: { image }, throwOnError: true });

let address: string | undefined;
for (let tries = 0; !address && tries < 60; tries += 1) {
  await sleep(500);
  const { data } = await thumbnailsList({ query: { limit: 50 }, throwOnError: true });
  address = data.find((each) => each.image_id === picture.id)?.thumbnail;
}
const thumbnail = await fetch(address ?? "");

const { data: listed } = await imagesList({ throwOnError: true });
const path = { id: picture.id };
const { data: link } = await imagesMakeLink({ path, query: { time: 300 }, throwOnError: true });
const token = new URL(link.url).pathname.split("/").at(-1) ?? "";
const opened = await linksOpen({ path: { token }, parseAs: "blob", throwOnError: true });
const removed = await imagesDelete({ path, throwOnError: true });
const gone = await imagesRetrieve({ path, throwOnError: false });
console.log(
  JSON.stringify({
    thumbnail: thumbnail.headers.get("Content-Type"),
    listed: listed.map((each) => BigInt(each.id ?? 0) === BigInt(picture.id)),
    link: opened.response.headers.get("Content-Type"),
    removed: removed.response.status,
    gone: gone.error?.detail,
  }),
);
