/**
 * The titles of the jobs in a list. A list has none: each is read from its job, once, when its row comes into view, and again
 * when the job has ended.
 */

import { ENDED } from "./words.js";

const AT_A_TIME = 3;

/** @typedef {{text: string, ended: boolean}} Title */

/** Until the next login, so that going back to the list reads nothing again. @type {WeakMap<object, Map<string, Title>>} */
const REMEMBERED = new WeakMap();

/**
 * @param {any} job
 * @returns {string} the title of the song, or what was requested
 */
export function titleOf(job) {
  const titled = job.tracks?.find((/** @type {any} */ track) => track.title)?.title;
  const input = job.request?.input;
  return titled || input?.title || input?.prompt?.slice(0, 120) || input?.name || `${job.kind} job`;
}

export class JobTitles {
  /** @type {any[]} */
  #queue = [];
  #running = 0;
  /** What was asked for in this view, so that a failure is not repeated with each look at the list. @type {Set<string>} */
  #asked = new Set();

  /**
   * @param {any} api
   * @param {AbortSignal} signal
   * @param {() => void} changed called when a title has arrived
   */
  constructor(api, signal, changed) {
    this.api = api;
    this.signal = signal;
    this.changed = changed;
    this.known = REMEMBERED.get(api) ?? new Map();
    REMEMBERED.set(api, this.known);
  }

  /**
   * @param {string} jobId
   * @returns {string | undefined}
   */
  get(jobId) {
    return this.known.get(jobId)?.text;
  }

  /** @param {any} job its title is shown now */
  want(job) {
    const known = this.known.get(job.job_id);
    const ended = ENDED.has(job.state);
    const question = `${job.job_id} ${ended}`;
    if (this.#asked.has(question) || (known && (known.ended || !ended))) return;
    this.#asked.add(question);
    this.#queue.push(job);
    this.#next();
  }

  #next() {
    while (this.#running < AT_A_TIME && this.#queue.length && !this.signal.aborted) {
      this.#running += 1;
      this.#read(this.#queue.shift()).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  /** @param {any} job */
  async #read(job) {
    try {
      const { body } = await this.api.get(`/v1/jobs/${job.job_id}`, { signal: this.signal });
      this.known.set(job.job_id, { text: titleOf(body), ended: ENDED.has(body.state) });
      this.changed();
    } catch {
      // The row keeps showing the id.
    }
  }
}
