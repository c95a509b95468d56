/** New song: a request, what it is estimated to cost, and its job. */

import { announce, h, replace } from "./dom.js";
import { SongForm, draftOf, emptyDraft } from "./form.js";
import { drawEstimate } from "./estimate.js";

export const title = "New song";

const SAFE = "You can create the job again: it is the same request, and is never paid for twice.";

/**
 * What was typed stays until the page is loaded again or the user logs out. `order` is the key of the body that was sent last,
 * so the same body has the same Idempotency-Key until its job is known: a repetition is never paid for twice.
 * @type {{draft: import("./form.js").Draft, from: string | null, order: {text: string, key: string} | null}}
 */
const kept = { draft: emptyDraft(), from: null, order: null };

/** @type {Promise<any> | null} */
let description = null;

/** @param {import("./api.js").Api} api @returns {Promise<any>} */
function loadDescription(api) {
  description ??= api.get("/v1/openapi.json", {}).then(({ body }) => body);
  description.catch(() => (description = null));
  return description;
}

/** @param {HTMLElement} main @param {any} view */
export async function show(main, { query, api, signal, go }) {
  const body = h("div", { class: "column" }, h("p", { class: "muted" }, "Loading the form…"));
  replace(main, h("h1", {}, title), body);
  const [document, gateways] = await Promise.all([loadDescription(api), api.get("/v1/gateways", { signal })]);
  const notice = await fillFrom(query.get("from"), document, api, signal);
  if (signal.aborted) return;
  new NewSong({ document, gateways: gateways.body.gateways, api, signal, go, notice }).draw(body);
}

/** Fills the form from an earlier job, once. Returns what the user should know. @param {string | null} from @param {any} document @param {import("./api.js").Api} api @param {AbortSignal} signal @returns {Promise<string>} */
async function fillFrom(from, document, api, signal) {
  if (!from || from === kept.from) return "";
  const { body: job } = await api.get(`/v1/jobs/${encodeURIComponent(from)}`, { signal });
  if (!job.request?.input) return `The job ${from} adopted a task, so there is no request to fill the form from.`;
  kept.draft = draftOf(document, job.request);
  kept.from = from;
  const urls = /https?:/.test(JSON.stringify([job.request.input, job.request.callback_url]));
  return `The form contains the request of ${from}.${urls ? " The queries of its URLs were not kept: check the URLs." : ""}`;
}

class NewSong {
  /** @param {{document: any, gateways: any[], api: import("./api.js").Api, signal: AbortSignal, go: (hash: string) => void, notice: string}} given */
  constructor(given) {
    const { document, gateways, api, signal, go, notice } = given;
    this.given = given;
    this.api = api;
    this.signal = signal;
    this.go = go;
    this.notice = notice;
    this.busy = false;
    this.form = new SongForm({ document, gateways, api, signal, draft: kept.draft, changed: () => this.forgetEstimate() });
    this.errors = h("div", { class: "column problems", role: "alert" });
    this.result = h("div", { class: "column" });
    this.check = h("button", { type: "submit", class: "button primary" }, "Check and estimate");
    this.clear = h("button", { type: "button", class: "button", on: { click: () => this.startAgain() } }, "Clear the form");
  }

  /** @param {HTMLElement} body */
  draw(body) {
    this.body = body;
    const notice = this.notice ? h("p", { class: "note problems" }, this.notice) : null;
    const buttons = h("div", { class: "buttons" }, this.check, this.clear);
    const form = h("form", { novalidate: "", autocomplete: "off" }, this.form.element, buttons);
    form.addEventListener("submit", (/** @type {Event} */ event) => (event.preventDefault(), this.estimate()));
    replace(body, notice, this.errors, h("div", { class: "song" }, form, this.result));
  }

  /** The estimate is that of another form now. */
  forgetEstimate() {
    if (this.result.childElementCount) replace(this.result, h("p", { class: "muted" }, "The form has changed. Check it again."));
  }

