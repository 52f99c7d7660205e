/** The picture in the viewer: its thumbnail at once, then what fits the screen, all of it when zoomed. */

import { showText } from "./dom.js";
import { translate, translateApiMessage } from "./i18n.js";
import { createZoom } from "./zoom.js";

/** @param {HTMLElement} stage @param {HTMLElement} problem @param {(step: number) => void} onSwipe */
export function createStageImage(stage, problem, onSwipe) {
  let image = makeImage("");
  stage.querySelector("img")?.replaceWith(image);
  let alt = "";
  /** @type {Details | null} */
  let shown = null;
  const zoom = createZoom(stage, { image: () => image, onSwipe, onZoom: () => void showOriginal() });

  /** @param {HTMLImageElement} made */
  function replaceImage(made) {
    image.replaceWith(made);
    image = made;
    zoom.apply();
  }

  /** @param {Details} picture @returns {string | undefined} */
  function bestUrl({ image: url, thumbnails, width, height }) {
    const across = Math.min(height, stage.clientHeight, (stage.clientWidth * height) / width);
    const enough = thumbnails.find((each) => each.height >= across * devicePixelRatio);
    return enough?.url ?? (url.startsWith("http") ? url : thumbnails.at(-1)?.url);
  }

  /** Show every pixel to whoever zooms in. */
  async function showOriginal() {
    const picture = shown;
    if (!picture?.image.startsWith("http") || image.src === picture.image) return;
    const loaded = await loadImage(picture.image, alt);
    if (loaded && shown === picture) replaceImage(loaded);
  }

  return {
    zoom,
    /** @param {string} text */
    describe(text) {
      image.alt = alt = text;
    },

    /** @param {string} text @param {string} [url] */
    showPreview(text, url) {
      shown = null;
      alt = text;
      zoom.reset();
      replaceImage(makeImage(alt, url, "preview"));
    },

    /** Show the picture as soon as it is loaded; until then its preview stands there. @param {Details} picture */
    async show(picture) {
      shown = picture;
      const { thumbnails, state, failure } = picture;
      const url = bestUrl(picture);
      // Browsers show neither HEIC nor TIFF: the thumbnail stands in for such an original.
      const loaded = (await loadImage(url, alt)) ?? (await loadImage(thumbnails.at(-1)?.url, alt));
      if (shown !== picture) return;
      replaceImage(loaded ?? makeImage(alt));
      if (loaded) return;
      const isFailed = state === "failed";
      const reason = isFailed ? translateApiMessage(failure ?? "") : translate("noPreview");
      const advice = isFailed ? translate("failedAdvice") : "";
      showText(problem, `${url && !isFailed ? translate("notShown") : reason} ${advice}`);
    },
  };
}

/** Make a new element: an old one would show its former picture until the new one is loaded. */
function makeImage(/** @type {string} */ alt, /** @type {string | undefined} */ url = undefined, className = "") {
  const made = document.createElement("img");
  made.alt = alt;
  made.className = className;
  made.draggable = false;
  if (url) made.src = url;
  return made;
}

/** Return the image once it can be shown, undefined where it cannot. @param {string | undefined} url @param {string} alt */
async function loadImage(url, alt) {
  if (!url) return undefined;
  const made = makeImage(alt, url);
  return made.decode().then(() => made, () => undefined);
}
