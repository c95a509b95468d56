/** What every field of a form has around its control. The messages of the API appear there, by JSON pointer. */

import { h } from "./dom.js";
import { prose } from "./prose.js";

/**
 * @typedef {import("./schema.js").Field} Field
 * @typedef {{control: HTMLElement, message: HTMLElement}} Place
 * @typedef {{places: Map<string, Place>}} Places
 */

/** @param {Field} field @param {Places} form @param {HTMLElement} control @param {...any} extra @returns {HTMLElement} */
export function frame(field, form, control, ...extra) {
  const id = idOf(field.pointer);
  const { message, describedBy, help } = texts(field, id);
  control.id = id;
  control.setAttribute("aria-describedby", describedBy);
  if (field.required) control.setAttribute("aria-required", "true");
  form.places.set(field.pointer, { control, message });
  return h("div", { class: "field" }, h("label", { for: id }, field.label, mark(field)), control, message, h("div", { class: "under" }, help, ...extra));
}

/** @param {Field} field @param {string} id */
function texts(field, id) {
  const message = h("p", { class: "field-error", id: `${id}-message` });
  message.hidden = true;
  const help = field.description ? h("p", { class: "muted help", id: `${id}-help` }, ...prose(field.description)) : null;
  return { message, help, describedBy: `${id}-message${help ? ` ${id}-help` : ""}` };
}

/** @param {Field} field @returns {HTMLElement | null} */
function mark(field) {
  return field.required ? h("span", { class: "muted" }, " (required)") : null;
}

/** @param {string} pointer @returns {string} */
export function idOf(pointer) {
  return `field${pointer.replaceAll(/[^A-Za-z0-9]+/g, "-")}`;
}

/** @param {Field} field @param {Places} form @returns {{element: HTMLElement, body: HTMLElement}} */
export function fieldset(field, form) {
  const id = idOf(field.pointer);
  const { message, describedBy, help } = texts(field, id);
  const body = h("div", { class: "members" });
  const legend = h("legend", {}, field.label, mark(field));
  const element = h("fieldset", { id, tabindex: "-1", "aria-describedby": describedBy }, legend, help, message, body);
  form.places.set(field.pointer, { control: element, message });
  return { element, body };
}
