// Copying to the clipboard.

import { announce, h } from "./dom.js";

/**
 * @param {string} label what is copied, such as "request"
 * @param {() => string} read the text at the moment of the click
 * @returns {HTMLElement}
 */
export function copyButton(label, read) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(read());
      announce(`Copied ${label}`);
    } catch {
      announce(`The browser does not let this page copy ${label}. Select the text instead.`);
    }
  };
  return h("button", { type: "button", class: "button small", "aria-label": `Copy ${label}`, on: { click: copy } }, "Copy");
}

/**
 * @param {string} label
 * @param {unknown} value shown as JSON
 * @returns {HTMLElement}
 */
export function jsonBlock(label, value) {
  const text = JSON.stringify(value, null, 2);
  const pre = h("pre", { class: "json", tabindex: "0", role: "region", "aria-label": label }, text);
  return h("div", { class: "json-block" }, copyButton(label, () => text), pre);
}
