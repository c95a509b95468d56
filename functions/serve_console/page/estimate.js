/** What a request is estimated to cost, by the answer of a dry run. */

import { h } from "./dom.js";
import { table } from "./parts.js";
import { costText } from "./words.js";

/** @param {any} preview @returns {{element: HTMLElement, heading: HTMLElement, summary: string}} */
export function drawEstimate(preview) {
  const [first, ...others] = preview.gateways;
  const heading = h("h2", { tabindex: "-1" }, "Estimate");
  const summary = `${first.gateway}: ${costText(first.estimate)}`;
  const free = preview.job.mode === "test" ? h("p", {}, "This is test mode: nothing is sent to a gateway, and nothing is charged.") : null;
  const order = others.length ? h("p", { class: "muted" }, "The gateways are asked in this order. The next one is asked only if the one before has definitely refused or cannot be reached, so one of them is paid.") : null;
  const rows = preview.gateways.map((/** @type {any} */ each) => ({ cells: [each.gateway, modelOf(each), costText(each.estimate)] }));
  const element = h("section", { class: "card estimate" }, heading, free, table("Estimated cost by gateway", ["Gateway", "Model", "Estimate"], rows), order, unknown(preview.gateways));
  return { element, heading, summary };
}

/** @param {any} offer @returns {string} */
function modelOf({ requested_model: model, requested_gateway_model: own }) {
  if (!model) return own ?? "none";
  return own && own !== model ? `${model} (${own})` : model;
}

/** @param {any[]} gateways @returns {HTMLElement | null} */
function unknown(gateways) {
  const names = gateways.filter((each) => !each.estimate).map((each) => each.gateway);
  const text = `No price is listed for this request at ${names.join(", ")}. The job shows its cost if the gateway reports it.`;
  return names.length ? h("p", { class: "muted" }, text) : null;
}
