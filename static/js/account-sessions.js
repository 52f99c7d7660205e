/** Who is signed in to the account, and its tokens. */

import { api } from "./api.js";
import { announce, clone, field, find, handleActions } from "./dom.js";
import { formatTime, translate } from "./i18n.js";
import { copyAndSay } from "./link-item.js";
import { attempt } from "./session.js";

const sessions = find("#sessions");
const tokens = find("#tokens");
const problem = find("#sessions-section .problem");
const endOthers = find("#end-others");
const form = find("form#make-token");
const made = find("#made-token");
const madeField = find("input", made);

const log = find("#log");
const olderLog = find("#older-log");
/** @type {Next} */
let nextOfLog = null;

export function show() {
  void attempt(problem, load);
  nextOfLog = null;
  log.replaceChildren();
  void attempt(find("#log-section .problem"), loadLog);
}

async function loadLog() {
  const { body, next } = await api.fetchLog(nextOfLog);
  nextOfLog = next;
  olderLog.hidden = !next;
  log.append(...body.map(({ summary, at, by, address, agent }) => {
    const item = clone("log-item");
    find("h3", item).textContent = summary;
    const parts = [formatTime(at), by === "staff" && translate("byStaff"), address, describeAgent(agent)];
    find("p", item).textContent = parts.filter(Boolean).join(" · ");
    return item;
  }));
}

async function load() {
  /** @type {Session[]} */
  const all = [];
  /** @type {Next} */
  let next = null;
  do {
    const page = await api.fetchSessions(next);
    all.push(...page.body);
    next = page.next;
  } while (next);
  sessions.replaceChildren(...all.filter(({ name }) => !name).map(createItem));
  tokens.replaceChildren(...all.filter(({ name }) => name).map(createItem));
  find("#no-tokens").hidden = tokens.childElementCount > 0;
  endOthers.hidden = all.length < 2;
}

/** @param {Session} session */
function createItem({ id, name, agent, address, scheme, scopes, last_used_at, is_current }) {
  const item = clone("session-item");
  const title = name || describeAgent(agent) || scheme;
  const heading = find("h3", item);
  heading.textContent = title;
  heading.title = agent;
  const used = translate("lastUsed", { time: formatTime(last_used_at) });
  const parts = [address, used, name && scopes.join(", ")];
  find("p", item).textContent = parts.filter(Boolean).join(" · ");
  find(".current", item).hidden = !is_current;
  const button = find("button", item);
  button.hidden = is_current;
  button.textContent = translate(name ? "revoke" : "endSession");
  button.ariaLabel = `${button.textContent}: ${title}`;
  button.addEventListener("click", () => void attempt(problem, async () => {
    await api.endSession(id);
    announce(translate(name ? "revoked" : "sessionEndedOne"));
    await load();
    find(name ? "#tokens-heading" : "#sessions-heading").focus();
  }));
  return item;
}

/** @type {DescribeAgent} */
function describeAgent(agent) {
  const [, browser = "", version] = agent.match(/(Edg|OPR|Firefox|Chrome|Safari)[/ ](\d+)/) ?? [];
  const system = agent.match(/Android|iPhone|iPad|Windows|Mac OS X|Linux/)?.[0];
  const name = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser;
  return name ? [`${name} ${version}`, system].filter(Boolean).join(", ") : agent.slice(0, 40);
}

/** @param {HandleForm} handleForm */
export function start(handleForm) {
  handleForm(form, async (valueOf) => {
    const days = Number(valueOf("days"));
    const { token } = await api.createToken({
      name: valueOf("name"), scopes: new FormData(form).getAll("scopes"),
      expires_in: days ? days * 86_400 : undefined,
    });
    madeField.value = token;
    made.hidden = false;
    field(form, "name").value = "";
    await load();
    madeField.focus();
    madeField.select();
    return translate("tokenMade");
  });
  handleActions(made, { copy: (button) => copyAndSay(madeField, button) });
  handleActions(find("#log-section"), { older: () => attempt(find("#log-section .problem"), loadLog) });
  endOthers.addEventListener("click", () => void attempt(problem, async () => {
    const { ended } = await api.endOtherSessions();
    announce(translate("sessionsEnded", { count: ended }));
    await load();
    find("#sessions-heading").focus();
  }));
}
