/** Webhooks: the endpoints of the tenant, and one of them with its deliveries. */

import { announce, h, replace, update } from "./dom.js";
import { when } from "./format.js";
import { badge } from "./gateways.js";
import { errorBox, table } from "./parts.js";
import { drawSecret } from "./secret.js";
import { drawForm } from "./webhook_form.js";
import { Endpoint, stateOf } from "./webhook.js";

export const title = "Webhooks";

const SECONDS = 15;
const DEFAULT = "default";

/** @param {HTMLElement} main @param {any} view */
export async function show(main, view) {
  await (view.params.id ? new Endpoint(main, view).show() : showList(main, view));
}

/** @param {HTMLElement} main @param {any} view */
async function showList(main, { api, signal, live }) {
  const secret = h("div", {});
  const list = h("div", { class: "column" });
  const form = h("details", { class: "card" }, h("summary", {}, "Create a webhook"));
  replace(main, h("h1", {}, title), secret, list, form);
  const load = () => api.get("/v1/webhooks", { signal });
  const reload = await live(load, (/** @type {any} */ { body }) => update(list, drawList(body.webhooks), drawDefault(body.webhooks, make)), SECONDS);
  const shown = (/** @type {any} */ answer) => {
    showSecret(secret, answer.body.secret);
    // If this fails, the next turn shows it.
    reload().catch(() => {});
  };
  form.append(createForm(api, form, shown));

  let isMaking = false;
  /** Once: a second secret would replace the first one, which may be shown last. */
  async function make() {
    if (isMaking) return;
    isMaking = true;
    try {
      shown(await api.post(`/v1/webhooks/${DEFAULT}/rotate`, {}, {}));
    } catch (problem) {
      isMaking = false;
      replace(secret, errorBox(problem));
    }
  }
}

/** @param {import("./api.js").Api} api @param {HTMLDetailsElement} details @param {(answer: any) => void} shown @returns {HTMLElement} */
function createForm(api, details, shown) {
  const fresh = () =>
    drawForm(null, "Create", async (body) => {
      shown(await api.post("/v1/webhooks", body, {}));
      details.open = false;
      details.lastElementChild?.replaceWith(fresh());
      announce("The webhook was created. Its secret is shown once.");
    });
  return fresh();
}

/** @param {HTMLElement} area @param {string} secret */
export function showSecret(area, secret) {
  replace(area, drawSecret(secret, () => replace(area)));
  area.querySelector("h2")?.focus();
}

/** @param {any[]} webhooks @returns {HTMLElement} */
function drawList(webhooks) {
  const own = webhooks.filter((each) => each.webhook_id !== DEFAULT);
  if (!own.length) return h("p", { class: "card muted", data: { key: "none" } }, "No webhook yet. An endpoint of yours gets an event when a job ends.");
  const shown = table("Endpoints", ["URL", "State", "Events", "Created"], own.map(rowOf));
  return h("div", { class: "card", data: { key: "list" } }, shown);
}

/** @param {any} endpoint */
function rowOf(endpoint) {
  const { webhook_id: id, url, description, events, created_at: created } = endpoint;
  const { state, text } = stateOf(endpoint);
  const link = h("a", { href: `#/webhooks/${id}` }, url);
  return { key: id, cells: [h("div", {}, link, description ? h("div", { class: "muted" }, description) : null), h("div", {}, badge(state, text)), events.join(", "), when(created)] };
}

/** The record that signs the events for the `callback_url` of jobs. @param {any[]} webhooks @param {() => void} make @returns {HTMLElement} */
function drawDefault(webhooks, make) {
  const known = webhooks.some((each) => each.webhook_id === DEFAULT);
  const link = h("a", { href: `#/webhooks/${DEFAULT}` }, "Its secret and deliveries");
  const button = h("button", { type: "button", class: "button", on: { click: make } }, "Create the default secret");
  return h(
    "section",
    { class: "card", data: { key: "default" } },
    h("h2", {}, "Default secret"),
    h("p", {}, "It signs the events for the ", h("code", {}, "callback_url"), " of single jobs."),
    known ? h("p", { data: { key: "link" } }, link) : h("p", { data: { key: "make" } }, button),
  );
}
