/** The page's words in the reader's language, as the template delivers them. */

const words = document.getElementById("words").dataset;

/** Return a word with its {placeholders} filled. */
export function word(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** Say why a call was refused: the server's own reason where it gives one. */
export function reason(refused) {
  if (refused.status === 413) return word("tooLarge");
  if (refused.status === 429) return word("wait", { seconds: refused.retryAfter ?? 60 });
  const body = refused.body ?? {};
  return body.image?.[0] ?? body.detail ?? word("failed");
}

/** Show a text in an element that is hidden while it has none. */
export function tell(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}
