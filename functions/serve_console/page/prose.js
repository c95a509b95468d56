/** Descriptions of the OpenAPI document have a little Markdown: code and bold text. */

import { h } from "./dom.js";

/** As sentences, without references to other parts of the documentation. @param {string} text @returns {(string | HTMLElement)[]} */
export function prose(text) {
  const alone = text.replaceAll(/[;,] see [A-Z][\w ]*/g, "");
  const sentence = alone.charAt(0).toUpperCase() + alone.slice(1) + (/[.?!:]$/.test(alone) ? "" : ".");
  return sentence.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) => {
    if (part.startsWith("`")) return h("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return h("strong", {}, part.slice(2, -2));
    return part;
  });
}
