// The list of jobs: live, with filters.

import { KeyRefused } from "./api.js";
import { announce, h, replace, update } from "./dom.js";
import { filterForm, hasText, listQuery } from "./job_filters.js";
import { JobList } from "./job_list.js";
import { jobTable } from "./job_table.js";
import { JobTitles } from "./job_titles.js";
import { errorBox } from "./parts.js";

export const title = "Jobs";
const SECONDS = 4;

/**
 * @param {HTMLElement} main
 * @param {any} context
 */
export async function show(main, context) {
  const view = new JobsView(context);
  replace(main, h("h1", {}, title), view.form.element, view.place);
  offerGateways(context.api, context.signal, view.form);
  await act(view.place, () => view.begin());
}

class JobsView {
  place = h("div", { class: "job-list", "aria-busy": "true" }, h("p", { class: "muted" }, "Loading jobs…"));
  /** Reads the list at once; unknown until it was read for the first time. @type {(() => Promise<void>) | null} */
  refresh = null;
  isStarting = false;
  tell = announcing();

  /** @param {any} context */
  constructor({ query, api, signal, go, live }) {
    this.api = api;
    this.signal = signal;
    this.live = live;
    this.filters = new URLSearchParams(query);
    this.list = new JobList(api, signal, listQuery(this.filters));
    this.titles = new JobTitles(api, signal, () => this.draw());
    this.see = seeing(this.place, this.titles, signal);
    this.form = filterForm(this.filters, { changed: (filters) => this.filter(filters), go });
  }

  async begin() {
    this.isStarting = true;
    try {
      this.refresh = await this.live(() => this.load(), (/** @type {JobList} */ list) => this.show(list), SECONDS);
    } finally {
      this.isStarting = false;
    }
  }

  async load() {
    const list = this.list;
    await list.refresh();
    return list;
  }

  /** @param {JobList} list which is not shown if the filters have changed since it was asked for */
  show(list) {
    if (list !== this.list) return;
    this.draw();
    this.tell(list);
    this.see(list.jobs);
  }

  draw() {
    drawList(this.place, this, this.titles, () => this.more());
  }

  more() {
    return act(this.place, async () => {
      await this.list.more();
      this.show(this.list);
    });
  }

  /** @param {URLSearchParams} filters */
  filter(filters) {
    history.replaceState(null, "", filters.size ? `#/jobs?${filters}` : "#/jobs");
    const query = listQuery(filters);
    const isSame = query.toString() === listQuery(this.filters).toString();
    this.filters = filters;
    this.form.show(filters);
    if (isSame) return this.draw();
    this.list = new JobList(this.api, this.signal, query);
    this.place.setAttribute("aria-busy", "true");
    act(this.place, async () => {
      if (this.refresh) await this.refresh();
      else if (this.isStarting) this.show(await this.load());
      else await this.begin();
    });
  }
}

/**
 * Shows what went wrong in place of the list; a person may try again.
 *
 * @param {HTMLElement} place
 * @param {() => Promise<unknown>} work
 */
async function act(place, work) {
  try {
    await work();
  } catch (/** @type {any} */ error) {
    if (error.name !== "AbortError" && !(error instanceof KeyRefused)) failed(place, error, () => act(place, work));
  }
}

/**
 * @param {HTMLElement} place
 * @param {any} error
 * @param {() => unknown} again
 */
function failed(place, error, again) {
  place.setAttribute("aria-busy", "false");
  replace(place, errorBox(error, { retry: again }));
}

/**
 * @param {HTMLElement} place
 * @param {{filters: URLSearchParams, list: JobList}} view
 * @param {JobTitles} titles
 * @param {() => unknown} more
 */
function drawList(place, { filters, list }, titles, more) {
  const title = (/** @type {string} */ jobId) => titles.get(jobId);
  const jobs = list.jobs.filter((job) => hasText(job, title(job.job_id), filters));
  place.setAttribute("aria-busy", "false");
  update(
    place,
    jobs.length > 0 ? jobTable(jobs, title) : empty(filters, list),
    h("p", { class: "muted list-note" }, note(jobs, list)),
    list.next !== null && h("button", { type: "button", class: "button", on: { click: more } }, "Load more"),
  );
}

/**
 * @param {URLSearchParams} filters
 * @param {JobList} list
 */
function empty(filters, list) {
  if (!filters.size) return h("div", { class: "empty" }, h("p", {}, "There are no jobs yet."), h("p", {}, h("a", { href: "#/new" }, "Make a song")));
  const more = list.next !== null ? " Not all jobs were searched: load more." : "";
  return h("div", { class: "empty" }, h("p", {}, `No job that was searched matches the filters.${more}`));
}

/**
 * @param {any[]} shown
 * @param {JobList} list
 */
function note(shown, list) {
  const count = shown.length === list.jobs.length ? jobsText(shown.length) : `${shown.length} of ${jobsText(list.jobs.length)}`;
  const stale = list.jobs.length > list.live ? ` Only the ${list.live} newest are followed live.` : "";
  return `${count} loaded${list.next === null ? "" : "; there are more"}.${stale}`;
}

/** @param {number} count */
function jobsText(count) {
  return count === 1 ? "1 job" : `${count} jobs`;
}

/** @returns {(list: JobList) => void} says what has changed since the list was last drawn, and nothing for new filters */
function announcing() {
  /** @type {{list: JobList, states: Map<string, string>} | null} */
  let known = null;
  return (list) => {
    const states = new Map(list.jobs.map((job) => [job.job_id, job.state]));
    const before = known?.list === list ? known.states : null;
    known = { list, states };
    if (!before) return announce(`${jobsText(list.jobs.length)} loaded`);
    const changes = list.jobs.filter((job) => before.has(job.job_id) && before.get(job.job_id) !== job.state);
    if (changes.length === 1) announce(`A ${changes[0].kind} job is now ${changes[0].state}`);
    else if (changes.length) announce(`${changes.length} jobs have changed their state`);
  };
}

/**
 * Reads the titles of the rows that are in view.
 *
 * @param {HTMLElement} place
 * @param {JobTitles} titles
 * @param {AbortSignal} signal
 * @returns {(jobs: any[]) => void}
 */
function seeing(place, titles, signal) {
  /** @type {Map<string | undefined, any>} */
  let shown = new Map();
  const rows = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const job = shown.get(/** @type {HTMLElement} */ (target).dataset.key);
      if (isIntersecting && job) titles.want(job);
    }
  });
  signal.addEventListener("abort", () => rows.disconnect());
  return (jobs) => {
    shown = new Map(jobs.map((job) => [job.job_id, job]));
    rows.disconnect();
    for (const row of place.querySelectorAll("tr[data-key]")) rows.observe(row);
  };
}

/**
 * The filters by kind and gateway offer what the gateways have. Without that, a link can still have them.
 *
 * @param {any} api
 * @param {AbortSignal} signal
 * @param {{offer: (gateways: any[]) => void}} form
 */
async function offerGateways(api, signal, form) {
  try {
    const { body } = await api.get("/v1/gateways", { signal });
    form.offer(body.gateways);
  } catch {
    // The list itself shows what is wrong.
  }
}
