// The table of the jobs.

import { h } from "./dom.js";
import { age } from "./format.js";
import { badge, table } from "./parts.js";
import { ENDED, WAITS } from "./words.js";

const CAPTION = "Jobs, newest first. The arrow keys move between their links.";

/**
 * @param {any[]} jobs
 * @param {(jobId: string) => string | undefined} titleOf
 * @returns {HTMLElement}
 */
export function jobTable(jobs, titleOf) {
  const rows = jobs.map((job) => ({ key: job.job_id, cells: cellsOf(job, titleOf(job.job_id)) }));
  return h("div", { class: "jobs", on: { keydown: moveByArrow } }, table(CAPTION, ["Song", "State", "Kind", "Gateway", "Age", "Cost"], rows));
}

/**
 * @param {any} job
 * @param {string | undefined} title
 */
function cellsOf(job, title) {
  const link = h("a", { href: `#/jobs/${job.job_id}`, class: "job-link", dir: "auto" }, title ?? job.job_id);
  const created = h("time", { datetime: job.created_at, title: new Date(job.created_at).toLocaleString() }, ageOf(job));
  const song = h("div", { class: "lines" }, link, h("span", { class: "mono muted" }, title && job.job_id), metadataOf(job));
  return [song, h("div", { class: "lines" }, badge(job.state), detail(job)), kindOf(job), job.gateway, created, costOf(job)];
}

/** With places to break a long name. @param {any} job */
function kindOf(job) {
  return job.kind.split("_").map((/** @type {string} */ part, /** @type {number} */ index) => (index ? ["_", h("wbr"), part] : part));
}

/** @param {any} job */
function ageOf(job) {
  return age((Date.now() - Date.parse(job.created_at)) / 1000);
}

/** @param {any} job */
function metadataOf(job) {
  const pairs = Object.entries(job.metadata).slice(0, 3);
  return pairs.length > 0 && h("span", { class: "muted" }, pairs.map(([name, value]) => `${name}=${value}`).join(", "));
}

/** @param {any} job */
function detail(job) {
  const wait = job.waiting_for && `waits ${WAITS[job.waiting_for.reason] ?? job.waiting_for.reason}`;
  const text = ENDED.has(job.state) ? job.error?.code : (wait ?? job.error?.code);
  return text && h("span", { class: "muted" }, text);
}

/** @param {any} job */
function costOf(job) {
  if (job.charged === "no" && ENDED.has(job.state)) return h("span", { class: "muted" }, "not charged");
  if (!job.cost) return h("span", { class: "muted" }, "unknown");
  const amount = `${job.cost.amount} ${job.cost.unit}`;
  return job.charged === "maybe" ? h("span", { title: "It may have been charged" }, `${amount}?`) : amount;
}

/** Only while a link of the table has the focus, so that the keys keep their meaning elsewhere. @param {KeyboardEvent} event */
function moveByArrow(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const links = [.../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("a")];
  const index = links.indexOf(/** @type {any} */ (event.target));
  if (!step || index < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  links[index + step]?.focus();
}
