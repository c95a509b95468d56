/** The form of an endpoint, to create and to change one. */

import { h, replace } from "./dom.js";

/** What an endpoint can get. The first ones are those of an endpoint that asks for nothing else. */
export const EVENTS = ["job.cancelled", "job.failed", "job.succeeded", "job.timed_out", "webhook.disabled", "job.progress"];
const USUAL = EVENTS.filter((event) => event !== "job.progress");

/**
 * `save` gets the body of the request. What the API refuses is shown at its field.
 * @param {{url: string, description: string, events: string[]} | null} endpoint @param {string} action
 * @param {(body: any) => Promise<any>} save @returns {HTMLElement}
 */
export function drawForm(endpoint, action, save) {
  const url = textField("url", "URL", "A public https URL with port 443.", endpoint?.url ?? "");
  const description = textField("description", "Description", "What it is for.", endpoint?.description ?? "");
  const events = drawEvents(endpoint?.events ?? USUAL);
  const status = h("p", { class: "field-error", role: "alert" });
  const button = h("button", { type: "submit", class: "button primary" }, action);
  const form = h("form", { class: "column", novalidate: true, autocomplete: "off" }, url.element, description.element, events.element, status, h("div", { class: "buttons" }, button));
  const places = { url, description, events };
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const body = { url: url.box.value.trim(), description: description.box.value.trim(), events: events.chosen() };
    submit(button, status, places, () => save(body));
  });
  return form;
}

/** @typedef {{message: HTMLElement, control: HTMLElement}} Place */

/** One request at a time. @param {HTMLButtonElement} button @param {HTMLElement} status @param {Record<string, Place>} places @param {() => Promise<any>} save */
async function submit(button, status, places, save) {
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  replace(status);
  for (const place of Object.values(places)) mark(place, "");
  try {
    await save();
  } catch (problem) {
    showProblem(/** @type {any} */ (problem), status, places);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** @param {any} problem @param {HTMLElement} status @param {Record<string, Place>} places */
function showProblem(problem, status, places) {
  const left = [];
  for (const error of problem.errors ?? []) {
    const place = places[(error.pointer ?? "").split("/")[1] ?? ""];
    if (place) mark(place, error.detail);
    else left.push(`${error.pointer || "The request"}: ${error.detail}`);
  }
  if (!problem.errors?.length) left.push(problem.detail || problem.message);
  if (problem.status === undefined) left.push("It may have been saved: check before you try again.");
  replace(status, left.join(" "));
  Object.values(places).find((place) => place.message.textContent)?.control.focus();
}

/** @param {Place} place @param {string} text */
function mark({ message, control }, text) {
  replace(message, text);
  message.hidden = !text;
  if (text && !(control instanceof HTMLFieldSetElement)) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

/** @param {string} name @param {string} label @param {string} help @param {string} value */
function textField(name, label, help, value) {
  const id = `webhook-${name}`;
  const box = h("input", { type: "text", id, value, autocomplete: "off", "aria-describedby": `${id}-message ${id}-help` });
  const message = h("p", { class: "field-error", id: `${id}-message`, hidden: true });
  const element = h("div", { class: "field" }, h("label", { for: id }, label), box, h("p", { class: "muted help", id: `${id}-help` }, help), message);
  return { element, box, control: box, message };
}

/** @param {string[]} subscribed */
function drawEvents(subscribed) {
  // An event that this page does not know yet stays subscribed.
  const all = [...EVENTS, ...subscribed.filter((event) => !EVENTS.includes(event))];
  const boxes = all.map((event) => {
    const box = h("input", { type: "checkbox", value: event, checked: subscribed.includes(event) });
    return { box, element: h("label", { class: "check" }, box, h("code", {}, event)) };
  });
  const message = h("p", { class: "field-error", id: "webhook-events-message", hidden: true });
  const control = h("fieldset", { class: "checks", tabindex: "-1", "aria-describedby": message.id }, h("legend", {}, "Events"), boxes.map(({ element }) => element), message);
  const chosen = () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
  return { element: control, control, message, chosen };
}
