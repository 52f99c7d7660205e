/** One's account: plan and space, name, mail, password, archive and the end. */

import * as credentials from "./account-sessions.js";
import { api } from "./api.js";
import { field, find, showItems, showText } from "./dom.js";
import { formatBytes, formatDuration, formatNumber, formatTime, translate } from "./i18n.js";
import { bindDialog, navigate } from "./router.js";
import { attempt, getAccount, handleSubmit, setAccount } from "./session.js";

const page = find("#account-page");
const problem = find(".plan .problem", page);
const profile = find("form#profile");
const password = find("form#change-password");
const deletion = find("form#delete-account");
const showDeletion = bindDialog(
  find("dialog#delete-account-dialog"), ({ dialog }) => dialog === "delete-account", () => "/account",
);

/** @type {ShowRoute} */
export function show(route, isNew) {
  if (isNew) find("#account-heading").focus({ preventScroll: true });
  if (isNew || !problem.hidden) {
    void attempt(problem, () => load().then(getAccount).then(showProfile));
    credentials.show();
  }
  if (showDeletion(route)) deletion.reset();
}

async function load() {
  const [account, usage] = await Promise.all([api.fetchAccount(), api.fetchUsage()]);
  setAccount(account);
  showPlan(account, usage);
}

/** @param {Account} account @param {Usage} usage */
function showPlan({ username, tier, is_staff, planned_changes: changes = [] }, { pictures, ...usage }) {
  const { max_pictures: most, max_stored_bytes: space } = tier;
  const stored = formatBytes(usage.stored_bytes);
  /** @type {Record<string, string>} */
  const texts = {
    "account-heading": username,
    "plan-name": tier.name,
    "plan-pictures": most === null
      ? translate("pictureCount", { count: pictures })
      : translate("pictureCountOf", { count: pictures, most }),
    "space-text": space === null
      ? translate("spaceUsed", { used: stored })
      : translate("spaceUsedOf", { used: stored, most: formatBytes(space) }),
    "space-parts": translate("spaceParts", {
      originals: formatBytes(usage.originals_bytes),
      thumbnails: formatBytes(usage.thumbnails_bytes),
      other: formatBytes(usage.other_bytes),
    }),
  };
  for (const id in texts) find(`#${id}`).textContent = texts[id] ?? "";
  const grants = describeTier(tier);
  showItems(find("#plan-grants"), grants.slice(0, 4));
  showItems(find("#planned-changes"), changes.map(({ at, tier: next }) => [
    at ? formatTime(at) : translate("planSoon"), next.name,
    ...describeTier(next).filter((text) => !grants.includes(text)),
  ].join(" · ")));
  const meter = find("meter", page);
  meter.hidden = space === null;
  meter.max = space ?? 1;
  meter.high = 0.9 * meter.max;
  meter.value = usage.stored_bytes;
  find("#delete-account-link").hidden = is_staff;
  find("#staff-note").hidden = !is_staff;
}

/** @param {Tier} tier */
const describeTier = (tier) => [
  translate("planHeights", { heights: tier.heights.map(formatNumber).join(", ") }),
  translate(tier.grants_original ? "planOriginals" : "planNoOriginals"),
  tier.grants_links
    ? translate("linkBounds", {
        least: formatDuration(tier.link_min_seconds), most: formatDuration(tier.link_max_seconds),
      })
    : translate("planNoLinks"),
  translate("planUpload", { size: formatBytes(tier.max_upload_bytes) }),
  translate("planPictures", { most: tier.max_pictures ?? Infinity }),
  translate("planSpace", { most: formatBytes(tier.max_stored_bytes ?? Infinity) }),
];

/** @param {Account} account */
function showProfile({ name, email, username }) {
  field(profile, "name").value = name;
  field(profile, "email").value = field(profile, "email").defaultValue = email;
  field(profile, "confirmation").value = "";
  for (const form of [profile, password, deletion]) field(form, "login").value = username;
  showPasswordField();
}

/** Another address asks for the password. */
function showPasswordField() {
  const { value, defaultValue } = field(profile, "email");
  const isSame = value === defaultValue;
  find("#profile-password-row").hidden = field(profile, "confirmation").disabled = isSame;
}

/** `work` returns what to say when it is done. @type {HandleForm} */
function handleForm(form, work) {
  const status = find("[role=status]", form);
  handleSubmit(form, async () => {
    showText(status, "");
    showText(status, await work((name) => field(form, name).value));
  });
}

handleForm(profile, async (valueOf) => {
  const account = await api.changeAccount({
    name: valueOf("name"), email: valueOf("email"), password: valueOf("confirmation") || undefined,
  });
  setAccount(account);
  showProfile(account);
  return translate("saved");
});
handleForm(password, async (valueOf) => {
  await api.changePassword(valueOf("current"), valueOf("new"));
  field(password, "current").value = field(password, "new").value = "";
  credentials.show();
  return translate("passwordChanged");
});
handleForm(deletion, async (valueOf) => {
  await api.deleteAccount(valueOf("confirmation"));
  sessionStorage.clear();
  location.replace("/");
  return translate("accountDeleted");
});
profile.addEventListener("input", showPasswordField);
find("[data-action=close]", deletion).addEventListener("click", () => navigate("/account", { replace: true }));
find("a#export").href = api.exportUrl;
addEventListener("planned_changes.updated", () => attempt(problem, load));
credentials.start(handleForm);