  startAgain() {
    startAnew();
    const fresh = new NewSong({ ...this.given, notice: "" });
    fresh.draw(/** @type {HTMLElement} */ (this.body));
    fresh.form.element.querySelector("select")?.focus();
    announce("The form is empty.");
  }

  async estimate() {
    await this.work(this.check, "Checking…", async () => {
      const body = this.form.request();
      const errors = this.form.localErrors();
      if (errors.length) return this.showErrors("", errors);
      const { body: preview } = await this.api.post("/v1/jobs?dry_run=true", body, { signal: this.signal });
      this.showErrors("", []);
      this.drawResult(body, preview);
    });
  }

  /** @param {any} body @param {any} preview */
  drawResult(body, preview) {
    const create = h("button", { type: "button", class: "button primary", on: { click: () => this.create(create, body) } }, "Create job");
    const { element, summary, heading } = drawEstimate(preview);
    element.append(h("div", { class: "buttons" }, create));
    replace(this.result, element);
    heading.focus();
    announce(summary);
  }

  /** @param {HTMLElement} button @param {any} body the request that was estimated */
  async create(button, body) {
    await this.work(button, "Creating…", async () => {
      // It is not aborted with the view: the job may exist, and then the form has served its purpose.
      const { body: job } = await this.api.post("/v1/jobs", body, { idempotencyKey: keyOf(body) });
      startAnew();
      announce("The job was created.");
      if (!this.signal.aborted) this.go(`#/jobs/${job.job_id}`);
    }, SAFE);
  }

  /** One piece of work at a time; a second click meanwhile does nothing. @param {HTMLElement} button @param {string} meanwhile @param {() => Promise<any>} work @param {string} [afterLoss] what to do if no answer came */
  async work(button, meanwhile, work, afterLoss = "") {
    if (this.busy) return;
    this.busy = true;
    const text = button.textContent;
    button.setAttribute("aria-disabled", "true");
    button.textContent = meanwhile;
    try {
      await work();
    } catch (problem) {
      if (!this.signal.aborted) this.fail(problem, afterLoss);
    } finally {
      this.busy = false;
      button.removeAttribute("aria-disabled");
      button.textContent = text;
    }
  }

  /** @param {any} problem @param {string} afterLoss */
  fail(problem, afterLoss) {
    if (problem.errors?.length) return this.showErrors("", problem.errors);
    const lost = problem.status === undefined || problem.status >= 500 || problem.status === 409;
    const wait = problem.retryAfter ? `Try again in ${problem.retryAfter} seconds.` : "";
    this.showErrors([problem.detail || problem.title || problem.message, wait, lost ? afterLoss : ""].filter(Boolean).join(" "), []);
  }

  /** @param {string} text @param {import("./form.js").WrongValue[]} errors */
  showErrors(text, errors) {
    const left = this.form.showErrors(errors);
    const count = errors.length - left.length;
    if (errors.length) replace(this.result);
    const lines = left.map((error) => `${error.pointer || error.parameter || error.header || "The request"}: ${error.detail}`);
    if (text) lines.unshift(text);
    if (count) lines.push(count === 1 ? "Correct one field." : `Correct ${count} fields.`);
    replace(this.errors, lines.length ? h("div", { class: "error" }, ...lines.map((line) => h("p", {}, line))) : null);
    if (lines.length && !count) this.errors.scrollIntoView({ block: "center" });
  }
}

function startAnew() {
  Object.assign(kept, { draft: emptyDraft(), from: null, order: null });
}

// The next person at this page must not see it.
addEventListener("logout", startAnew);

/** @param {any} body @returns {string} */
function keyOf(body) {
  const text = JSON.stringify(body);
  if (kept.order?.text !== text) kept.order = { text, key: randomKey() };
  return kept.order.key;
}

/** 128 random bits. `randomUUID` exists on secure origins only. @returns {string} */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join("");
}
