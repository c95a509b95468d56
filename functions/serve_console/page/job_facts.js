// What a job is, waits for and costs; its request, its result without files, and its raw records.

import { copyButton, jsonBlock } from "./copy.js";
import { h } from "./dom.js";
import { bytes, when } from "./format.js";
import { plainLyrics } from "./lyrics.js";
import { CHARGED, costText, ENDED, errorText, PROGRESS, STATES, WAITS } from "./words.js";

const LONG = 60;

/** @typedef {[string, any]} Fact a name, and a text or an element; no value: not shown */

/**
 * @param {Fact[]} list
 * @returns {HTMLElement}
 */
function facts(list) {
  const shown = list.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "job-facts" }, ...shown.map(fact));
}

/** @param {Fact} fact */
function fact([name, value]) {
  const text = h("dd", {}, value);
  return h("div", { class: text.textContent.length > LONG ? "wide" : null }, h("dt", {}, name), text);
}

/**
 * @param {any} job
 * @returns {any[]}
 */
export function statusOf(job) {
  return [
    h("p", { class: "state-text" }, STATES[job.state], job.partial && " Some of its tracks are not stored."),
    job.error && h("p", { class: "error" }, errorText(job.error), job.error.gateway_code && ` (gateway code ${job.error.gateway_code})`),
    waitOf(job),
    facts([
      ["Progress", ENDED.has(job.state) ? null : `${job.progress}: ${PROGRESS[job.progress]}`],
      ["Created", when(job.created_at)],
      ["Updated", when(job.updated_at)],
      ["Deadline", when(job.deadline_at)],
      ["Recovery ends", job.recoverable_until && when(job.recoverable_until)],
      ["Cost", costText(job.cost)],
      ["Charged", h("span", {}, h("strong", {}, job.charged), ` – ${CHARGED[job.charged]}`)],
      ["Retry of", job.retry_of && h("a", { href: `#/jobs/${job.retry_of}` }, job.retry_of)],
      ["Retried as", job.retried_as && h("a", { href: `#/jobs/${job.retried_as}` }, job.retried_as)],
    ]),
  ];
}

/** @param {any} job */
function waitOf(job) {
  if (!job.waiting_for) return null;
  const { reason, until } = job.waiting_for;
  const rest = h("span", { class: "countdown", data: { until } }, countdown(until));
  return h("p", { class: "wait" }, `Waits ${WAITS[reason] ?? reason}; `, rest, ".");
}

/**
 * @param {string} until
 * @returns {string} such as "1 min 5 s at most"
 */
export function countdown(until) {
  const seconds = Math.ceil((Date.parse(until) - Date.now()) / 1000);
  if (seconds <= 0) return "due now";
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours) return `${hours} h ${minutes} min at most`;
  return minutes ? `${minutes} min ${seconds % 60} s at most` : `${seconds} s at most`;
}

/**
 * @param {any} job
 * @returns {any[]}
 */
export function requestOf(job) {
  const request = job.request;
  const about = facts([
    ["Job", h("span", {}, h("code", { class: "breakable" }, job.job_id), " ", copyButton("job id", () => job.job_id))],
    ["Kind", job.kind],
    ["Mode", job.mode],
    ["Gateway", gatewayText(job)],
    ["Model", modelText(job)],
    ["Task", job.task_id && h("code", { class: "breakable" }, job.task_id)],
    ...Object.entries(job.metadata).map(([name, value]) => /** @type {Fact} */ ([`metadata.${name}`, value])),
  ]);
  if (!request) return [about];
  return [about, inputOf(request), h("details", {}, h("summary", {}, "Request as JSON"), jsonBlock("request", request))];
}

/** @param {any} job */
function gatewayText(job) {
  const wanted = [job.request?.gateway ?? job.gateway].flat().join(", ");
  return wanted === job.gateway ? wanted : `${job.gateway} (requested: ${wanted})`;
}

/** @param {any} job */
function modelText(job) {
  const [ours, theirs] = [job.requested_model, job.requested_gateway_model];
  return ours && theirs && ours !== theirs ? `${ours} (at the gateway: ${theirs})` : (ours ?? theirs);
}

/** @param {any} request */
function inputOf(request) {
  const options = { ambiguous_submit: request.ambiguous_submit, callback_url: request.callback_url };
  const given = request.adopt ? { "adopted task": request.adopt.task_id } : request.input;
  const entries = Object.entries({ ...given, ...options }).filter(([, value]) => value !== undefined && value !== null);
  return facts(entries.map(([name, value]) => [name, valueOf(name, value)]));
}

/**
 * @param {string} name
 * @param {any} value
 */
function valueOf(name, value) {
  if (typeof value === "string") return h("span", { class: "given", dir: "auto" }, value);
  const sources = [value].flat().filter((each) => each?.job_id);
  if (!sources.length) return h("code", {}, JSON.stringify(value));
  const links = sources.map((source) => h("li", {}, h("a", { href: `#/jobs/${source.job_id}` }, source.job_id), `, track ${source.track_id}`));
  return h("ul", { class: "plain", "aria-label": name }, ...links);
}

/**
 * @param {any} job
 * @returns {any[]} its result unless that is words with times
 */
export function resultOf(job) {
  const result = job.result;
  if (result?.lyrics) {
    return result.lyrics.map((/** @type {any} */ draft, /** @type {number} */ index) =>
      h(
        "article",
        { class: "card" },
        h("h3", { dir: "auto" }, draft.title || `Draft ${index + 1}`),
        h("div", {}, copyButton("lyrics", () => draft.text)),
        plainLyrics(draft.text),
      ),
    );
  }
  const ids = Object.entries(result ?? {}).filter(([name]) => name.endsWith("_id"));
  const shown = (/** @type {string} */ id) => h("span", {}, h("code", { class: "breakable" }, id), " ", copyButton("id", () => id));
  return ids.length ? [facts(ids.map(([name, id]) => [name, shown(/** @type {string} */ (id))]))] : [];
}

/**
 * @param {any[]} files
 * @returns {any[]}
 */
export function quarantineOf(files) {
  if (!files.length) return [];
  const items = files.map((file) =>
    h(
      "li",
      { class: "breakable" },
      h("strong", {}, file.kind),
      ` of track ${file.track_id}: ${file.reason}, ${file.message}. ${bytes(file.bytes)}, stored `,
      when(file.stored_at),
      file.released ? ". An operator released it." : ". An operator can release it.",
    ),
  );
  const text = "These files were downloaded completely and did not pass the checks. They are kept for some time and have no URL.";
  return [h("p", {}, text), h("ul", {}, ...items)];
}

/**
 * @param {any} job
 * @param {any[]} events
 * @returns {any[]}
 */
export function rawOf(job, events) {
  return [
    job.manifest && h("p", {}, h("a", { href: job.manifest.url ?? null }, "Download the manifest")),
    h("details", {}, h("summary", {}, "Job as JSON"), jsonBlock("job", unsigned(job))),
    h("details", {}, h("summary", {}, "Events as JSON"), jsonBlock("events", events)),
  ];
}

/**
 * @param {any} job
 * @returns {any} without presigned URLs, which anyone could use who gets the text
 */
function unsigned(job) {
  return JSON.parse(JSON.stringify(job, (name, value) => (name === "url" ? undefined : value)));
}
