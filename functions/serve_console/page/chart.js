/** Bars of the days of a month. */

import { h } from "./dom.js";

const HEIGHT = 120;
const STEP = 20;
const BAR = 14;

/**
 * The figures are in a table beside it, so a screen reader hears only the sum of it.
 * @param {string} name @param {{day: string}[]} days @param {(day: any) => number} value @param {(value: number) => string} show
 * @returns {HTMLElement}
 */
export function drawChart(name, days, value, show) {
  const most = Math.max(0, ...days.map(value));
  const total = days.reduce((sum, day) => sum + value(day), 0);
  const label = `${name}: ${days.length} days, ${show(total)} in all, at most ${show(most)} in a day`;
  const bars = days.map((day, index) => drawBar(day, index, most ? (value(day) / most) * HEIGHT : 0));
  const width = Math.max(1, days.length) * STEP;
  const base = h("line", { x1: 0, x2: width, y1: HEIGHT, y2: HEIGHT, class: "base" });
  const picture = h("svg", { class: "chart", role: "img", "aria-label": label, viewBox: `0 0 ${width} ${HEIGHT + 1}`, preserveAspectRatio: "none" }, base, ...bars);
  const [first, last] = [days[0]?.day, days.at(-1)?.day];
  return h(
    "figure",
    { class: "card" },
    h("figcaption", {}, name, h("span", { class: "muted" }, ` most: ${show(most)}`)),
    picture,
    h("div", { class: "axis muted", "aria-hidden": "true" }, h("span", {}, first ?? ""), h("span", {}, last === first ? "" : last)),
  );
}

/** @param {{day: string}} day @param {number} index @param {number} height @returns {SVGElement} */
function drawBar({ day }, index, height) {
  return h("rect", { data: { key: day }, x: index * STEP + (STEP - BAR) / 2, y: HEIGHT - height, width: BAR, height });
}
