// The API key of the session. It is in the sessionStorage of this tab alone, which the browser forgets with the tab. Where the
// browser stores nothing for the page, the key is in its memory only.

const NAME = "suno-jobs-key";
/** @type {string | null} */
let kept = null;

/** @returns {string | null} */
export function savedKey() {
  return stored((storage) => storage.getItem(NAME)) ?? kept;
}

/** @param {string} key */
export function saveKey(key) {
  kept = key;
  stored((storage) => storage.setItem(NAME, key));
}

export function forgetKey() {
  kept = null;
  stored((storage) => storage.removeItem(NAME));
}

/**
 * @template T
 * @param {(storage: Storage) => T} use
 * @returns {T | null} null if the browser permits no storage
 */
function stored(use) {
  try {
    return use(sessionStorage);
  } catch {
    return null;
  }
}
