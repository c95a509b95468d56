// Audio and video elements that renew their presigned URL when it has expired, and go on where they were.

import { announce, h } from "./dom.js";

/**
 * @typedef {object} Links
 * @property {(key: string) => string | undefined} url the newest URL of a file
 * @property {() => Promise<unknown>} renew reads the job again, for new URLs
 */

/**
 * @param {any} asset
 * @param {string} label
 * @param {Links} links
 * @param {{preload?: string}} [options]
 * @returns {HTMLMediaElement}
 */
export function player(asset, label, links, { preload = "metadata" } = {}) {
  const tag = asset.content_type.startsWith("video/") ? "video" : "audio";
  const media = /** @type {HTMLMediaElement} */ (h(tag, { controls: "", preload, "aria-label": label }));
  media.src = links.url(asset.key) ?? "";
  media.addEventListener("play", () => pauseOthers(media));
  renewOnError(media, asset.key, label, links);
  return media;
}

/** @param {HTMLMediaElement} media */
function pauseOthers(media) {
  for (const other of document.querySelectorAll("audio, video")) {
    if (other !== media) /** @type {HTMLMediaElement} */ (other).pause();
  }
}

/**
 * An error is answered with one new URL. A second error without any success in between is the file's or the network's.
 *
 * @param {HTMLMediaElement} media
 * @param {string} key
 * @param {string} label
 * @param {Links} links
 */
function renewOnError(media, key, label, links) {
  let renewed = false;
  let position = 0;
  media.addEventListener("canplay", () => {
    renewed = false;
    media.parentElement?.querySelector(".unplayable")?.remove();
  });
  media.addEventListener("timeupdate", () => (position = media.currentTime || position));
  media.addEventListener("error", async () => {
    if (renewed) return explain(media, label);
    renewed = true;
    await goOn(media, key, { position, playing: !media.paused }, links);
  });
}

/**
 * @param {HTMLMediaElement} media
 * @param {string} key
 * @param {{position: number, playing: boolean}} state
 * @param {Links} links
 */
async function goOn(media, key, { position, playing }, links) {
  try {
    await links.renew();
  } catch {
    return announce("The link to the file has expired, and a new one could not be loaded");
  }
  media.addEventListener("loadedmetadata", () => (media.currentTime = position), { once: true });
  media.src = links.url(key) ?? "";
  if (playing) start(media);
}

/**
 * @param {HTMLMediaElement} media
 * @param {string} label
 */
function explain(media, label) {
  if (!media.paused) announce(`${label} cannot be played`);
  const isNew = !media.nextElementSibling?.classList.contains("unplayable");
  if (isNew) media.after(h("p", { class: "unplayable muted" }, "This browser cannot play the file now. Download it instead."));
}

/** @param {HTMLMediaElement} media */
export function start(media) {
  media.play().catch(() => announce("Press play to hear the song"));
}

/**
 * Calls ``draw`` for each frame while the media plays, and after each jump.
 *
 * @param {HTMLMediaElement} media
 * @param {() => void} draw
 */
export function eachFrame(media, draw) {
  let running = false;
  const step = () => {
    draw();
    running = !media.paused && !media.ended && media.isConnected;
    if (running) requestAnimationFrame(step);
  };
  const begin = () => {
    if (!running) step();
  };
  for (const event of ["play", "playing", "seeked", "timeupdate", "pause", "ended", "loadedmetadata"]) {
    media.addEventListener(event, begin);
  }
}
