/** One's account: plan and space, name, mail, password, sessions, tokens, archive and the end. */

import * as api from "./api.js";
import * as credentials from "./account-sessions.js";
import { bindDialog } from "./dialogs.js";
import { byId, dialogById, field, find, formById, part, showText } from "./dom.js";
import { formatBytes, formatDuration, formatNumber, translate } from "./i18n.js";
import { navigate } from "./router.js";
import { attempt, getAccount, setAccount } from "./session.js";

const page = byId("account-page");
const profile = formById("profile");
const password = formById("change-password");
const deletion = formById("delete-account");
const showDeletion = bindDialog(
  dialogById("delete-account-dialog"), ({ dialog }) => dialog === "delete-account", () => "/account",
);
let isShown = false;

/** @param {Route} route */
export function show(route) {
  if (page.hidden) isShown = false;
  if (!isShown) {
    byId("account-heading").focus({ preventScroll: true });
    void attempt(part(page, ".plan .problem"), load);
    credentials.show();
  }
  isShown = true;
  if (showDeletion(route)) deletion.reset();
}

async function load() {
  const [account, usage] = await Promise.all([getAccount(), api.fetchUsage()]);
  showPlan(account, usage);
  showProfile(account);
}

/** @param {Account} account @param {Usage} usage */
function showPlan({ username, tier, is_staff }, usage) {
  byId("account-heading").textContent = username;
  byId("plan-name").textContent = tier.name;
  const grants = [
    translate("planHeights", { heights: tier.heights.map(formatNumber).join(", ") }),
    translate(tier.grants_original ? "planOriginals" : "planNoOriginals"),
    tier.grants_links
      ? translate("linkBounds", {
          least: formatDuration(tier.link_min_seconds), most: formatDuration(tier.link_max_seconds),
        })
      : translate("planNoLinks"),
    translate("planUpload", { size: formatBytes(tier.max_upload_bytes) }),
  ];
  byId("plan-grants").replaceChildren(...grants.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  showSpace(tier.max_stored_bytes, usage);
  byId("plan-pictures").textContent = tier.max_pictures === null
    ? translate("pictureCount", { count: formatNumber(usage.pictures) })
    : translate("pictureCountOf", {
        count: formatNumber(usage.pictures), most: formatNumber(tier.max_pictures),
      });
  byId("delete-account-link").hidden = is_staff;
  byId("staff-note").hidden = !is_staff;
}

/** @param {number | null} most @param {Usage} usage */
function showSpace(most, { stored_bytes: stored, originals_bytes, thumbnails_bytes, other_bytes }) {
  const meter = find(page, "#space", HTMLMeterElement);
  meter.hidden = most === null;
  meter.max = most ?? 1;
  meter.high = 0.9 * meter.max;
  meter.value = stored;
  byId("space-text").textContent = most === null
    ? translate("spaceUsed", { used: formatBytes(stored) })
    : translate("spaceUsedOf", { used: formatBytes(stored), most: formatBytes(most) });
  byId("space-parts").textContent = translate("spaceParts", {
    originals: formatBytes(originals_bytes), thumbnails: formatBytes(thumbnails_bytes),
    other: formatBytes(other_bytes),
  });
}

/** @param {Account} account */
function showProfile({ name, email, username }) {
  field(profile, "name").value = name;
  field(profile, "email").value = field(profile, "email").defaultValue = email;
  for (const form of [profile, password, deletion]) field(form, "login").value = username;
  showPasswordField();
}

/** Another address asks for the password. */
function showPasswordField() {
  const email = field(profile, "email");
  const isOther = email.value !== email.defaultValue;
  byId("profile-password-row").hidden = !isOther;
  field(profile, "confirmation").disabled = !isOther;
}

/** @param {HTMLFormElement} form @param {(form: HTMLFormElement) => Promise<string>} work returns what to say when it is done */
export function handleForm(form, work) {
  const button = find(form, "button.primary", HTMLButtonElement);
  const problem = part(form, ".problem");
  const status = part(form, "[role=status]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    showText(status, "");
    await attempt(problem, async () => showText(status, await work(form)));
    button.disabled = false;
  });
}

handleForm(profile, async () => {
  const account = await api.changeAccount({
    name: field(profile, "name").value, email: field(profile, "email").value,
    ...(field(profile, "confirmation").disabled ? {} : { password: field(profile, "confirmation").value }),
  });
  setAccount(account);
  field(profile, "confirmation").value = "";
  showProfile(account);
  return translate("saved");
});
handleForm(password, async () => {
  await api.changePassword(field(password, "current").value, field(password, "new").value);
  field(password, "current").value = field(password, "new").value = "";
  credentials.show();
  return translate("passwordChanged");
});
handleForm(deletion, async () => {
  await api.deleteAccount(field(deletion, "confirmation").value);
  sessionStorage.clear();
  location.replace("/");
  return translate("accountDeleted");
});
profile.addEventListener("input", showPasswordField);
part(deletion, "[data-action=close]").addEventListener("click", () => navigate("/account", { replace: true }));
find(page, "#export", HTMLAnchorElement).href = api.EXPORT_URL;
credentials.start(handleForm);
