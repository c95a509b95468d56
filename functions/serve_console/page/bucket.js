// Files of the bucket, by their presigned URLs.

/**
 * Not from the cache: a player or a download has asked for the same URL without an origin, and the answer of S3 to that one permits
 * no page to read it.
 *
 * @param {string} url @param {AbortSignal} signal
 */
export function fetchUrl(url, signal) {
  return fetch(url, { signal, credentials: "omit", cache: "no-store" });
}
