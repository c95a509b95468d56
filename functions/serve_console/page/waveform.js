// A waveform that the browser computes from the file. It is also the slider for the position in the song.

import { fetchUrl } from "./bucket.js";
import { h, replace } from "./dom.js";
import { duration } from "./format.js";
import { eachFrame, start } from "./player.js";

const PEAKS = 300;
const SAMPLE_RATE = 8000; // enough for a picture, and a fifth of the memory
const LARGEST_BYTES = 120_000_000;
/** @type {Promise<unknown>} */
let decoding = Promise.resolve();
const STEP_SECONDS = 5;
const PAGE_SECONDS = 30;

/**
 * The file is fetched when the waveform comes into view, or when the song is played. Without a picture it is a plain slider.
 *
 * @param {HTMLMediaElement} media
 * @param {any} asset
 * @param {string} label
 * @param {{links: import("./player.js").Links, signal: AbortSignal, seconds: number | null}} context
 * @returns {HTMLElement}
 */
export function waveform(media, asset, label, context) {
  const canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "waveform-canvas", "aria-hidden": "true" }));
  const note = h("p", { class: "waveform-note muted" });
  const slider = h("div", { class: "waveform", role: "slider", tabindex: "0", "aria-label": `Position in ${label}` }, canvas);
  const box = h("div", { class: "waveform-box" }, slider, note);
  /** @type {{peaks: Float32Array}} */
  const picture = { peaks: new Float32Array(0) };
  const length = () => (Number.isFinite(media.duration) ? media.duration : context.seconds || 0);
  const draw = () => {
    tellPosition(slider, media.currentTime, length());
    paint(canvas, picture.peaks, length() ? media.currentTime / length() : 0);
  };
  seekBy(slider, media, length);
  eachFrame(media, draw);
  repaint(canvas, draw, context.signal);
  const compute = once(async () => {
    const problem = await fill(picture, asset, context);
    slider.dataset.drawn = String(!problem);
    replace(note, problem);
    draw();
  });
  whenSeen(slider, compute, context.signal);
  media.addEventListener("play", compute);
  return box;
}

/**
 * @param {{peaks: Float32Array}} picture
 * @param {any} asset
 * @param {{links: import("./player.js").Links, signal: AbortSignal}} context
 * @returns {Promise<string>} why there is no picture; empty if there is one
 */
async function fill(picture, asset, { links, signal }) {
  if (asset.bytes > LARGEST_BYTES) return "No waveform: the file is very large.";
  let content;
  try {
    content = await fetchFile(asset.key, links, signal);
  } catch {
    return "No waveform: the file could not be loaded.";
  }
  try {
    picture.peaks = await decode(content, signal);
    return "";
  } catch {
    return "No waveform: this browser cannot decode the file.";
  }
}

/**
 * @param {string} key
 * @param {import("./player.js").Links} links
 * @param {AbortSignal} signal
 */
async function fetchFile(key, links, signal) {
  let answer = await fetchUrl(links.url(key) ?? "", signal);
  if (answer.status === 403) {
    await links.renew();
    answer = await fetchUrl(links.url(key) ?? "", signal);
  }
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.arrayBuffer();
}

/**
 * One file at a time: a song of eight minutes takes some 200 MB while it is decoded.
 *
 * @param {ArrayBuffer} content
 * @param {AbortSignal} signal
 */
function decode(content, signal) {
  const decoded = decoding.then(async () => {
    signal.throwIfAborted();
    return peaks(await new OfflineAudioContext(1, 1, SAMPLE_RATE).decodeAudioData(content));
  });
  decoding = decoded.catch(() => {});
  return decoded;
}

/**
 * @param {AudioBuffer} sound
 * @returns {Float32Array} the loudest sample of each part, of all channels, relative to the loudest one
 */
