/** One link in a list: its address to copy, its QR code, what became of it, and its end. */

import { qrCodeUrl, revokeLink } from "./api.js";
import { announce, clone, copyText, find, handleActions, part } from "./dom.js";
import { formatNumber, formatTime, translate } from "./i18n.js";
import { attempt } from "./session.js";

/** @param {PictureLink} link @param {(id: number) => void} onRevoked */
export function createLinkItem(link, onRevoked) {
  const item = clone("link-item");
  const url = find(item, "input", HTMLInputElement);
  const problem = part(item, ".problem");
  item.dataset.id = String(link.id);
  const title = link.note || formatTime(new Date(link.created_at));
  part(item, ".title").textContent = title;
  part(item, ".state").textContent = stateOf(link);
  part(item, ".live").hidden = !link.is_live;
  url.value = link.url;
  url.setAttribute("aria-label", translate("linkOf", { title }));
  part(item, "[data-action=revoke]").setAttribute("aria-label", translate("revokeLink", { title }));
  setQrCode(item, link);
  handleActions(item, async (action, button) => {
    if (action === "copy" && (await copyText(link.url, url))) sayCopied(button);
    if (action !== "revoke") return;
    await attempt(problem, async () => {
      await revokeLink(link.id);
      announce(translate("revoked"));
      onRevoked(link.id);
    });
  });
  return item;
}

/** @param {HTMLElement} button */
export function sayCopied(button) {
  part(button, "span").textContent = translate("copied");
  announce(translate("copied"));
}

/** Have the QR code there, which is lazily loaded: when somebody unfolds it. @param {HTMLElement} root @param {PictureLink} link */
export function setQrCode(root, { id, url }) {
  const image = find(root, ".qr", HTMLImageElement);
  image.src = qrCodeUrl(id);
  image.alt = translate("qrCodeOf", { url });
}

/** @param {PictureLink} link */
function stateOf(link) {
  const { revoked_at, expires_at, max_opens, opens, has_password, is_live } = link;
  const time = formatTime(new Date(expires_at));
  const opened = max_opens === null
    ? translate("opened", { opens: formatNumber(opens) })
    : translate("openedOf", { opens: formatNumber(opens), most: formatNumber(max_opens) });
  const parts = [opened];
  if (revoked_at) parts.unshift(translate("wasRevoked"));
  else if (is_live) parts.unshift(translate("validUntil", { time }));
  else parts.unshift(translate("isOver"));
  if (has_password) parts.push(translate("hasPassword"));
  return parts.join(" · ");
}
