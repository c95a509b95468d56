// What the words of the API mean to a person. docs/api.md explains them in full.

/** @type {Record<string, string>} */
export const STATES = {
  ACCEPTED: "Recorded and not yet submitted.",
  SUBMITTING: "Being submitted to a gateway, or to be submitted again.",
  SUBMIT_UNKNOWN: "The gateway's answer to the submission was lost. The job waits for a callback.",
  GENERATING: "The gateway has accepted the task.",
  STORING: "The task has ended, and its files are being downloaded and checked.",
  SUCCEEDED: "What this job shows as stored is complete and checked, in your own bucket.",
  FAILED: "Every submission was refused, or the task failed.",
  TIMED_OUT: "The job did not finish before its deadline. Its song may exist, and may have been charged.",
  CANCELLED: "Cancelled by a client.",
};

export const ENDED = new Set(["SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"]);

/** @type {Record<string, string>} */
export const WAITS = {
  rate_limit: "for its turn to be submitted, within the rate limit of the gateway",
  circuit_breaker: "for the end of an open circuit breaker",
  gateway_key: "for the operator: the key of the gateway cannot be read, or the gateway refuses it",
  refusal: "to be submitted again after a refusal",
  answer: "for the gateway's answer to the submission",
  callback: "for the gateway's callback",
  next_check: "for the next check",
};

/** @type {Record<string, string>} */
export const CAUSES = {
  client: "request of a client",
  callback: "callback of the gateway",
  stage: "callback of an intermediate stage",
  poll: "scheduled check",
  sweep: "sweep",
};

/** @type {Record<string, string>} */
export const CHARGED = {
  no: "Not charged: no gateway has accepted a task, or each one was refunded.",
  maybe: "May have been charged: the answer to a submission was lost, or was an error.",
  yes: "Charged: the gateway has accepted a task.",
};

/** @type {Record<string, string>} */
export const PROGRESS = {
  queued: "nothing is ready yet",
  text: "the lyrics are ready",
  first: "the first track is ready",
  complete: "the result is complete",
};

/** @type {Record<string, string>} */
export const TRACK_STATES = {
  ready: "The gateway has the files. They are not stored yet.",
  stored: "Its files are complete, checked and in your bucket.",
  failed: "It could not be stored.",
};

/**
 * @param {{amount: number, unit: string, source: string} | null} cost
 * @returns {string} such as "6 quota (listed price)"
 */
export function costText(cost) {
  if (!cost) return "unknown";
  return `${cost.amount} ${cost.unit} (${cost.source === "listed" ? "listed price" : "reported by the gateway"})`;
}

/**
 * @param {any} error of a job, a track or a file
 * @returns {string}
 */
export function errorText(error) {
  return error ? `${error.code}: ${error.message}` : "";
}
