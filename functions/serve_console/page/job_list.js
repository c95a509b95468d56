// The jobs that are loaded: the newest are read again and again, older pages are added on request.

export const PAGE = 20;
const LARGEST_PAGE = 100;

export class JobList {
  /** @type {any[]} */
  jobs = [];
  /** The cursor after the last loaded job. @type {string | null} */
  next = null;

  /**
   * @param {any} api
   * @param {AbortSignal} signal
   * @param {URLSearchParams} query
   */
  constructor(api, signal, query) {
    this.api = api;
    this.signal = signal;
    this.query = query;
  }

  /** Jobs beyond these are shown as they were when their page was loaded. */
  get live() {
    return Math.min(LARGEST_PAGE, this.jobs.length);
  }

  /** Reads what is loaded again, at most a hundred jobs, in one request. */
  async refresh() {
    const limit = Math.min(LARGEST_PAGE, Math.max(PAGE, this.jobs.length));
    const { jobs, next } = await this.#page({ limit: String(limit) });
    const last = jobs.at(-1);
    // A page that is not full ends somewhere in the list that only its cursor knows.
    const older = jobs.length === limit ? this.jobs.filter((job) => isOlder(job, last)) : [];
    if (!older.length) this.next = next;
    this.jobs = [...jobs, ...older];
  }

  /** Adds a page. Some of its jobs may be loaded already, if a refresh has come in between. */
  async more() {
    if (!this.next) return;
    const { jobs, next } = await this.#page({ limit: String(PAGE), cursor: this.next });
    const known = new Set(this.jobs.map((job) => job.job_id));
    this.jobs = [...this.jobs, ...jobs.filter((/** @type {any} */ job) => !known.has(job.job_id))];
    this.next = next;
  }

  /** @param {Record<string, string>} parameters */
  async #page(parameters) {
    const query = new URLSearchParams([...this.query, ...Object.entries(parameters)]);
    const { body } = await this.api.get(`/v1/jobs?${query}`, { signal: this.signal });
    return body;
  }
}

/**
 * @param {any} job
 * @param {any} other
 * @returns {boolean} in the order of the list: by time, and then by id
 */
function isOlder(job, other) {
  return job.created_at < other.created_at || (job.created_at === other.created_at && job.job_id < other.job_id);
}
