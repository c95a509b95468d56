/** A result of an earlier job: chosen from recent jobs, or its ids are pasted. */

import { h, replace } from "./dom.js";
import { fieldset } from "./field_frame.js";

/**
 * @typedef {import("./schema.js").Field} Field
 * @typedef {import("./fields.js").Form} Form
 */

const GATEWAY_HAS_NO_ID = /^track-\d+$/;

/** @param {Field} field @returns {boolean} */
export function isSource(field) {
  return field.type === "group" && field.fields.map((each) => each.name).join() === "job_id,track_id";
}

/**
 * `drawMembers` draws the fields of the two ids.
 * @param {Field} field @param {Record<string, any>} value @param {(value: any) => void} change @param {Form} form
 * @param {(fields: Field[], values: Record<string, any>, change: () => void, form: Form) => HTMLElement[]} drawMembers
 * @returns {HTMLElement}
 */
export function drawSource(field, value, change, form, drawMembers) {
  const values = { ...value };
  const changed = () => change({ ...values });
  const group = fieldset(field, form);
  const ids = h("div", { class: "members two" });
  const drawIds = () => replace(ids, ...drawMembers(field.fields, values, changed, form));
  const choose = (/** @type {string} */ job, /** @type {string} */ track) => {
    values.job_id = job;
    values.track_id = track;
    drawIds();
    changed();
  };
  drawIds();
  replace(group.body, chooser(form, choose, field.label), ids);
  return group.element;
}

/** @param {Form} form @param {(job: string, track: string) => void} choose @param {string} label @returns {HTMLElement} */
function chooser(form, choose, label) {
  const area = h("div", { class: "members two" });
  const load = async () => {
    replace(area, h("p", { class: "muted" }, "Loading recent jobs…"));
    try {
      const { body } = await form.api.get("/v1/jobs?state=SUCCEEDED&limit=50", { signal: form.signal });
      // Only the gateway of a source can use it.
      const names = form.namedGateways();
      drawJobs(area, body.jobs.filter((/** @type {any} */ job) => !names.length || names.includes(job.gateway)), form, choose, label);
    } catch (problem) {
      if (!form.signal.aborted) replace(area, h("p", { class: "error", role: "alert" }, `Recent jobs could not be loaded: ${message(problem)}`), button);
    }
  };
  const button = h("button", { type: "button", class: "button", on: { click: load } }, "Choose from recent jobs");
  replace(area, button);
  return area;
}

/** @param {HTMLElement} area @param {any[]} jobs @param {Form} form @param {(job: string, track: string) => void} choose @param {string} label */
function drawJobs(area, jobs, form, choose, label) {
  if (!jobs.length) return replace(area, h("p", { class: "muted" }, "No recent job at the gateway has succeeded. Paste the ids below."));
  const tracks = h("div", { class: "field" });
  const offered = [["", "choose a job"], ...jobs.map((job) => [job.job_id, describe(job)])];
  const box = selection(`${label}: job`, offered, (id) => id && loadTracks(tracks, id, form, choose, label));
  replace(area, box, tracks);
  box.querySelector("select")?.focus();
}

/** @param {any} job @returns {string} */
function describe(job) {
  const own = Object.entries(job.metadata).map(([name, value]) => `${name}: ${value}`).join(", ");
  return [`${job.kind} at ${job.gateway}`, job.created_at.slice(0, 16).replace("T", " "), own, job.job_id].filter(Boolean).join(" · ");
}

/** @param {HTMLElement} area @param {string} id @param {Form} form @param {(job: string, track: string) => void} choose @param {string} label */
async function loadTracks(area, id, form, choose, label) {
  replace(area, h("p", { class: "muted" }, "Loading its tracks…"));
  try {
    const { body } = await form.api.get(`/v1/jobs/${id}`, { signal: form.signal });
    const usable = sourcesOf(body);
    if (!usable.length) return replace(area, h("p", { class: "muted" }, "This job has no result that can be a source."));
    replace(area, selection(`${label}: track`, usable, (track) => choose(id, track)));
    choose(id, usable[0][0]);
  } catch (problem) {
    if (!form.signal.aborted) replace(area, h("p", { class: "error", role: "alert" }, message(problem)));
  }
}

/** What later jobs can use of a job: its songs, or the audio that it has registered. @param {any} job @returns {string[][]} */
export function sourcesOf(job) {
  if (job.result?.audio_id) return [[job.result.audio_id, "the registered audio"]];
  return job.tracks
    .filter((/** @type {any} */ track) => track.state !== "failed" && !GATEWAY_HAS_NO_ID.test(track.track_id))
    .map((/** @type {any} */ track, /** @type {number} */ index) => [track.track_id, `${index + 1}. ${track.title || track.track_id}`]);
}

/** @param {string} label @param {string[][]} options @param {(value: string) => void} choose @returns {HTMLElement} */
function selection(label, options, choose) {
  const box = /** @type {HTMLSelectElement} */ (h("select", {}, ...options.map(([value, text]) => h("option", { value }, text))));
  box.addEventListener("change", () => choose(box.value));
  return h("label", { class: "field" }, h("span", {}, label), box);
}

/** @param {any} problem @returns {string} */
function message(problem) {
  return problem.detail || problem.message;
}
