/** Who is signed in to the account, and its tokens. */

import { createToken, endOtherSessions, endSession, fetchSessions } from "./api.js";
import { announce, byId, clone, copyText, find, field, formById, part } from "./dom.js";
import { formatNumber, formatTime, translate } from "./i18n.js";
import { sayCopied } from "./link-item.js";
import { attempt } from "./session.js";

const sessions = byId("sessions");
const tokens = byId("tokens");
const problem = part(byId("sessions-section"), ".problem");
const endOthers = find(document, "#end-others", HTMLButtonElement);
const form = formById("make-token");
const made = byId("made-token");
const madeField = find(made, "input", HTMLInputElement);

export const show = () => void attempt(problem, load);

async function load() {
  /** @type {Session[]} */
  const all = [];
  let next = null;
  do {
    const page = await fetchSessions(next);
    all.push(...page.body);
    next = page.next;
  } while (next);
  sessions.replaceChildren(...all.filter(({ name }) => !name).map(createItem));
  tokens.replaceChildren(...all.filter(({ name }) => name).map(createItem));
  byId("no-tokens").hidden = tokens.childElementCount > 0;
  endOthers.hidden = all.length < 2;
}

/** @param {Session} session */
function createItem(session) {
  const item = clone("session-item");
  const { id, name, agent, address, is_current: isCurrent } = session;
  const title = name || describeAgent(agent) || session.scheme;
  part(item, "h3").textContent = title;
  part(item, "h3").title = agent;
  const time = formatTime(new Date(session.last_used_at));
  const parts = [address, translate("lastUsed", { time })];
  if (name) parts.push(session.scopes.join(", "));
  part(item, "p").textContent = parts.filter(Boolean).join(" · ");
  part(item, ".current").hidden = !isCurrent;
  const button = part(item, "button");
  button.hidden = isCurrent;
  button.textContent = translate(name ? "revoke" : "endSession");
  button.setAttribute("aria-label", `${button.textContent}: ${title}`);
  const end = async () => {
    await endSession(id);
    announce(translate(name ? "revoked" : "sessionEndedOne"));
    await load();
    byId(name ? "tokens-heading" : "sessions-heading").focus();
  };
  button.addEventListener("click", () => void attempt(problem, end));
  return item;
}

/** Return the browser and system that a User-Agent names, else its first word. @param {string} agent */
function describeAgent(agent) {
  const browser = agent.match(/(Edg|OPR|Firefox|Chrome|Safari)[/ ](\d+)/);
  const system = agent.match(/Android|iPhone|iPad|Windows|Mac OS X|Linux/)?.[0];
  const name = browser?.[1] === "Edg" ? "Edge" : browser?.[1] === "OPR" ? "Opera" : browser?.[1];
  return name ? [`${name} ${browser?.[2]}`, system].filter(Boolean).join(", ") : agent.slice(0, 40);
}

/** @param {(form: HTMLFormElement, work: (form: HTMLFormElement) => Promise<string>) => void} handleForm */
export function start(handleForm) {
  handleForm(form, async () => {
    const data = new FormData(form);
    const days = Number(data.get("days"));
    const { token } = await createToken({
      name: data.get("name"), scopes: data.getAll("scopes"),
      ...(days && { expires_in: days * 86_400 }),
    });
    madeField.value = token;
    made.hidden = false;
    field(form, "name").value = "";
    await load();
    madeField.focus();
    madeField.select();
    return translate("tokenMade");
  });
  part(made, "[data-action=copy]").addEventListener("click", async (event) => {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    if (await copyText(madeField.value, madeField)) sayCopied(button);
  });
  const signOutElsewhere = async () => {
    const { ended } = await endOtherSessions();
    announce(translate("sessionsEnded", { count: formatNumber(ended) }));
    await load();
    byId("sessions-heading").focus();
  };
  endOthers.addEventListener("click", () => void attempt(problem, signOutElsewhere));
}
