/** The form of a request: built from the OpenAPI document, filled from a draft, and read as the body of `POST /v1/jobs`. */

import { h, replace } from "./dom.js";
import { frame } from "./field_frame.js";
import { drawMembers } from "./fields.js";
import { Gateways } from "./gateway_choice.js";
import { prose } from "./prose.js";
import { membersFromJson, membersToJson } from "./request.js";
import { describeKind, fieldsOf, kindsOf } from "./schema.js";

/**
 * @typedef {import("./schema.js").Field} Field
 * @typedef {{kind: string, gateway: string[], input: Record<string, any>, options: Record<string, any>}} Draft
 * @typedef {{pointer?: string, parameter?: string, header?: string, detail: string}} WrongValue
 */

/** These are shown at once, and so is what is required; the others are one click away. */
const SHOWN = new Set(["prompt", "lyrics", "style", "title", "instrumental", "model", "source", "sources", "audio_url", "audio_urls"]);

/** @returns {Draft} */
export function emptyDraft() {
  return { kind: "music", gateway: ["auto"], input: {}, options: {} };
}

/** What the form shows of an earlier request. @param {any} document @param {any} request @returns {Draft} */
export function draftOf(document, request) {
  const { input, options } = fieldsOf(document, request.kind);
  return {
    kind: request.kind,
    gateway: [request.gateway].flat(),
    input: membersFromJson(input, request.input),
    options: membersFromJson(options, request),
  };
}

export class SongForm {
  /** @param {{document: any, gateways: any[], api: import("./api.js").Api, signal: AbortSignal, draft: Draft, changed: () => void}} given */
  constructor({ document, gateways, api, signal, draft, changed }) {
    this.document = document;
    this.gateways = new Gateways(gateways, draft);
    this.api = api;
    this.signal = signal;
    this.draft = draft;
    this.changed = changed;
    /** @type {Map<string, import("./field_frame.js").Place>} */
    this.places = new Map();
    this.inputMessage = h("p", { class: "field-error", id: "field-input-message", hidden: true });
    this.inputArea = h("div", { class: "members", role: "group", tabindex: "-1", "aria-label": "Input", "aria-describedby": this.inputMessage.id });
    this.places.set("/input", { control: this.inputArea, message: this.inputMessage });
    this.gatewayArea = h("div", { class: "members" });
    this.options = fieldsOf(document, draft.kind).options;
    this.element = h("div", { class: "form card" }, h("div", { class: "members two" }, this.drawKind(), this.gatewayArea), this.inputArea, this.drawOptions());
    this.drawForKind();
  }

  /** The body of the request. */
  request() {
    const { kind, gateway, input, options } = this.draft;
    const fields = fieldsOf(this.document, kind);
    const chosen = gateway.length === 1 ? gateway[0] : gateway;
    return { gateway: chosen, kind, input: membersToJson(fields.input, input) ?? {}, ...membersToJson(fields.options, options) };
  }

  /** What the body cannot express, and the API therefore does not see. @returns {WrongValue[]} */
  localErrors() {
    const names = (this.draft.options.metadata ?? []).map((/** @type {[string, string]} */ [name]) => name);
    const twice = names.find((/** @type {string} */ name, /** @type {number} */ index) => name !== "" && names.indexOf(name) < index);
    return twice === undefined ? [] : [{ pointer: "/metadata", detail: `has the name ${twice} twice` }];
  }

  /** Shows each error at its field, and moves the focus to the first. Returns those without a field. @param {WrongValue[]} errors */
  showErrors(errors) {
    this.clearErrors();
    const left = errors.filter((error) => !this.showError(error));
    const first = this.element.querySelector("[data-invalid]");
    if (first instanceof HTMLElement) {
      for (let each = first.closest("details"); each; each = each.parentElement?.closest("details") ?? null) each.open = true;
      first.focus();
    }
    return left;
  }

  clearErrors() {
    for (const { control, message } of this.places.values()) {
      control.removeAttribute("aria-invalid");
      delete control.dataset.invalid;
      message.hidden = true;
      replace(message);
    }
  }

