/** The fields of a form: a label, a control, its help, and the message of the API about it. */

import { h, replace } from "./dom.js";
import { number } from "./format.js";
import { fieldset, frame, idOf } from "./field_frame.js";
import { at } from "./schema.js";
import { drawSource, isSource } from "./source_field.js";

/**
 * @typedef {import("./schema.js").Field} Field
 * @typedef {import("./field_frame.js").Places & {
 *   limitOf: (field: Field) => {length: number, gateway: string | null} | null,
 *   models: () => string[], namedGateways: () => string[], api: import("./api.js").Api, signal: AbortSignal,
 * }} Form
 * @typedef {(value: any) => void} Change
 */

/** A text that may be longer is edited in several lines. */
const ONE_LINE = 600;

/**
 * Draws a field, and calls `change` with what it contains at each change.
 * @param {Field} field @param {any} value @param {Change} change @param {Form} form @returns {HTMLElement}
 */
export function drawField(field, value, change, form) {
  if (isSource(field)) return drawSource(field, value ?? {}, change, form, drawMembers);
  return DRAW[field.type](field, value, change, form);
}

/** @param {Field} field @param {string | undefined} value @param {Change} change @param {Form} form @returns {HTMLElement} */
function drawText(field, value, change, form) {
  const long = field.schema.maxLength > ONE_LINE && !field.name.includes("url");
  const control = h(long ? "textarea" : "input", long ? { dir: "auto", rows: field.name.includes("lyrics") ? 6 : 3 } : { dir: "auto", type: "text" });
  const box = /** @type {HTMLInputElement} */ (control);
  box.value = value ?? "";
  box.autocomplete = "off";
  const counter = long ? h("p", { class: "muted counter" }) : null;
  const count = () => counter && drawCount(counter, box.value.trim(), form.limitOf(field));
  box.addEventListener("input", () => (change(box.value), count()));
  count();
  return frame(field, form, box, counter, field.name === "model" ? suggestModels(box, form) : null);
}

/** @param {HTMLElement} counter @param {string} text @param {{length: number, gateway: string | null} | null} limit */
function drawCount(counter, text, limit) {
  const length = [...text].length;
  const most = limit ? ` of ${number(limit.length)}` : "";
  counter.classList.toggle("over", limit !== null && length > limit.length);
  replace(counter, `${number(length)}${most} characters${limit?.gateway ? ` at ${limit.gateway}` : ""}`);
}

/** @param {HTMLInputElement} box @param {Form} form @returns {HTMLElement} */
function suggestModels(box, form) {
  const id = `${idOf("/input/model")}-list`;
  box.setAttribute("list", id);
  return h("datalist", { id }, ...form.models().map((name) => h("option", { value: name })));
}

/** @param {Field} field @param {string | undefined} value @param {Change} change @param {Form} form @returns {HTMLElement} */
function drawNumber(field, value, change, form) {
  const { minimum, exclusiveMinimum, maximum, type } = field.schema;
  const box = /** @type {HTMLInputElement} */ (h("input", { type: "text", inputmode: type === "integer" ? "numeric" : "decimal" }));
  box.value = value ?? "";
  box.autocomplete = "off";
  box.addEventListener("input", () => change(box.value));
  const least = minimum ?? (exclusiveMinimum === undefined ? undefined : `more than ${exclusiveMinimum}`);
  const range = least === undefined && maximum === undefined ? null : `${least ?? "at most"} ${least === undefined ? "" : "to "}${maximum}`;
  return frame(field, form, box, range && h("p", { class: "muted counter" }, type === "integer" ? `${range}, whole` : range));
}

/** @param {Field} field @param {string | undefined} value @param {Change} change @param {Form} form @returns {HTMLElement} */
function drawChoice(field, value, change, form) {
  return frame(field, form, select(field.schema.enum.map((/** @type {string} */ each) => [each, each]), field, value, change));
}

/** @param {[string, string][]} choices @param {Field} field @param {string | undefined} value @param {Change} change */
function select(choices, field, value, change) {
  const offered = field.required ? choices : [/** @type {[string, string]} */ (["", "not given"]), ...choices];
  const box = /** @type {HTMLSelectElement} */ (h("select", {}, ...offered.map(([each, text]) => h("option", { value: each }, text))));
  box.value = value ?? "";
  box.addEventListener("change", () => change(box.value));
  return box;
}

/** A checkbox if it has a default; otherwise "not given" is a third value. @type {typeof drawText} */
function drawSwitch(field, value, change, form) {
  if (!("default" in field.schema)) {
    return frame(field, form, select([["true", "yes"], ["false", "no"]], field, value, change));
  }
  const box = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
  box.checked = Boolean(value ?? field.schema.default);
  box.addEventListener("change", () => change(box.checked));
  const drawn = frame(field, form, box);
  drawn.classList.add("switch");
  return drawn;
}

