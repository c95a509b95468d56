/** What was sent to an endpoint: each event with its attempts, sending one again, and all of a range of time. */

import { announce, h, replace, update } from "./dom.js";
import { number, when } from "./format.js";
import { badge, errorBox } from "./parts.js";

const SECONDS = 5;
const STATES = ["pending", "delivered", "failed", "skipped"];
/** The first page is loaded again and again; further ones once. */
const PAGE = 50;

export class Deliveries {
  /** @param {string} path of the endpoint @param {any} view @param {boolean} isDefault */
  constructor(path, view, isDefault) {
    this.path = path;
    this.view = view;
    this.isDefault = isDefault;
    /** @type {any[]} */
    this.newest = [];
    /** @type {any[]} */
    this.older = [];
    /** @type {string | null | undefined} */
    this.next = undefined;
    this.filter = "";
    this.reload = async () => {};
    this.list = h("div", { class: "column" });
    this.problem = h("div", {});
    this.element = h("section", { class: "column", "aria-labelledby": "deliveries" }, h("h2", { id: "deliveries" }, "Deliveries"), this.drawFilter(), this.problem, this.list, this.drawReplay());
  }

  async start() {
    const { api, signal, live } = this.view;
    const load = () => api.get(`${this.path}/deliveries?limit=${PAGE}`, { signal });
    this.reload = await live(load, (/** @type {any} */ { body }) => this.keep(body), SECONDS);
  }

  /** A delivery that has left the first page is among those that were loaded before. @param {any} page */
  keep(page) {
    const ids = new Set(page.deliveries.map((/** @type {any} */ each) => each.delivery_id));
    if (this.older.length) this.older = [...this.newest.filter((each) => !ids.has(each.delivery_id)), ...this.older].filter(unique());
    else this.next = page.next;
    this.newest = page.deliveries;
    this.draw();
  }

  async more() {
    await this.act(async () => {
      const query = new URLSearchParams({ limit: String(PAGE), cursor: String(this.next) });
      const { body } = await this.view.api.get(`${this.path}/deliveries?${query}`, { signal: this.view.signal });
      this.older.push(...body.deliveries);
      this.next = body.next;
      this.draw();
    });
  }

  draw() {
    const all = [...this.newest, ...this.older];
    const shown = all.filter((each) => !this.filter || each.state === this.filter);
    const of = this.filter ? ` of ${all.length} that are loaded` : "";
    const none = all.length ? "None of the loaded deliveries has this state." : "Nothing was sent in the last 30 days.";
    const more = this.next ? h("button", { type: "button", class: "button", data: { key: "more" }, on: { click: () => this.more() } }, "Load more") : null;
    update(
      this.list,
      h("p", { class: "muted", data: { key: "count" } }, shown.length ? `${counted(shown.length)}${of}, the newest first.` : none),
      ...shown.map((each) => this.drawDelivery(each)),
      more,
    );
  }

  /** @param {any} delivery @returns {HTMLElement} */
  drawDelivery(delivery) {
    const { delivery_id: id, event_id: event, type, state, reason, attempts, next_attempt_at: next } = delivery;
    const retry = h("button", { type: "button", class: "button", "aria-label": `Retry ${type} ${event}`, on: { click: () => this.retry(id) } }, "Retry");
    return h(
      "article",
      { class: "card delivery", data: { key: id } },
      h("div", { class: "line" }, badge(state), h("strong", {}, type), when(delivery.created_at), next ? h("span", {}, "next attempt ", when(next)) : null, retry),
      h("p", { class: "muted id" }, event),
      reason ? h("p", {}, reason) : null,
      drawAttempts(attempts),
    );
  }

  /** @param {string} id */
  async retry(id) {
    await this.act(async () => {
      await this.view.api.post(`${this.path}/deliveries/${encodeURIComponent(id)}/retry`, undefined, {});
      announce("The event is sent again.");
      await this.reload();
    });
  }

