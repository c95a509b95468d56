// The API key of the session. It is in the sessionStorage of this tab alone, which the browser forgets with the tab.

const NAME = "suno-jobs-key";

/** @returns {string | null} */
export function savedKey() {
  return sessionStorage.getItem(NAME);
}

/** @param {string} key */
export function saveKey(key) {
  sessionStorage.setItem(NAME, key);
}

export function forgetKey() {
  sessionStorage.removeItem(NAME);
}
