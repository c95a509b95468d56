/** Usage: jobs and spending of a month by day, and the limits with what is left. */

import { h, replace, update } from "./dom.js";
import { money, number } from "./format.js";
import { drawChart } from "./chart.js";
import { badge } from "./gateways.js";
import { table } from "./parts.js";

export const title = "Usage";

const SECONDS = 30;
const MONTH = /^2\d{3}-(0[1-9]|1[0-2])$/;

/** @param {HTMLElement} main @param {any} view */
export async function show(main, { query, api, signal, go, live }) {
  const now = new Date().toISOString().slice(0, 7);
  const asked = query.get("month");
  const month = asked && MONTH.test(asked) ? asked : null;
  const area = h("div", { class: "column" });
  replace(main, h("h1", {}, title), drawMonths(month ?? now, now, go), area);
  const load = () => api.get(month ? `/v1/usage?month=${month}` : "/v1/usage", { signal });
  await live(load, (/** @type {any} */ { body }) => update(area, ...drawUsage(body)), SECONDS);
}

/** @param {string} month @param {string} now @param {(hash: string) => void} go @returns {HTMLElement} */
function drawMonths(month, now, go) {
  const open = (/** @type {string} */ chosen) => MONTH.test(chosen) && go(`#/usage?month=${chosen}`);
  const box = h("input", { type: "month", id: "month", value: month, max: now, pattern: "2[0-9]{3}-[0-9]{2}" });
  box.addEventListener("change", () => open(box.value));
  const later = moved(month, 1);
  return h(
    "div",
    { class: "months" },
    h("a", { class: "button", href: `#/usage?month=${moved(month, -1)}` }, "Earlier"),
    h("div", { class: "field" }, h("label", { for: "month" }, "Month"), box),
    later <= now ? h("a", { class: "button", href: `#/usage?month=${later}` }, "Later") : null,
  );
}

/** @param {string} month @param {number} by @returns {string} */
export function moved(month, by) {
  const [year, number_] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number_ - 1 + by, 1)).toISOString().slice(0, 7);
}

/** @param {any} usage @returns {HTMLElement[]} */
function drawUsage(usage) {
  const test = usage.mode === "test" ? h("p", { class: "note", data: { key: "mode" } }, "This is test mode: nothing is spent.") : null;
  const charts = h(
    "div",
    { class: "grid wide", data: { key: "charts" } },
    drawChart("Jobs per day", usage.days, (day) => day.jobs, number),
    drawChart("Spending per day", usage.days, (day) => day.usd, money),
  );
  return [test, drawTotals(usage), charts, drawDays(usage.days), drawLimits(usage)].filter((each) => each !== null);
}

/** @param {any} usage @returns {HTMLElement} */
function drawTotals(usage) {
  const totals = [
    ["Jobs", number(usage.jobs)],
    ["Spending (estimate)", money(usage.usd)],
    ["Jobs in progress", number(usage.jobs_in_progress)],
  ];
  const tiles = totals.map(([name, value]) => h("div", { class: "card tile" }, h("dt", { class: "muted" }, name), h("dd", {}, value)));
  return h("dl", { class: "tiles", data: { key: "totals" } }, ...tiles);
}

/** The limits count this month and today, so those of another month show no rest. @param {any} usage @returns {HTMLElement} */
function drawLimits({ month, days, jobs, usd, jobs_in_progress: inProgress, limits }) {
  const now = new Date().toISOString();
  const today = days.find((/** @type {any} */ day) => day.day === now.slice(0, 10));
  const current = month === now.slice(0, 7);
  const rows = [
    drawLimit("Requests per second", limits.requests_per_second, null, number),
    drawLimit("Jobs in progress", limits.jobs_in_progress, current ? inProgress : null, number),
    drawLimit("Jobs per day", limits.jobs_per_day, today ? today.jobs : null, number),
    drawLimit("Jobs per month", limits.jobs_per_month, current ? jobs : null, number),
    drawLimit("Spending per month", limits.usd_per_month, current ? usd : null, money),
  ];
  return h("section", { class: "card", data: { key: "limits" } }, h("h2", {}, "Limits"), table("Limits of the tenant", ["Limit", "Most", "Used", "Left"], rows));
}

/** @param {string} name @param {number | null} most @param {number | null} used @param {(value: number) => string} show */
function drawLimit(name, most, used, show) {
  const left = most === null || used === null ? "–" : show(Math.max(0, most - used));
  const reached = most !== null && used !== null && used >= most;
  const cells = [name, most === null ? "no limit" : show(most), used === null ? "–" : show(used), [left, reached ? [" ", badge("failed", "reached")] : null]];
  return { key: name, cells };
}

/** @param {any[]} days @returns {HTMLElement} */
function drawDays(days) {
  const rows = days.map((day) => ({ key: day.day, cells: [day.day, number(day.jobs), money(day.usd)] }));
  const shown = table("Jobs and spending by day", ["Day (UTC)", "Jobs", "Spending"], rows);
  return h("details", { class: "card", data: { key: "days" } }, h("summary", {}, "The same as a table"), shown);
}
