/** The picture in the viewer: its thumbnail, then what fits the screen, all of it when zoomed. */

import { showText } from "./dom.js";
import { translate } from "./i18n.js";
import { failureOf } from "./picture-panel.js";
import { createZoom } from "./zoom.js";

/** @type {CreateStageImage} */
export function createStageImage(stage, problem, onSwipe) {
  let image = makeImage("");
  stage.querySelector("img")?.replaceWith(image);
  let alt = "";
  /** @type {Details | null} */
  let shown = null;
  const zoom = createZoom(stage, { image: () => image, onSwipe, onZoom: () => void showOriginal() });

  function replaceImage(made = makeImage(alt)) {
    image.replaceWith(made);
    image = made;
    zoom.apply();
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
    describe: (text) => (image.alt = alt = text),

    showPreview(text, url) {
      shown = null;
      alt = text;
      zoom.reset();
      replaceImage(makeImage(alt, url, "preview"));
    },

    async show(picture) {
      shown = picture;
      const { image: original, thumbnails, width, height, state, failure } = picture;
      const across = Math.min(height, stage.clientHeight, (stage.clientWidth * height) / width);
      const enough = thumbnails.find((each) => each.height >= across * devicePixelRatio);
      const largest = thumbnails.at(-1)?.url;
      const url = enough?.url ?? (original.startsWith("http") ? original : largest);
      // Of HEIC and TIFF, which browsers do not show, it is the thumbnail.
      const loaded = (await loadImage(url, alt)) ?? (await loadImage(largest, alt));
      if (shown !== picture) return;
      replaceImage(loaded);
      if (loaded) return;
      const isFailed = state === "failed";
      showText(problem, isFailed ? failureOf(failure) : translate(url ? "notShown" : "noPreview"));
    },
  };
}

/** @type {MakeImage} */
function makeImage(alt, src, className = "") {
  const made = document.createElement("img");
  return Object.assign(made, { alt, className, draggable: false }, src && { src });
}

/** @type {LoadFor} */
async function loadImage(url, alt) {
  const made = makeImage(alt, url);
  return url ? made.decode().then(() => made, () => undefined) : undefined;
}
