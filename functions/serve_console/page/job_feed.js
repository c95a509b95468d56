// Follows one job: its state by long polling, its history when it has changed, and fresh URLs before the old ones expire.

import { ENDED } from "./words.js";

const WAIT_SECONDS = 20;
const RECOVERY_SECONDS = 15;
const ENDED_SECONDS = 60;
const RENEW_SECONDS = 2 * ENDED_SECONDS; // the job is read once more before the URLs expire

/**
 * @param {string} url presigned by S3
 * @returns {number} when it expires, in milliseconds since 1970; Infinity if the URL does not say so
 */
export function expiresAt(url) {
  const query = new URL(url, location.href).searchParams;
  const signed = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get("X-Amz-Date") ?? "");
  if (!signed) return Infinity;
  const [year, month, day, hour, minute, second] = signed.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) + Number(query.get("X-Amz-Expires")) * 1000;
}

/**
 * @param {any} job
 * @returns {Map<string, string>} the URL of each file, by its key in the bucket
 */
export function urlsOf(job) {
  const files = job.tracks.flatMap((/** @type {any} */ track) => track.assets);
  return new Map([...files, job.manifest].filter((file) => file?.url).map((file) => [file.key, file.url]));
}

export class JobFeed {
  /** @type {string | null} */
  #etag = null;
  /** Whether the last request that preferred to wait did wait, so that the next one need not be delayed. */
  #waits = true;
  #retryAfter = 5;
  /** The numbers of the last request, and of the last one whose answer is known. */
  #asked = 0;
  #answered = 0;
  /** @type {{job: any, events: any[]} | null} */
  #known = null;
  /** @type {Map<string, string>} */
  #urls = new Map();

  /**
   * @param {any} api
   * @param {string} jobId
   * @param {AbortSignal} signal
   */
  constructor(api, jobId, signal) {
    this.api = api;
    this.path = `/v1/jobs/${encodeURIComponent(jobId)}`;
    this.signal = signal;
  }

  /** @returns {number} after how many seconds the job is read again */
  get seconds() {
    const job = this.#known?.job;
    if (!job) return 5;
    if (ENDED.has(job.state)) return job.recoverable_until ? RECOVERY_SECONDS : ENDED_SECONDS;
    return this.#waits ? 1 : this.#retryAfter;
  }

  /**
   * @param {string} key of a file of the job
   * @returns {string | undefined} its newest URL
   */
  url(key) {
    return this.#urls.get(key);
  }

  /** @returns {boolean} whether some URL has expired or will soon */
  get expires() {
    return Math.min(...[...this.#urls.values()].map(expiresAt)) < Date.now() + RENEW_SECONDS * 1000;
  }

  /**
   * Reads the job, and its history if anything has changed.
   *
   * @param {{fresh?: boolean}} [options] fresh: with new URLs, and at once
   * @returns {Promise<{job: any, events: any[]}>}
   */
  async load({ fresh = false } = {}) {
    const turn = ++this.#asked;
    const renews = fresh || this.#known === null || this.#expiresOnScreen();
    const answer = await this.api.get(this.path, this.#request(renews));
    this.#retryAfter = Number(answer.headers.get("retry-after")) || 5;
    if (!renews) this.#waits = answer.headers.has("preference-applied");
    // A later request was answered before this one, which may know less.
    if (this.#known && (answer.status === 304 || turn < this.#answered)) return this.#known;
    this.#answered = turn;
    this.#urls = urlsOf(answer.body);
    const etag = answer.headers.get("etag");
    const events = this.#known && etag && etag === this.#etag ? this.#known.events : await this.#events();
    this.#etag = etag;
    this.#known = { job: answer.body, events };
    return this.#known;
  }

  #expiresOnScreen() {
    return document.visibilityState === "visible" && this.expires;
  }

  /** @param {boolean} renews */
  #request(renews) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (renews) return { signal: this.signal, headers };
    if (this.#etag) headers["If-None-Match"] = this.#etag;
    if (ENDED.has(this.#known?.job.state)) return { signal: this.signal, headers };
    return { signal: this.signal, headers: { ...headers, Prefer: `wait=${WAIT_SECONDS}` }, slowAfter: WAIT_SECONDS + 3 };
  }

  async #events() {
    const answer = await this.api.get(`${this.path}/events`, { signal: this.signal });
    return answer.body.events;
  }
}