  /** @param {() => Promise<any>} work */
  async act(work) {
    replace(this.problem);
    try {
      await work();
    } catch (problem) {
      if (!this.view.signal.aborted) replace(this.problem, errorBox(problem));
    }
  }

  /** @returns {HTMLElement} */
  drawFilter() {
    const box = h("select", { id: "delivery-state" }, h("option", { value: "" }, "any"), ...STATES.map((state) => h("option", { value: state }, state)));
    box.addEventListener("change", () => {
      this.filter = box.value;
      this.draw();
    });
    return h("div", { class: "field short" }, h("label", { for: "delivery-state" }, "State"), box);
  }

  /** @returns {HTMLElement} */
  drawReplay() {
    const since = timeBox("since", "Since");
    const until = timeBox("until", "Until (empty: now)");
    const delivered = h("input", { type: "checkbox" });
    const said = h("p", { role: "status" });
    const button = h("button", { type: "submit", class: "button" }, "Replay");
    const check = h("label", { class: "check" }, delivered, "also what was delivered");
    const form = h("form", { class: "column", novalidate: true }, h("div", { class: "members two" }, since.element, until.element), check, h("div", { class: "buttons" }, button), said);
    form.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (!since.box.value) return replace(said, "Choose the start of the range."), since.box.focus();
      button.disabled = true;
      const body = { since: isoOf(since.box.value), ...(until.box.value ? { until: isoOf(until.box.value) } : {}), delivered: delivered.checked };
      await this.replay(body, said);
      button.disabled = false;
    });
    const text = "Sends again what failed or was skipped in a range of time, the oldest first.";
    return h("details", { class: "card" }, h("summary", {}, "Replay a range of time"), h("div", { class: "column" }, h("p", { class: "muted" }, text), form));
  }

  /** One request restarts at most a hundred, so there may be several. @param {any} body @param {HTMLElement} said */
  async replay(body, said) {
    await this.act(async () => {
      let replayed = 0;
      /** @type {any} */
      let answer = { next: null };
      do {
        const more = answer.next ? { cursor: answer.next } : {};
        answer = (await this.view.api.post(`${this.path}/replay`, { ...body, ...more }, { signal: this.view.signal })).body;
        replayed += answer.replayed;
        replace(said, `${counted(replayed)} ${replayed === 1 ? "is" : "are"} sent again${answer.next ? " ..." : "."}`);
      } while (answer.next);
      await this.reload();
    });
  }
}

/** @returns {(delivery: any) => boolean} */
function unique() {
  const seen = new Set();
  return ({ delivery_id: id }) => !seen.has(id) && Boolean(seen.add(id));
}

/** @param {number} count @returns {string} */
function counted(count) {
  return count === 1 ? "1 delivery" : `${number(count)} deliveries`;
}

/** @param {any[]} attempts @returns {HTMLElement} */
function drawAttempts(attempts) {
  if (!attempts.length) return h("p", { class: "muted" }, "No attempt yet.");
  const items = attempts.map(({ at, status, milliseconds, answer }) =>
    h("li", {}, when(at), `: ${status ?? "no answer"} in ${number(milliseconds)} ms`, answer ? h("code", { class: "answer" }, answer) : null),
  );
  const last = attempts[attempts.length - 1];
  const summary = `${attempts.length === 1 ? "1 attempt" : `${attempts.length} attempts`}, the last: ${last.status ?? "no answer"}`;
  return h("details", {}, h("summary", {}, summary), h("ol", {}, ...items));
}

/** @param {string} name @param {string} label */
function timeBox(name, label) {
  const box = h("input", { type: "datetime-local", id: `replay-${name}`, step: "1" });
  return { box, element: h("div", { class: "field" }, h("label", { for: box.id }, label), box) };
}

/** A time of this device's zone, in UTC. @param {string} local @returns {string} */
function isoOf(local) {
  return new Date(local).toISOString().replace(/\.\d+Z$/, "Z");
}
