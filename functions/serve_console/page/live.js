// Repeats a request while its view is seen.

import { KeyRefused, Problem } from "./api.js";

const EXACT = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const LONGEST_PAUSE_SECONDS = 60;

/**
 * Loads and draws, and repeats that every so many seconds while the page is visible, until `signal` is aborted or `draw` returns
 * false. Resolves after the first drawing to a function that loads and draws at once. Rejects if the first load fails; later, a
 * failure that may pass is noted and the rest is given to `fail`.
 *
 * @template T
 * @param {() => Promise<T>} load
 * @param {(loaded: T) => void | boolean} draw
 * @param {number | (() => number)} seconds a function if the pause depends on what was loaded
 * @param {{signal: AbortSignal, note: (text: string) => void, fail: (error: any) => void}} view
 * @returns {Promise<() => Promise<void>>}
 */
export async function live(load, draw, seconds, { signal, note, fail }) {
  const usual = () => (typeof seconds === "number" ? seconds : seconds());
  let updated = new Date();
  let wake = () => {};
  let [asked, drawn] = [0, 0];
  const step = async () => {
    const turn = ++asked;
    const loaded = await load();
    signal.throwIfAborted();
    // A later request was answered before this one, which may know less.
    if (turn < drawn) return true;
    drawn = turn;
    updated = new Date();
    note("");
    return draw(loaded) !== false;
  };
  const repeat = async () => {
    for (let pause = usual(), more = true; more; ) {
      await nextTurn(pause, signal, (now) => (wake = now));
      try {
        more = await step();
        pause = usual();
      } catch (error) {
        if (!mayPass(error, signal)) throw error;
        note(`Not updated since ${EXACT.format(updated)}: ${/** @type {Error} */ (error).message}`);
        pause = Math.min(LONGEST_PAUSE_SECONDS, /** @type {any} */ (error).retryAfter ?? pause * 2);
      }
    }
  };
  if (await step()) repeat().catch((error) => signal.aborted || fail(error));
  return async () => {
    if (!(await step())) return;
    wake();
  };
}

/** @param {any} error @param {AbortSignal} signal */
function mayPass(error, signal) {
  if (signal.aborted || error instanceof KeyRefused) return false;
  return !(error instanceof Problem) || error.status >= 500 || error.status === 429;
}

/**
 * Ends after the pause, at once if `early` is called, and never while the page is hidden. Rejects when `signal` is aborted.
 *
 * @param {number} seconds @param {AbortSignal} signal @param {(now: () => void) => void} early
 * @returns {Promise<void>}
 */
function nextTurn(seconds, signal, early) {
  return new Promise((resolve, reject) => {
    const done = () => {
      if (document.hidden) return;
      end();
      resolve();
    };
    const timer = setTimeout(() => (document.hidden ? document.addEventListener("visibilitychange", done) : done()), seconds * 1000);
    const abort = () => {
      end();
      reject(signal.reason);
    };
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", done);
      signal.removeEventListener("abort", abort);
    };
    signal.aborted ? abort() : signal.addEventListener("abort", abort);
    early(done);
  });
}
