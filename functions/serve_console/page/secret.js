/** A secret that the API returns once. */

import { announce, h } from "./dom.js";

/** @param {string} secret @param {() => void} dismiss @returns {HTMLElement} */
export function drawSecret(secret, dismiss) {
  const box = h("input", { type: "text", readonly: true, id: "secret", value: secret, class: "secret", autocomplete: "off", spellcheck: "false" });
  const said = h("span", { class: "muted", role: "status" });
  const copy = async () => {
    box.select();
    const copied = await navigator.clipboard?.writeText(secret).then(() => true, () => false);
    said.textContent = copied ? "Copied." : "It is selected: copy it with the keyboard.";
  };
  return h(
    "section",
    { class: "card important", "aria-labelledby": "secret-title" },
    h("h2", { id: "secret-title", tabindex: "-1" }, "The secret is shown once"),
    h("p", {}, "It verifies that an event comes from this service. Store it now: it cannot be shown again, only replaced."),
    h("div", { class: "field" }, h("label", { for: "secret" }, "Secret"), box),
    h(
      "div",
      { class: "buttons" },
      h("button", { type: "button", class: "button primary", on: { click: copy } }, "Copy"),
      h("button", { type: "button", class: "button", on: { click: () => (dismiss(), announce("The secret is hidden.")) } }, "I have stored it"),
      said,
    ),
  );
}
