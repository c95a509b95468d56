// Cancelling, retrying and deleting a job. What each costs is said before.

import { confirm } from "./confirm.js";
import { announce, h } from "./dom.js";
import { costText, ENDED } from "./words.js";

const RETRYABLE = new Set(["FAILED", "TIMED_OUT"]);

/**
 * The buttons stay the same elements, so that the focus stays where it is.
 *
 * @param {HTMLElement} bar
 * @param {{api: any, signal: AbortSignal, go: (hash: string) => void}} context
 * @returns {(job: any) => void}
 */
export function actionsView(bar, context) {
  /** @type {any} */
  let job = null;
  const make = (/** @type {string} */ label, /** @type {(job: any, context: any) => unknown} */ act) => {
    const button = h("button", { type: "button", class: "button" }, label);
    button.addEventListener("click", () => unlessBusy(button, () => act(job, context)));
    return button;
  };
  const [cancel, retry, remove] = [make("Cancel", askCancel), make("Retry", askRetry), make("Delete", askDelete)];
  const again = h("a", { class: "button" }, "Use again");
  bar.append(cancel, retry, again, remove);
  bar.hidden = true;
  return (next) => {
    job = next;
    bar.hidden = false;
    again.href = `#/new?from=${job.job_id}`;
    again.hidden = !job.request || Boolean(job.request.adopt);
    cancel.hidden = ENDED.has(job.state);
    retry.hidden = !RETRYABLE.has(job.state) || job.retried_as !== null;
    remove.hidden = !ENDED.has(job.state);
  };
}

/**
 * A second click asks nothing while the first one still loads what the question contains.
 *
 * @param {HTMLElement} button
 * @param {() => unknown} act
 */
async function unlessBusy(button, act) {
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  try {
    await act();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** @param {any} job */
function costOfCancelling(job) {
  if (job.charged === "no" && job.state === "ACCEPTED") return "The job was not submitted. Nothing is charged.";
  if (job.charged === "no") return "Every submission so far was refused, so nothing is charged unless one is in progress right now.";
  const cost = job.cost ? ` The price is ${costText(job.cost)}.` : "";
  const paid = job.charged === "yes" ? "The gateway has accepted the task and charges for it" : "The gateway may have accepted the task and may charge for it";
  return `${paid}, even after a cancellation: it is not notified.${cost} A song that was paid for is still stored, and shown in this job.`;
}

/**
 * @param {any} job
 * @param {any} context
 */
function askCancel(job, { api, signal }) {
  confirm({
    signal,
    title: "Cancel this job?",
    text: ["Nothing is submitted for it any more. It ends as CANCELLED and cannot be retried.", costOfCancelling(job)],
    action: "Cancel the job",
    act: async () => {
      await api.post(`/v1/jobs/${job.job_id}/cancel`, undefined, { signal });
      // What the job is now is seen by the request that waits for a change of it.
      announce("The job is cancelled");
    },
  });
}

/**
 * @param {any} job
 * @param {any} context
 */
async function askRetry(job, { api, signal, go }) {
  const estimate = await estimateOf(job, api, signal);
  if (signal.aborted) return;
  const paid = job.charged !== "no";
  confirm({
    signal,
    title: "Retry this job?",
    text: [`This creates a new job with the same request. It is charged separately. ${estimate}`, ...firstCharge(job)],
    action: "Create the new job",
    accept: paid ? "I accept a second charge" : null,
    act: async (accepted) => {
      const body = paid ? { accept_second_charge: accepted } : undefined;
      const answer = await api.post(`/v1/jobs/${job.job_id}/retry`, body, { signal });
      go(`#/jobs/${answer.body.job_id}`);
    },
  });
}

/** @param {any} job */
function firstCharge(job) {
  if (job.charged === "no") return ["This job was not charged."];
  const cost = job.cost ? ` (${costText(job.cost)})` : "";
  const paid = job.charged === "yes" ? `This job was charged${cost}.` : `This job may have been charged${cost}.`;
  if (!job.recoverable_until) return [paid];
  const until = new Date(job.recoverable_until).toLocaleString();
  return [`${paid} Its song may still arrive until ${until}. Then there are two songs, and both are paid for.`];
}

/**
 * @param {any} job
 * @param {any} api
 * @param {AbortSignal} signal
 * @returns {Promise<string>} the price of the same request now, or why it is unknown
 */
async function estimateOf(job, api, signal) {
  if (job.request?.adopt) return "An adoption costs nothing.";
  try {
    const answer = await api.post("/v1/jobs?dry_run=true", job.request, { signal });
    const prices = answer.body.gateways.map((/** @type {any} */ each) => `${each.gateway} ${costText(each.estimate)}`);
    return `Estimate${prices.length > 1 ? ", for the first gateway that accepts it" : ""}: ${prices.join("; ")}.`;
  } catch {
    return job.cost ? `The price was ${costText(job.cost)} at ${job.gateway}.` : "The price is not known.";
  }
}

/**
 * @param {any} job
 * @param {any} context
 */
function askDelete(job, { api, signal, go }) {
  const text = [
    "Its files, lyrics, request and history are removed from the bucket and the table. This cannot be undone, and no charge is refunded.",
  ];
  if (job.recoverable_until) text.push("Recovery ends: a song that arrives later is not stored, even if it was paid for.");
  confirm({
    signal,
    title: "Delete this job?",
    text,
    action: "Delete the job",
    act: async () => {
      await api.delete(`/v1/jobs/${job.job_id}`, { signal });
      announce("The job is deleted");
      go("#/jobs");
    },
  });
}