/** @param {Field} field @param {any[] | undefined} value @param {Change} change @param {Form} form @returns {HTMLElement} */
function drawList(field, value, change, form) {
  const least = field.schema.minItems ?? 0;
  const most = field.schema.maxItems ?? Infinity;
  const values = value?.length ? [...value] : Array(Math.max(1, least)).fill(undefined);
  const group = fieldset(field, form);
  const redraw = () => {
    const rows = values.map((each, index) => {
      const item = { ...at(/** @type {Field} */ (field.item), `${field.pointer}/${index}`), label: `${field.label} ${index + 1}`, required: false };
      const drawn = drawField(item, each, (changed) => ((values[index] = changed), change([...values])), form);
      const remove = () => (values.splice(index, 1), change([...values]), redraw(), focusLast(group.body));
      return removable(drawn, values.length > least && values.length > 1, item.label, remove);
    });
    const more = values.length < most && adder(field.label, () => (values.push(undefined), redraw(), focusLast(group.body)));
    replace(group.body, ...rows, more);
  };
  redraw();
  return group.element;
}

/** @param {HTMLElement} row @param {boolean} may @param {string} label @param {() => void} remove @returns {HTMLElement} */
function removable(row, may, label, remove) {
  if (!may) return row;
  const button = h("button", { type: "button", class: "button", "aria-label": `Remove ${label}`, on: { click: remove } }, "Remove");
  return h("div", { class: "removable" }, row, button);
}

/** @param {string} label @param {() => void} add @returns {HTMLElement} */
function adder(label, add) {
  return h("button", { type: "button", class: "button", "aria-label": `Add to ${label}`, on: { click: add } }, "Add");
}

/** The button that had the focus was drawn anew. @param {HTMLElement} body */
function focusLast(body) {
  const rows = body.querySelectorAll("input, select");
  const last = rows[rows.length - (body.querySelector(".pair") ? 2 : 1)];
  if (last instanceof HTMLElement) last.focus();
}

/** @param {Field} field @param {Record<string, any> | undefined} value @param {Change} change @param {Form} form @returns {HTMLElement} */
function drawGroup(field, value, change, form) {
  const values = { ...value };
  const group = fieldset(field, form);
  replace(group.body, ...drawMembers(field.fields, values, () => change({ ...values }), form));
  return group.element;
}

/** Draws fields whose values are the members of `values`. @param {Field[]} fields @param {Record<string, any>} values @param {() => void} change @param {Form} form */
export function drawMembers(fields, values, change, form) {
  return fields.map((field) => drawField(field, values[field.name], (changed) => ((values[field.name] = changed), change()), form));
}

/** Names and values of the client's own. @param {Field} field @param {[string, string][] | undefined} value @param {Change} change @param {Form} form */
function drawMap(field, value, change, form) {
  const rows = value?.length ? value.map((row) => /** @type {[string, string]} */ ([...row])) : [/** @type {[string, string]} */ (["", ""])];
  const group = fieldset(field, form);
  const redraw = () => {
    const drawn = rows.map((row, index) => {
      const changed = () => change(rows.map((each) => [...each]));
      const boxes = h("div", { class: "pair" }, pairBox(row, 0, `Name ${index + 1}`, changed), pairBox(row, 1, `Value ${index + 1}`, changed));
      const remove = () => (rows.splice(index, 1), changed(), redraw(), focusLast(group.body));
      return removable(boxes, rows.length > 1, `${field.label} ${index + 1}`, remove);
    });
    replace(group.body, ...drawn, adder(field.label, () => (rows.push(["", ""]), redraw(), focusLast(group.body))));
  };
  redraw();
  return group.element;
}

/** @param {[string, string]} row @param {0 | 1} index @param {string} label @param {() => void} changed @returns {HTMLElement} */
function pairBox(row, index, label, changed) {
  const box = /** @type {HTMLInputElement} */ (h("input", { type: "text", autocomplete: "off" }));
  box.value = row[index];
  box.addEventListener("input", () => ((row[index] = box.value), changed()));
  return h("label", { class: "field" }, h("span", {}, label), box);
}

/** @type {Record<import("./schema.js").FieldType, (field: Field, value: any, change: Change, form: Form) => HTMLElement>} */
const DRAW = {
  text: drawText,
  choice: drawChoice,
  switch: drawSwitch,
  number: drawNumber,
  list: drawList,
  group: drawGroup,
  map: drawMap,
};
