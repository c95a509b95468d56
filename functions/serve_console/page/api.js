// The public API, with the key of the session.

/** The console may be served below a path, such as the stage of an API. */
const BASE = new URL("../", import.meta.url);
const DEADLINE_SECONDS = 30;
const SLOW_SECONDS = 3;

/** The API answered, but not as wanted: a problem document (RFC 9457), or what API Gateway says itself. */
export class Problem extends Error {
  /** @param {number} status @param {Record<string, any>} document @param {Headers} headers */
  constructor(status, document, headers) {
    super(document.detail ?? document.title ?? document.message ?? `Status ${status}`);
    this.name = "Problem";
    this.status = status;
    this.type = String(document.type ?? "");
    this.title = String(document.title ?? titleOf(status));
    this.detail = String(document.detail ?? "");
    /** @type {{detail: string, pointer?: string, parameter?: string, header?: string}[]} */
    this.errors = document.errors ?? [];
    /** The limits of the tenant that were reached. @type {string[]} */
    this.quota = document["violated-policies"] ?? [];
    /** Seconds after which the request may be repeated (`Retry-After`). @type {number | null} */
    this.retryAfter = Number.parseInt(headers.get("retry-after") ?? "", 10) || null;
    this.document = document;
  }
}

/** No answer: no connection, or none before the deadline. It is not known whether a request that changes something did so. */
export class Unreachable extends Error {
  name = "Unreachable";
}

/** The key is unknown, revoked or has expired. */
export class KeyRefused extends Error {
  name = "KeyRefused";
}

/** @typedef {{signal?: AbortSignal, headers?: Record<string, string>, idempotencyKey?: string, deadline?: number, slowAfter?: number}} Options */
// `deadline` and `slowAfter` are in seconds; after the latter the page says that it waits.
/** @typedef {{status: number, headers: Headers, body: any}} Answer */

export class Api {
  /** @type {string} */
  #key;
  #keyRefused;
  #slow;

  /**
   * @param {string} key
   * @param {{keyRefused?: () => void, slow?: (more: 1 | -1) => void}} [listeners] `slow` counts the requests that take long
   */
  constructor(key, { keyRefused = () => {}, slow = () => {} } = {}) {
    this.#key = key;
    this.#keyRefused = keyRefused;
    this.#slow = slow;
  }

  /** @param {string} path @param {Options} [options] */
  get(path, options) {
    return this.#send("GET", path, undefined, options);
  }

  /** @param {string} path @param {any} [body] @param {Options} [options] */
  post(path, body, options) {
    return this.#send("POST", path, body, options);
  }

  /** @param {string} path @param {any} body @param {Options} [options] */
  patch(path, body, options) {
    return this.#send("PATCH", path, body, options);
  }

  /** @param {string} path @param {Options} [options] */
  delete(path, options) {
    return this.#send("DELETE", path, undefined, options);
  }

  /** The bodies of the pages of a list. @param {string} path @param {Options} [options] @returns {AsyncGenerator<any>} */
  async *pages(path, options) {
    const [place, query] = path.split("?");
    const parameters = new URLSearchParams(query);
    for (;;) {
      const { body } = await this.get(parameters.size ? `${place}?${parameters}` : place, options);
      yield body;
      if (!body.next) return;
      parameters.set("cursor", body.next);
    }
  }

  /**
   * @param {string} method @param {string} path @param {any} body @param {Options} [options]
   * @returns {Promise<Answer>}
   */
  async #send(method, path, body, { signal, headers = {}, idempotencyKey, deadline = DEADLINE_SECONDS, slowAfter = SLOW_SECONDS } = {}) {
    const late = new AbortController();
    const request = {
      method,
      headers: {
        Authorization: `Bearer ${this.#key}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(idempotencyKey ? { "Idempotency-Key": idempotencyKey } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
    };
    const timer = setTimeout(() => late.abort(), deadline * 1000);
    try {
      return this.#answer(await this.#noticed(() => fetchText(path, request), slowAfter));
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Problem || error instanceof KeyRefused) throw error;
      if (late.signal.aborted) throw new Unreachable(`The API has not answered for ${deadline} seconds.`);
      throw new Unreachable(navigator.onLine ? "The API cannot be reached." : "This device is offline.");
    } finally {
      clearTimeout(timer);
    }
  }

  /** Has the page say so if the answer takes long. @param {() => Promise<Read>} fetched @param {number} slowAfter @returns {Promise<Read>} */
  async #noticed(fetched, slowAfter) {
    let isSlow = false;
    const timer = setTimeout(() => {
      isSlow = true;
      this.#slow(1);
    }, slowAfter * 1000);
    try {
      return await fetched();
    } finally {
      clearTimeout(timer);
      if (isSlow) this.#slow(-1);
    }
  }

  /** @param {Read} read @returns {Answer} */
  #answer({ status, headers, text }) {
    const body = parsed(text);
    if (status === 204 || status === 304) return { status, headers, body };
    // A proxy or a captive portal may answer in place of the API.
    if (status < 300 && body === null) throw new Problem(status, { title: "The answer is not from the API" }, headers);
    if (status < 300) return { status, headers, body };
    const isProblem = headers.get("content-type")?.startsWith("application/problem+json");
    // API Gateway refuses a key itself, without a problem document.
    if (status === 401 || (status === 403 && !isProblem)) {
      this.#keyRefused();
      throw new KeyRefused("The key is not valid any more.");
    }
    throw new Problem(status, body ?? {}, headers);
  }
}

/** @typedef {{status: number, headers: Headers, text: string}} Read */

/** @param {string} path @param {RequestInit} request @returns {Promise<Read>} */
async function fetchText(path, request) {
  const options = /** @type {RequestInit} */ ({ cache: "no-store", credentials: "omit", ...request });
  const response = await fetch(new URL(path.replace(/^\//, ""), BASE), options);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** @param {string} text */
function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** @param {number} status */
function titleOf(status) {
  if (status === 429) return "Too many requests";
  return status >= 500 ? "The API failed" : "The API refused the request";
}
