// Redraws a part of a page only when what it shows has changed, so that focus, selection and open details survive.

import { replace } from "./dom.js";

/**
 * @template T
 * @param {Element} element
 * @param {(value: T) => any[]} draw its new children
 * @returns {(value: T) => void} call it with each new value
 */
export function redrawing(element, draw) {
  /** @type {string | undefined} */
  let shown;
  return (value) => {
    const next = JSON.stringify(value);
    if (next === shown) return;
    shown = next;
    replace(element, ...draw(value));
  };
}
