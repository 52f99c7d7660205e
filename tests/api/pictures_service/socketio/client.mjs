// A client as the original's are written: socket.io-client and axios. Commands come as JSON lines,
// and what happens is printed as JSON lines.
import dns from "node:dns";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.argv[2]}/`);
const { io } = require("socket.io-client");
const axios = require("axios");
const sockets = {};
// A host name that is this machine's, as /etc/hosts would say it.
const lookup = dns.lookup;
dns.lookup = (name, ...rest) => lookup(name === process.argv[3] ? "127.0.0.1" : name, ...rest);
const say = (name, what, value = null) => console.log(JSON.stringify([name, what, value]));

const commands = {
  open({ name, url, options }) {
    const socket = io(url, { forceNew: true, ...options });
    sockets[name] = socket;
    socket.io.engine.on("upgrade", (transport) => say(`${name}/upgrade`, "upgrade", transport.name));
    socket.on("connect", () => say(name, "connect", socket.io.engine.transport.name));
    socket.on("disconnect", (reason) => {
      if (reason !== "io client disconnect") say(name, "disconnect", reason);
    });
    socket.on("connect_error", (error) => say(name, "connect_error", error.message));
    socket.onAny((event, value) => say(name, event, value));
  },
  emit({ name, event, value }) {
    sockets[name].emit(event, value);
  },
  close({ name }) {
    sockets[name].close();
  },
  async write({ name, method, url, token, picture, headers, fields }) {
    const given = { ...fields, ...(sockets[name] ? { socketId: sockets[name].id } : {}) };
    let data = given;
    if (picture) {
      data = new FormData();
      data.append("file", new Blob([Buffer.from(picture, "base64")]), "hill.png");
      for (const [key, value] of Object.entries(given)) data.append(key, value);
    }
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await axios({ method, url, data, headers, validateStatus: () => true });
    say(name, "answer", { status: answer.status, body: answer.data });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  await commands[command](given);
}
process.exit(0);
