// Asks for an API key, and checks it before the console uses it.

import { Api, KeyRefused, Problem } from "./api.js";
import { h, replace } from "./dom.js";

const BEGINNINGS = ["sj_live_", "sj_test_"];
/** It costs the API least, and needs the scope that every view needs. */
const CHECK = "/v1/usage";

/**
 * @param {HTMLElement} main
 * @param {{reason?: string, loggedIn: (key: string) => void, slow: (more: 1 | -1) => void}} session `reason`: why the last one ended
 */
export function showLogin(main, { reason = "", loggedIn, slow }) {
  const form = makeForm(reason, async (key) => {
    const wrong = wrongForm(key) ?? (await wrongKey(new Api(key, { slow })));
    if (!wrong) loggedIn(key);
    return wrong;
  });
  replace(main, form);
  // A person who has just arrived can type at once; one whose session has ended hears why.
  /** @type {HTMLElement} */ (form.querySelector("#key")).focus();
}

/** @param {string} key @returns {string | null} */
function wrongForm(key) {
  if (!key) return "Enter an API key.";
  const isKey = BEGINNINGS.some((beginning) => key.startsWith(beginning)) && /^\w+$/.test(key);
  return isKey ? null : `This is not an API key. A key begins with ${BEGINNINGS.join(" or ")}.`;
}

/** @param {Api} api @returns {Promise<string | null>} */
async function wrongKey(api) {
  try {
    await api.get(CHECK);
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

/** @param {any} error @returns {string} */
function reasonOf(error) {
  if (error instanceof KeyRefused) return "The API does not accept this key. It is unknown, was revoked or has expired.";
  if (error instanceof Problem && error.type.endsWith("/scope-missing")) {
    return "This key may not read jobs: it lacks the scope jobs:read, which the console needs.";
  }
  if (error instanceof Problem) return `The key could not be checked: ${error.title} (status ${error.status}). Try again.`;
  return `The key could not be checked: ${error.message} Try again.`;
}

/** @param {string} reason @param {(key: string) => Promise<string | null>} check @returns {HTMLFormElement} */
function makeForm(reason, check) {
  const wrong = h("p", { class: "field-error", id: "key-error", role: "alert" });
  const key = h("input", {
    ...{ id: "key", type: "password", autocomplete: "off", autocapitalize: "off", spellcheck: "false" },
    ...{ "aria-describedby": "key-hint key-error", placeholder: "sj_live_…" },
  });
  const button = h("button", { class: "button primary", type: "submit" }, "Log in");
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    button.textContent = "Checking the key …";
    const text = await check(key.value.trim());
    button.disabled = false;
    button.textContent = "Log in";
    wrong.textContent = text ?? "";
    key.toggleAttribute("aria-invalid", false);
    if (text) {
      key.setAttribute("aria-invalid", "true");
      key.focus();
    }
  };
  return h(
    "form",
    { class: "card login", novalidate: true, on: { submit } },
    h("h1", {}, "Log in"),
    reason ? h("p", { class: "note", role: "alert" }, reason) : null,
    h("div", { class: "field" }, h("label", { for: "key" }, "API key"), key, wrong, revealing(key)),
    hint(),
    button,
  );
}

/** @param {HTMLInputElement} key */
function revealing(key) {
  const change = (/** @type {Event} */ event) => {
    key.type = /** @type {HTMLInputElement} */ (event.target).checked ? "text" : "password";
  };
  return h("label", { class: "check" }, h("input", { type: "checkbox", on: { change } }), "Show the key");
}

function hint() {
  return h(
    "p",
    { class: "muted", id: "key-hint" },
    "The key stays in this tab until you log out or close it. It needs the scope ",
    h("code", {}, "jobs:read"),
    "; to create jobs also ",
    h("code", {}, "jobs:write"),
    ", and for webhooks ",
    h("code", {}, "webhooks"),
    ".",
  );
}
