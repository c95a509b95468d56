/** Gateways: what each gateway can do, its health, and how busy our accounts are. */

import { h, replace, update } from "./dom.js";
import { number, when } from "./format.js";

export const title = "Gateways";

const SECONDS = 15;
const BREAKER = { closed: "closed", open: "open", half_open: "half open" };

/** @param {HTMLElement} main @param {any} view */
export async function show(main, { api, signal, live }) {
  const list = h("div", { class: "grid" });
  replace(main, h("h1", {}, title), h("p", { class: "muted" }, "Figures of accounts are those of the last sweep."), list);
  const load = () => api.get("/v1/gateways", { signal });
  await live(load, (/** @type {any} */ { body }) => update(list, ...body.gateways.map(drawGateway)), SECONDS);
}

/** @param {any} gateway @returns {HTMLElement} */
function drawGateway(gateway) {
  const { name, health, rate, balances } = gateway;
  return h(
    "section",
    { class: "card", data: { key: name }, "aria-labelledby": `gateway-${name}` },
    h("h2", { id: `gateway-${name}` }, name, " ", badge(health.status, health.status)),
    drawHealth(health),
    drawAccounts(health.accounts, rate),
    drawBalances(gateway.balance, balances),
    drawModels(gateway),
    drawKinds(gateway),
    drawPrices(gateway.prices),
  );
}

/** A badge whose text is not its state. @param {string} state @param {string} text @returns {HTMLElement} */
export function badge(state, text) {
  return h("span", { class: "badge", data: { state } }, text);
}

/** @param {any} health @returns {HTMLElement} */
function drawHealth(health) {
  const until = health.open_until ? [", half open ", when(health.open_until)] : [];
  const failure = health.last_failure_at ? [when(health.last_failure_at), health.last_error ? `: ${health.last_error}` : ""] : "none";
  return listing([
    ["Circuit breaker", [badge(health.breaker, BREAKER[/** @type {keyof BREAKER} */ (health.breaker)] ?? health.breaker), ...until]],
    ["Last success", health.last_success_at ? when(health.last_success_at) : "none"],
    ["Last failure", failure],
  ]);
}

/** @param {[string, any][]} rows @returns {HTMLElement} */
export function listing(rows) {
  return h("dl", { class: "listing" }, ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** @param {any[]} accounts @param {{requests: number, seconds: number}} rate @returns {HTMLElement} */
function drawAccounts(accounts, rate) {
  const limit = `Rate limit: ${number(rate.requests)} requests in ${number(rate.seconds)} s`;
  if (!accounts.length) return h("p", { class: "muted" }, `${limit}. No account of yours was used yet.`);
  const shown = accounts.map((account) => {
    const used = account.requests_per_second;
    const most = rate.requests / rate.seconds;
    return h(
      "div",
      { class: "account", data: { key: account.account } },
      h("h3", {}, `Account ${account.account}`),
      listing([
        ["Requests", used === null ? "not counted yet" : [`${number(used)} of ${number(most)} per second`, meter(used, most, "rate in use")]],
        ["Tasks in flight", number(account.tasks_in_flight)],
        ["Queue length", number(account.queue_length)],
        ["Counted", when(account.counted_at)],
      ]),
    );
  });
  return h("div", { class: "column" }, h("p", { class: "muted" }, `${limit}.`), ...shown);
}

/** @param {number} value @param {number} most @param {string} label @returns {HTMLElement} */
export function meter(value, most, label) {
  // Its key contains the value, since an update keeps the value of an element that stays.
  return h("meter", { data: { key: `${label} ${value}` }, min: 0, max: most, high: most * 0.9, optimum: 0, value: String(Math.min(value, most)), "aria-label": label });
}

/** @param {boolean} reported @param {any[]} balances @returns {HTMLElement} */
function drawBalances(reported, balances) {
  const none = reported ? "Balance: not read yet, or of an account that is not shown to you." : "Balance: not reported by this gateway.";
  if (!balances.length) return h("p", { class: "muted" }, none);
  return listing(
    balances.map((each) => [
      `Balance of ${each.account}`,
      [`${number(each.amount)} ${each.unit} `, each.low ? badge("low", "low") : null, " read ", when(each.read_at)],
    ]),
  );
}

/** @param {any} gateway @returns {HTMLElement} */
function drawModels({ models, default_model: standard }) {
  const names = Object.entries(models);
  if (!names.length) return h("p", { class: "muted" }, "Models: each instance has its own; a job must name one.");
  const items = names.map(([name, own]) => h("li", {}, h("code", {}, name), own === name ? "" : [" is ", h("code", {}, own)], name === standard ? " (default)" : ""));
  return disclosure("models", `Models (${names.length}), default ${standard ?? "none"}`, h("ul", {}, ...items));
}

/** @param {any} gateway @returns {HTMLElement} */
function drawKinds({ kinds, unsupported }) {
  const offered = Object.entries(kinds);
  const items = offered.map(([kind, offer]) => h("li", {}, h("code", {}, kind), offer.synchronous ? ", answered at once" : "", offer.note ? `: ${offer.note}` : ""));
  const missing = Object.entries(unsupported).map(([kind, reason]) => h("li", {}, h("code", {}, kind), `: ${reason}`));
  return disclosure(
    "kinds",
    `Kinds (${offered.length} of ${offered.length + missing.length})`,
    h("ul", {}, ...items),
    missing.length ? [h("h3", {}, "Not offered"), h("ul", {}, ...missing)] : null,
  );
}

/** @param {any[]} prices @returns {HTMLElement} */
function drawPrices(prices) {
  if (!prices.length) return h("p", { class: "muted" }, "No prices are known.");
  const items = prices.map((price) => h("li", {}, h("code", {}, price.kind), `: ${number(price.amount)} ${price.unit}${condition(price)} (${price.as_of})`));
  return disclosure("prices", `Prices (${prices.length})`, h("ul", {}, ...items));
}

/** @param {any} price @returns {string} */
function condition({ given, models }) {
  const values = Object.entries(given).map(([name, value]) => `${name} is ${JSON.stringify(value)}`);
  const all = [...values, ...(models.length ? [`for ${models.join(", ")}`] : [])];
  return all.length ? ` if ${all.join(", ")}` : "";
}

/** @param {string} key @param {string} summary @param {...any} children @returns {HTMLElement} */
function disclosure(key, summary, ...children) {
  return h("details", { data: { key } }, h("summary", {}, summary), ...children);
}
