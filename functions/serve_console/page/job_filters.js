// The filters of the list of jobs. They are in the address, so that a link keeps them.

import { h, replace } from "./dom.js";
import { STATES } from "./words.js";

const JOB_ID = /^job_(test_)?[0-9a-z]{26}$/;
const IN_PROGRESS = "ACCEPTED,SUBMITTING,SUBMIT_UNKNOWN,GENERATING,STORING";
/** A filter of this page alone, not of the API. */
const TEXT = "text";

/**
 * @param {URLSearchParams} filters
 * @returns {URLSearchParams} what the API is asked for
 */
export function listQuery(filters) {
  const query = new URLSearchParams(filters);
  query.delete(TEXT);
  return query;
}

/**
 * @param {any} job
 * @param {string | undefined} title
 * @param {URLSearchParams} filters
 * @returns {boolean} whether a loaded job has the words that are searched for
 */
export function hasText(job, title, filters) {
  const wanted = (filters.get(TEXT) ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const metadata = Object.entries(job.metadata).flat();
  const text = [job.job_id, job.task_id, title, job.kind, job.gateway, job.error?.message, ...metadata].join(" ").toLowerCase();
  return wanted.every((word) => text.includes(word));
}

/**
 * @param {string} typed
 * @param {URLSearchParams} filters
 * @returns {{job: string} | {filters: URLSearchParams}} a job to go to, or the filters with the search
 */
export function searchFor(typed, filters) {
  const text = typed.trim();
  if (JOB_ID.test(text)) return { job: text };
  const next = new URLSearchParams(filters);
  next.delete(TEXT);
  const pair = /^([^\s=]{1,40})=(.+)$/.exec(text);
  if (pair) next.set(`metadata.${pair[1]}`, pair[2]);
  else if (text) next.set(TEXT, text);
  return { filters: next };
}

/**
 * @param {URLSearchParams} filters
 * @param {{changed: (filters: URLSearchParams) => void, go: (hash: string) => void}} context
 * @returns {{element: HTMLElement, offer: (gateways: any[]) => void, show: (filters: URLSearchParams) => void}}
 */
export function filterForm(filters, { changed, go }) {
  let now = filters;
  const set = (/** @type {string} */ name, /** @type {string} */ value) => {
    const next = new URLSearchParams(now);
    value ? next.set(name, value) : next.delete(name);
    changed(next);
  };
  const find = h("input", { type: "search", name: "find", autocomplete: "off", spellcheck: "false", "aria-describedby": "find-help" });
  const state = select("state", [["", "any"], [IN_PROGRESS, "in progress"], ...Object.keys(STATES).map(same)], set);
  const [kind, gateway] = ["kind", "gateway"].map((name) => select(name, [["", "any"]], set));
  const [after, before] = ["created_after", "created_before"].map((name) => timeInput(name, set));
  const chips = h("div", { class: "chips" });
  const search = (/** @type {Event} */ event) => {
    event.preventDefault();
    const found = searchFor(find.value, now);
    "job" in found ? go(`#/jobs/${found.job}`) : changed(found.filters);
  };
  const element = h(
    "form",
    { class: "filters", role: "search", on: { submit: search } },
    h("div", { class: "find" }, field("Find", find), h("button", { type: "submit", class: "button" }, "Search")),
    h("p", { id: "find-help", class: "muted" }, "A job id opens the job. name=value searches the metadata of all jobs. Other words search the jobs that are loaded."),
    h("div", { class: "filter-row" }, field("State", state), field("Kind", kind), field("Gateway", gateway), field("Created after", after), field("Created before", before)),
    chips,
  );
  const show = (/** @type {URLSearchParams} */ next) => {
    now = next;
    for (const input of [state, kind, gateway]) choose(input, next.get(input.name) ?? "");
    for (const input of [after, before]) input.value = localTime(next.get(input.name));
    find.value = next.get(TEXT) ?? "";
    replace(chips, chipsOf(next, changed));
  };
  const offer = (/** @type {any[]} */ gateways) => {
    addOptions(kind, [...new Set(gateways.flatMap((each) => Object.keys(each.kinds)))].sort());
    addOptions(gateway, gateways.map((each) => each.name));
  };
  show(filters);
  return { element, offer, show };
}

/** @param {string} word @returns {[string, string]} */
function same(word) {
  return [word, word];
}

/**
 * @param {string} label
 * @param {HTMLElement} input
 */
function field(label, input) {
  return h("label", { class: "field" }, h("span", { class: "label" }, label), input);
}

/**
 * @param {string} name
 * @param {string[][]} options
 * @param {(name: string, value: string) => void} set
 */
function select(name, options, set) {
  const choose = (/** @type {any} */ event) => set(name, event.target.value);
  return h("select", { name, on: { change: choose } }, ...options.map(([value, text]) => h("option", { value }, text)));
}

/**
 * @param {HTMLSelectElement} input
 * @param {string[]} values
 */
function addOptions(input, values) {
  const known = new Set([...input.options].map((option) => option.value));
  input.append(...values.filter((value) => !known.has(value)).map((value) => h("option", { value }, value)));
}

/**
 * @param {HTMLSelectElement} input
 * @param {string} value which a link may have and the list may not
 */
function choose(input, value) {
  addOptions(input, [value]);
  input.value = value;
}

/**
 * @param {string} name
 * @param {(name: string, value: string) => void} set
 */
function timeInput(name, set) {
  const choose = (/** @type {any} */ event) => set(name, isoTime(event.target.value));
  return h("input", { type: "datetime-local", name, on: { change: choose } });
}

/** @param {string} local */
function isoTime(local) {
  return local ? `${new Date(local).toISOString().slice(0, 19)}Z` : "";
}

/**
 * @param {string | null} iso
 * @returns {string} as an input of the type datetime-local has it
 */
function localTime(iso) {
  const time = new Date(iso ?? "");
  if (Number.isNaN(time.getTime())) return "";
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/**
 * @param {URLSearchParams} filters
 * @param {(filters: URLSearchParams) => void} changed
 */
function chipsOf(filters, changed) {
  const without = (/** @type {string} */ name) => {
    const next = new URLSearchParams(filters);
    next.delete(name);
    return () => changed(next);
  };
  const named = [...filters].filter(([name]) => name.startsWith("metadata.") || name === TEXT);
  const chips = named.map(([name, value]) => {
    const text = name === TEXT ? `“${value}” in the loaded jobs` : `${name} = ${value}`;
    return h("button", { type: "button", class: "chip", on: { click: without(name) } }, text, h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "only-heard" }, ", remove"));
  });
  const clear = () => changed(new URLSearchParams());
  return [...chips, filters.size > 0 && h("button", { type: "button", class: "chip", on: { click: clear } }, "Clear all filters")];
}
