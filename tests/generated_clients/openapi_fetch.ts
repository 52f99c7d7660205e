// The main job by openapi-fetch, with the types that openapi-typescript generates.
import { openAsBlob } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const client = createClient<paths>({ baseUrl: process.env.TINTYPE_URL ?? "" });

function must<T>(result: { data?: T; error?: unknown; response: Response }): T {
  if (result.data === undefined) {
    throw new Error(`${result.response.status} ${JSON.stringify(result.error)}`);
  }
  return result.data;
}

const login = `openapi.fetch.${process.pid}`;
const password = "correct horse battery";
must(await client.POST("/auth/signup", { body: { name: "A client", login, password } }));
const { token } = must(
  await client.POST("/api/user/token/", { body: { username: login, password } }),
);
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Token ${token}`);
    return request;
  },
});

// A file is a string to openapi-typescript, hence the form beside the body.
const form = new FormData();
form.append("image", await openAsBlob(process.argv[2] ?? ""), "photo.jpg");
const picture = must(
  await client.POST("/api/user/images/", { body: { image: "" }, bodySerializer: () => form }),
);

let address: string | undefined;
for (let tries = 0; !address && tries < 60; tries += 1) {
  await sleep(500);
  const thumbnails = must(await client.GET("/api/user/thumbnails/", { params: { query: { limit: 50 } } }));
  address = thumbnails.find((each) => each.image_id === picture.id)?.thumbnail;
}
const thumbnail = await fetch(address ?? "");

const listed = must(await client.GET("/api/user/images/"));
const path = { id: picture.id };
const link = must(
  await client.GET("/api/user/link/{id}/", { params: { path, query: { time: 300 } } }),
);
const linkToken = { token: new URL(link.url).pathname.split("/").at(-1) ?? "" };
const opened = await client.GET("/l/{token}", { params: { path: linkToken }, parseAs: "blob" });
const removed = await client.DELETE("/api/user/images/{id}/", { params: { path } });
const gone = await client.GET("/api/user/images/{id}/", { params: { path } });
console.log(
  JSON.stringify({
    thumbnail: thumbnail.headers.get("Content-Type"),
    listed: listed.map((each) => each.id === picture.id),
    link: opened.response.headers.get("Content-Type"),
    removed: removed.response.status,
    gone: gone.error?.detail,
  }),
);
