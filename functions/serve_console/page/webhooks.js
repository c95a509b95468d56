import { h, replace } from "./dom.js";

export const title = "Webhooks";

/** @param {HTMLElement} main */
export async function show(main) {
  replace(main, h("h1", {}, title));
}
