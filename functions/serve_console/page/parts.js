// What several views show alike.

import { Problem, Unreachable } from "./api.js";
import { h } from "./dom.js";

/** The state of a job, or of anything else, as the API names it. @param {string} state */
export function badge(state) {
  return h("span", { class: "badge", data: { state } }, state);
}

/**
 * What went wrong, with everything that the API says about it.
 *
 * @param {any} error
 * @param {{retry?: () => void}} [options] what the button "Try again" does
 */
export function errorBox(error, { retry } = {}) {
  return h(
    "div",
    { class: "error", role: "alert" },
    h("p", { class: "error-title" }, titleOf(error)),
    detailsOf(error).map((text) => h("p", {}, text)),
    retry ? h("button", { class: "button", type: "button", on: { click: retry } }, "Try again") : null,
  );
}

/** @param {any} error @returns {string} */
function titleOf(error) {
  if (error instanceof Problem) return error.title;
  return error instanceof Unreachable ? error.message : "The console failed";
}

/** @param {any} error @returns {string[]} */
function detailsOf(error) {
  if (error instanceof Unreachable) return [];
  if (!(error instanceof Problem)) return [String(error?.message ?? error)];
  const wrong = error.errors.map((each) => `${each.pointer ?? each.parameter ?? each.header ?? ""} ${each.detail}`.trim());
  const later = error.retryAfter ? [`Try again in ${error.retryAfter} seconds.`] : [];
  return [error.detail, ...wrong, ...later].filter(Boolean);
}

/**
 * A table whose rows become cards on a narrow screen. It stays a table for a screen reader, whatever CSS makes of it.
 *
 * @param {string} caption for screen readers
 * @param {string[]} columns
 * @param {{key?: string, cells: any[]}[]} rows
 */
export function table(caption, columns, rows) {
  const heads = columns.map((name) => h("th", { role: "columnheader", scope: "col" }, name));
  const body = rows.map(({ key = null, cells }) =>
    h("tr", { role: "row", data: { key } }, cells.map((cell, index) => h("td", { role: "cell", data: { label: columns[index] } }, cell))),
  );
  return h(
    "table",
    { class: "table", role: "table" },
    h("caption", { class: "only-heard" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
    h("tbody", { role: "rowgroup" }, body),
  );
}
