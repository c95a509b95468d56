// Lyrics: plain, or with the time of each word, which is highlighted while the song plays.

import { h } from "./dom.js";
import { eachFrame } from "./player.js";

const PAUSE_SECONDS = 1.5;

/**
 * @param {string} text
 * @returns {HTMLElement}
 */
export function plainLyrics(text) {
  const parts = text.split(/\n\s*\n/).map((part) => h("p", { dir: "auto" }, part));
  return h("div", { class: "lyrics", tabindex: "0", role: "region", "aria-label": "Lyrics" }, ...parts);
}

/**
 * A line ends where the text has a line break, and at a long pause.
 *
 * @param {{word: string, start_s: number, end_s: number}[]} words
 * @returns {{word: string, start_s: number, end_s: number}[][]}
 */
export function linesOf(words) {
  /** @type {any[][]} */
  const lines = [[]];
  words.forEach((word, index) => {
    const before = words[index - 1];
    if (before && (word.start_s - before.end_s >= PAUSE_SECONDS || before.word.endsWith("\n"))) lines.push([]);
    const parts = word.word.split("\n");
    parts.forEach((part, place) => {
      if (place > 0 && lines.at(-1)?.length) lines.push([]);
      if (part.trim()) lines.at(-1)?.push({ ...word, word: part });
    });
  });
  return lines.filter((line) => line.length);
}

/**
 * @param {{start_s: number, end_s: number}[]} words sorted by their start
 * @param {number} now
 * @returns {number} the last word that has begun, or -1
 */
export function wordAt(words, now) {
  let [low, high] = [0, words.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle].start_s <= now) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * @param {{word: string, start_s: number, end_s: number}[]} timed
 * @param {HTMLMediaElement | null} media without one, the words are only shown
 * @returns {HTMLElement}
 */
export function timedLyrics(timed, media) {
  const lines = linesOf([...timed].sort((one, other) => one.start_s - other.start_s));
  const words = lines.flat();
  const spans = words.map((word) => h("span", { class: "word", title: `${word.start_s.toFixed(1)} s` }, word.word.trim()));
  let next = 0;
  const paragraphs = lines.map((line) => h("p", { dir: "auto" }, ...line.flatMap(() => [spans[next++], " "])));
  const box = h("div", { class: "lyrics timed", tabindex: "0", role: "region", "aria-label": "Timed lyrics" }, ...paragraphs);
  if (media) follow(box, spans, words, media);
  return box;
}

/**
 * @param {HTMLElement} box
 * @param {HTMLElement[]} spans
 * @param {{start_s: number, end_s: number}[]} words
 * @param {HTMLMediaElement} media
 */
function follow(box, spans, words, media) {
  let shown = -1;
  box.addEventListener("click", (event) => {
    const index = spans.indexOf(/** @type {HTMLElement} */ (event.target));
    if (index >= 0) media.currentTime = words[index].start_s;
  });
  eachFrame(media, () => {
    const index = media.currentTime || !media.paused ? wordAt(words, media.currentTime) : -1;
    if (index === shown) return;
    spans[shown]?.classList.remove("sung");
    spans[index]?.classList.add("sung");
    shown = index;
    if (index >= 0) keepInView(box, spans[index]);
  });
}

/**
 * Scrolls the box, never the page.
 *
 * @param {HTMLElement} box
 * @param {HTMLElement} word
 */
function keepInView(box, word) {
  const [outer, inner] = [box.getBoundingClientRect(), word.getBoundingClientRect()];
  const offset = inner.top - outer.top - (outer.height - inner.height) / 2;
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  if (inner.top < outer.top || inner.bottom > outer.bottom) box.scrollBy({ top: offset, behavior });
}
