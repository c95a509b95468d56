/** One endpoint: what it gets, its secret, and its deliveries. */

import { announce, h, replace, update } from "./dom.js";
import { confirm } from "./confirm.js";
import { Deliveries } from "./deliveries.js";
import { when } from "./format.js";
import { badge, listing } from "./gateways.js";
import { errorBox } from "./parts.js";
import { drawSecret } from "./secret.js";
import { drawForm } from "./webhook_form.js";

const SECONDS = 15;
const REASONS = /** @type {Record<string, string>} */ ({
  client: "a request disabled it",
  gone: "the endpoint answered 410",
  failing: "no delivery succeeded for five days",
});

/** @param {any} endpoint @returns {{state: string, text: string}} */
export function stateOf({ disabled_at: disabled, failing_since: failing }) {
  if (disabled) return { state: "disabled", text: "disabled" };
  return failing ? { state: "failing", text: "failing" } : { state: "ok", text: "in use" };
}

export class Endpoint {
  /** @param {HTMLElement} main @param {any} view */
  constructor(main, view) {
    this.main = main;
    this.view = view;
    this.path = `/v1/webhooks/${encodeURIComponent(view.params.id)}`;
    this.isDefault = view.params.id === "default";
    this.heading = h("h1", {}, this.isDefault ? "Default secret" : "Webhook");
    this.secret = h("div", {});
    this.facts = h("section", { class: "card" });
    this.edit = h("details", { class: "card" }, h("summary", {}, "Change"));
    this.problem = h("div", {});
    this.busy = false;
    this.reload = async () => {};
  }

  async show() {
    const { api, signal, live } = this.view;
    const deliveries = new Deliveries(this.path, this.view, this.isDefault);
    const edit = this.isDefault ? null : this.edit;
    const back = h("p", {}, h("a", { href: "#/webhooks" }, "All webhooks"));
    replace(this.main, back, this.heading, this.secret, this.facts, this.problem, edit, deliveries.element);
    this.deliveries = deliveries;
    const load = () => api.get(this.path, { signal });
    this.reload = await live(load, (/** @type {any} */ { body }) => this.draw(body), SECONDS);
    await deliveries.start();
  }

  /** @param {any} endpoint */
  draw(endpoint) {
    const { state, text } = stateOf(endpoint);
    const { disabled_at: disabled, disabled_by: by, failing_since: failing, previous_secret_until: previous } = endpoint;
    update(
      this.facts,
      listing([
        [this.isDefault ? "Signs" : "URL", endpoint.url ?? "the events for the callback_url of single jobs"],
        ...(endpoint.description ? [/** @type {[string, any]} */ (["Description", endpoint.description])] : []),
        ["State", [badge(state, text), disabled ? [" ", when(disabled), `: ${REASONS[by] ?? by}`] : null]],
        ...(failing ? [/** @type {[string, any]} */ (["Failing since", when(failing)])] : []),
        ["Events", endpoint.events.join(", ")],
        ["Created", when(endpoint.created_at)],
        ...(previous ? [/** @type {[string, any]} */ (["Earlier secret valid until", when(previous)])] : []),
      ]),
      this.drawActions(Boolean(disabled)),
    );
    if (!this.edit.querySelector("form") && !this.isDefault) this.drawEdit(endpoint);
  }

  /** @param {boolean} disabled @returns {HTMLElement} */
  drawActions(disabled) {
    const button = (/** @type {string} */ key, /** @type {string} */ text, /** @type {() => any} */ click) =>
      h("button", { type: "button", class: key === "delete" ? "button danger" : "button", data: { key }, on: { click } }, text);
    const rotate = button("rotate", "Rotate the secret", () => this.rotate());
    if (this.isDefault) return h("div", { class: "buttons" }, rotate);
    return h(
      "div",
      { class: "buttons" },
      button("test", "Send a test event", () => this.test()),
      button("use", disabled ? "Enable" : "Disable", () => this.act(() => this.change({ disabled: !disabled }), disabled ? "Enabled." : "Disabled.")),
      rotate,
      button("delete", "Delete", () => this.remove()),
    );
  }

  /** @param {any} endpoint */
  drawEdit(endpoint) {
    const form = drawForm(endpoint, "Save", async (body) => {
      const changes = Object.entries(body).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(endpoint[name]));
      const { body: changed } = await this.change(Object.fromEntries(changes));
      this.edit.open = false;
      form.remove();
      this.drawEdit(changed);
      this.edit.querySelector("summary")?.focus();
      announce("Saved.");
    });
    this.edit.append(form);
  }

  /** @param {any} body */
  async change(body) {
    const answer = await this.view.api.patch(this.path, body, {});
    this.draw(answer.body);
    return answer;
  }

  async test() {
    await this.act(() => this.view.api.post(`${this.path}/test`, undefined, {}), "The test event was sent.");
    // If this fails, the next turn shows it.
    await this.deliveries?.reload().catch(() => {});
  }

  /** One piece of work at a time. Shows why it failed. @param {() => Promise<any>} work @param {string} done */
  async act(work, done) {
    if (this.busy) return;
    this.busy = true;
    replace(this.problem);
    try {
      await work();
      announce(done);
    } catch (problem) {
      if (!this.view.signal.aborted) replace(this.problem, errorBox(problem));
    } finally {
      this.busy = false;
    }
  }

  rotate() {
    const hours = h("input", { type: "number", id: "overlap", min: 0, max: 720, value: "24" });
    const field = h("div", { class: "field" }, h("label", { for: "overlap" }, "Hours that the present secret also signs (0 to 720)"), hours);
    const act = async () => {
      const { body } = await this.view.api.post(`${this.path}/rotate`, { overlap_hours: Number(hours.value) }, {});
      replace(this.secret, drawSecret(body.secret, () => replace(this.secret)));
      this.draw(body);
    };
    const text = ["The new secret is shown once. For the hours below, every event is signed with both secrets.", field];
    const box = confirm({ title: "Rotate the secret?", text, action: "Rotate", act, signal: this.view.signal });
    box.addEventListener("close", () => this.secret.querySelector("h2")?.focus());
  }

  remove() {
    const text = ["Pending deliveries are dropped, and the earlier ones are not shown any more."];
    const act = async () => {
      await this.view.api.delete(this.path, {});
      announce("The webhook was deleted.");
      this.view.go("#/webhooks");
    };
    confirm({ title: "Delete this webhook?", text, action: "Delete", act, signal: this.view.signal });
  }
}