export function peaks(sound) {
  const found = new Float32Array(PEAKS);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    const samples = sound.getChannelData(channel);
    for (let index = 0; index < samples.length; index += 1) {
      const part = Math.floor((index * PEAKS) / samples.length);
      const loudness = Math.abs(samples[index]);
      if (loudness > found[part]) found[part] = loudness;
    }
  }
  const loudest = Math.max(...found) || 1;
  return found.map((loudness) => loudness / loudest);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} heights from 0 to 1
 * @param {number} played from 0 to 1
 */
function paint(canvas, heights, played) {
  const scale = window.devicePixelRatio || 1;
  const width = (canvas.width = Math.round(canvas.clientWidth * scale));
  const height = (canvas.height = Math.round(canvas.clientHeight * scale));
  const pen = canvas.getContext("2d");
  if (!pen || !width) return;
  const style = getComputedStyle(canvas);
  const [rest, done] = [style.color, style.outlineColor];
  const bars = heights.length ? Math.min(heights.length, Math.floor(width / (3 * scale))) : 0;
  for (let bar = 0; bar < bars; bar += 1) {
    const size = Math.max(scale, loudest(heights, bar, bars) * height * 0.9);
    pen.fillStyle = bar / bars < played ? done : rest;
    pen.fillRect((bar * width) / bars, (height - size) / 2, Math.max(1, width / bars - scale), size);
  }
  pen.fillStyle = done;
  if (!bars) pen.fillRect(0, height / 2 - scale, width * played, 2 * scale);
  pen.fillRect(Math.min(width - 2 * scale, width * played), 0, 2 * scale, height);
}

/**
 * @param {Float32Array} heights
 * @param {number} bar
 * @param {number} bars
 */
function loudest(heights, bar, bars) {
  const [from, to] = [bar, bar + 1].map((each) => Math.floor((each * heights.length) / bars));
  return Math.max(...heights.subarray(from, Math.max(to, from + 1)));
}

/**
 * @param {HTMLElement} slider
 * @param {number} now
 * @param {number} length
 */
function tellPosition(slider, now, length) {
  const second = Math.floor(now);
  if (slider.getAttribute("aria-valuenow") === String(second) && slider.getAttribute("aria-valuemax") === String(Math.round(length))) return;
  slider.setAttribute("aria-valuemin", "0");
  slider.setAttribute("aria-valuemax", String(Math.round(length)));
  slider.setAttribute("aria-valuenow", String(second));
  slider.setAttribute("aria-valuetext", `${duration(now)} of ${duration(length)}`);
}

/**
 * @param {HTMLElement} slider
 * @param {HTMLMediaElement} media
 * @param {() => number} length
 */
function seekBy(slider, media, length) {
  const seek = (/** @type {number} */ position) => (media.currentTime = Math.min(Math.max(0, position), length()));
  slider.addEventListener("click", (event) => {
    const box = slider.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * length());
  });
  slider.addEventListener("keydown", (event) => {
    const target = targetOf(event.key, media.currentTime, length());
    if (event.key === " ") media.paused ? start(media) : media.pause();
    else if (target !== null) seek(target);
    else return;
    event.preventDefault();
  });
}

/**
 * @param {string} key
 * @param {number} now
 * @param {number} length
 * @returns {number | null}
 */
function targetOf(key, now, length) {
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return now - STEP_SECONDS;
    case "ArrowRight":
    case "ArrowUp":
      return now + STEP_SECONDS;
    case "PageDown":
      return now - PAGE_SECONDS;
    case "PageUp":
      return now + PAGE_SECONDS;
    case "Home":
      return 0;
    case "End":
      return length;
    default:
      return null;
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {() => void} draw
 * @param {AbortSignal} signal
 */
function repaint(canvas, draw, signal) {
  const sizes = new ResizeObserver(draw);
  sizes.observe(canvas);
  signal.addEventListener("abort", () => sizes.disconnect());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw, { signal });
}

/**
 * @param {Element} element
 * @param {() => void} act
 * @param {AbortSignal} signal
 */
function whenSeen(element, act, signal) {
  const views = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    views.disconnect();
    act();
  });
  views.observe(element);
  signal.addEventListener("abort", () => views.disconnect());
}

/** @param {() => void} act */
function once(act) {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
