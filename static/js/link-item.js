/** One link in a list: its address, its QR code, its state and its end. */

import { api } from "./api.js";
import { announce, clone, copyText, find, handleActions } from "./dom.js";
import { formatTime, translate } from "./i18n.js";
import { attempt } from "./session.js";

/** @type {CreateLinkItem} */
export function createLinkItem(link, onRevoked) {
  const item = clone("link-item");
  const url = find("input", item);
  item.dataset.id = String(link.id);
  const title = link.note || formatTime(link.created_at);
  find(".title", item).textContent = title;
  find(".state", item).textContent = stateOf(link);
  find(".live", item).hidden = !link.is_live;
  url.value = link.url;
  url.ariaLabel = translate("linkOf", { title });
  find("[data-action=revoke]", item).ariaLabel = translate("revokeLink", { title });
  setQrCode(item, link);
  handleActions(item, {
    copy: (button) => copyAndSay(url, button),
    revoke: () =>
      attempt(find(".problem", item), async () => {
        await api.revokeLink(link.id);
        announce(translate("revoked"));
        onRevoked(link.id);
      }),
  });
  return item;
}

/** @type {CopyAndSay} */
export async function copyAndSay(field, button) {
  if (!(await copyText(field))) return;
  find("span", button).textContent = translate("copied");
  announce(translate("copied"));
}

/** @type {SetQrCode} */
export function setQrCode(root, { id, url }) {
  const image = find("img.qr", root);
  image.src = api.qrCodeUrl(id);
  image.alt = translate("qrCodeOf", { url });
}

/** @param {PictureLink} link */
function stateOf({ revoked_at, expires_at, max_opens, opens, has_password, is_live }) {
  const live = is_live ? translate("validUntil", { time: formatTime(expires_at) }) : translate("isOver");
  return [
    revoked_at ? translate("wasRevoked") : live,
    max_opens === null
      ? translate("opened", { opens })
      : translate("openedOf", { opens, most: max_opens }),
    has_password ? translate("hasPassword") : "",
  ].filter(Boolean).join(" · ");
}