  /** @param {WrongValue} error @returns {boolean} */
  showError({ pointer, detail }) {
    for (let at = pointer ?? ""; at; at = at.slice(0, at.lastIndexOf("/"))) {
      const place = this.places.get(at);
      if (!place?.control.isConnected) continue;
      place.control.dataset.invalid = "";
      if (place.control.matches("input, select, textarea")) place.control.setAttribute("aria-invalid", "true");
      place.message.hidden = false;
      place.message.append(h("span", {}, detail), h("br"));
      return true;
    }
    return false;
  }

  /** @returns {HTMLElement} */
  drawKind() {
    const kinds = kindsOf(this.document);
    const box = /** @type {HTMLSelectElement} */ (h("select", {}, ...kinds.map((kind) => h("option", { value: kind }, kind))));
    box.value = this.draft.kind;
    this.kindHelp = h("p", { class: "muted" });
    box.addEventListener("change", () => {
      this.draft.kind = box.value;
      this.drawForKind();
      this.changed();
    });
    return frame({ ...FRAME, name: "kind", label: "Kind", pointer: "/kind" }, this, box, this.kindHelp);
  }

  drawForKind() {
    replace(/** @type {HTMLElement} */ (this.kindHelp), ...prose(describeKind(this.document, this.draft.kind)));
    this.drawGateways();
    this.drawInput();
  }

  drawGateways() {
    const boxes = this.gateways.draw((chosen, index) => {
      this.draft.gateway = chosen;
      this.drawGateways();
      this.drawInput();
      this.changed();
      this.gatewayArea.querySelectorAll("select")[index]?.focus();
    });
    const drawn = boxes.map(({ box, label, help }, index) =>
      frame({ ...FRAME, name: "gateway", label, pointer: index ? `/gateway/${index}` : "/gateway", required: !index, description: help }, this, box),
    );
    replace(this.gatewayArea, ...drawn);
  }

  drawInput() {
    const open = this.inputArea.querySelector("details")?.open ?? false;
    const fields = fieldsOf(this.document, this.draft.kind).input;
    const shown = fields.filter((field) => field.required || SHOWN.has(field.name));
    const others = fields.filter((field) => !shown.includes(field));
    const more = others.length ? h("details", {}, h("summary", {}, "More fields"), h("div", { class: "members" }, ...this.drawFields(others))) : null;
    if (more instanceof HTMLDetailsElement) more.open = open;
    const needs = this.gateways.needs();
    replace(this.inputArea, this.inputMessage, needs ? h("p", { class: "muted" }, ...prose(needs)) : null, ...this.drawFields(shown), more);
  }

  /** @param {Field[]} fields @returns {HTMLElement[]} */
  drawFields(fields) {
    return drawMembers(fields, this.draft.input, this.changed, this).map((drawn, index) => {
      const names = this.gateways.withoutField(fields[index].name);
      if (names.length) drawn.append(h("p", { class: "muted" }, `Not supported by ${names.join(", ")}.`));
      return drawn;
    });
  }

  /** @returns {HTMLElement} */
  drawOptions() {
    const drawn = drawMembers(this.options, this.draft.options, this.changed, this);
    const details = h("details", {}, h("summary", {}, "Options"), h("div", { class: "members" }, ...drawn));
    if (details instanceof HTMLDetailsElement) details.open = Object.values(this.draft.options).some((value) => value?.length);
    return details;
  }

  /** How long a text may be at the chosen gateways. @param {Field} field */
  limitOf(field) {
    const length = field.schema.maxLength;
    const shortest = this.gateways.limitOf(field.name);
    if (shortest && field.pointer.startsWith("/input/") && (!length || shortest.length < length)) return shortest;
    return length ? { length, gateway: null } : null;
  }

  models() {
    return this.gateways.models();
  }

  namedGateways() {
    return this.gateways.named().map((each) => each.name);
  }
}

/** @type {Field} */
const FRAME = { name: "", label: "", pointer: "", type: "choice", required: true, description: "", schema: {}, nullable: false, item: null, fields: [] };
