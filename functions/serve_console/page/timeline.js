// The history of a job: what happened when, why, and at which gateway.

import { h } from "./dom.js";
import { duration, when } from "./format.js";
import { badge, table } from "./parts.js";
import { CAUSES, WAITS } from "./words.js";

/**
 * @param {any[]} events
 * @returns {HTMLElement[]}
 */
export function timeline(events) {
  const begin = Date.parse(events[0]?.at);
  const items = events.map((event, index) =>
    h(
      "li",
      { class: "timeline-event", data: { state: event.state } },
      h("div", { class: "timeline-head" }, badge(event.state), " ", when(event.at), " ", offset(event, begin)),
      h("p", { class: "timeline-text" }, sentence(event, events[index - 1])),
    ),
  );
  return [h("ol", { class: "timeline" }, ...items)];
}

/**
 * @param {any} event
 * @param {number} begin in milliseconds since 1970
 */
function offset(event, begin) {
  const seconds = (Date.parse(event.at) - begin) / 1000;
  return seconds > 0 && h("span", { class: "muted" }, `+${duration(seconds)}`);
}

/**
 * @param {any} event
 * @param {any} before
 */
function sentence(event, before) {
  const parts = [`Cause: ${CAUSES[event.cause] ?? event.cause}.`];
  if (event.gateway !== before?.gateway) parts.push(`Gateway: ${event.gateway}.`);
  if (event.task_id) parts.push(`Task: ${event.task_id}.`);
  if (event.error) parts.push(`Error: ${event.error}.`);
  if (event.waiting_for) parts.push(`Waits ${WAITS[event.waiting_for.reason] ?? event.waiting_for.reason}.`);
  return parts.join(" ");
}

/**
 * One row for each submission and each refusal, as the history has them.
 *
 * @param {any[]} events
 * @returns {{at: string, gateway: string, outcome: string}[]}
 */
export function attempts(events) {
  /** @type {{at: string, gateway: string, outcome: string}[]} */
  const found = [];
  for (const event of events) {
    const last = found.at(-1);
    if (submits(event)) {
      found.push({ at: event.at, gateway: event.gateway, outcome: event.task_id ? `task ${event.task_id}` : "no answer yet" });
    } else if (last?.outcome === "no answer yet") {
      last.outcome = outcome(event);
    }
  }
  return found;
}

/** @param {any} event */
function submits(event) {
  return (event.state === "SUBMITTING" || event.state === "SUBMIT_UNKNOWN") && !event.error;
}

/** @param {any} event */
function outcome(event) {
  if (event.state === "CANCELLED") return "cancelled before the answer";
  // An operation that is answered with its result has no task.
  if (!event.error) return "accepted";
  return event.error === "ambiguous" ? "the answer was lost" : `refused: ${event.error}`;
}

/**
 * @param {any[]} events
 * @returns {HTMLElement[]}
 */
export function attemptsTable(events) {
  const rows = attempts(events).map(({ at, gateway, outcome }) => ({ cells: [gateway, when(at), outcome] }));
  if (!rows.length) return [h("p", { class: "muted" }, "Nothing was submitted yet.")];
  return [table("Submissions of this job", ["Gateway", "Submitted", "Outcome"], rows)];
}
