/** The gateways of a request, in the order in which they are asked, and what they can do for its kind. */

import { h } from "./dom.js";

const AUTO = "auto";

export class Gateways {
  /** @param {any[]} all as `GET /v1/gateways` returns them @param {{kind: string, gateway: string[]}} draft */
  constructor(all, draft) {
    this.all = all;
    this.draft = draft;
  }

  /** One box for each gateway, and one for a further one. `choose` gets the names, and the index of the box. @param {(chosen: string[], index: number) => void} choose */
  draw(choose) {
    const chosen = this.draft.gateway;
    const boxes = chosen.map((name, index) => this.drawBox(name, chosen.slice(0, index), index, choose));
    const more = chosen[0] !== AUTO && chosen.length < this.all.length;
    return more ? [...boxes, this.drawBox("", chosen, chosen.length, choose)] : boxes;
  }

  /** @param {string} value @param {string[]} before @param {number} index @param {(chosen: string[], index: number) => void} choose */
  drawBox(value, before, index, choose) {
    const first = index === 0 ? { value: AUTO, text: "auto: the service chooses" } : { value: "", text: "no other" };
    const offered = this.all.filter((each) => !before.includes(each.name));
    const options = offered.map((each) => {
      const option = /** @type {HTMLOptionElement} */ (h("option", { value: each.name }, this.describe(each)));
      option.disabled = !this.offer(each) && each.name !== value;
      return option;
    });
    const box = /** @type {HTMLSelectElement} */ (h("select", {}, h("option", { value: first.value }, first.text), ...options));
    box.value = value;
    box.addEventListener("change", () => {
      const after = this.draft.gateway.slice(index + 1).filter((name) => name !== box.value);
      choose([...before, ...(box.value ? [box.value] : []), ...(box.value === AUTO ? [] : after)], index);
    });
    const help = index === 1 ? "Asked only if the gateway before has definitely refused or cannot be reached." : "";
    return { box, label: index ? "Otherwise" : "Gateway", help };
  }

  /** @param {any} gateway @returns {string} */
  describe(gateway) {
    if (!this.offer(gateway)) return `${gateway.name} (does not offer ${this.draft.kind})`;
    if (gateway.health.breaker === "open") return `${gateway.name} (circuit breaker open)`;
    return gateway.health.status === "failing" ? `${gateway.name} (failing)` : gateway.name;
  }

  /** @param {any} gateway */
  offer(gateway) {
    return gateway.kinds[this.draft.kind];
  }

  /** Those that were chosen by name. @returns {any[]} */
  named() {
    return this.all.filter((each) => this.draft.gateway.includes(each.name));
  }

  /** Those that may be asked, and offer the kind. @returns {any[]} */
  possible() {
    return (this.draft.gateway[0] === AUTO ? this.all : this.named()).filter((each) => this.offer(each));
  }

  /** What every gateway that may be asked requires, as a sentence. @returns {string} */
  needs() {
    const [first, ...others] = this.possible().map((each) => this.offer(each).required);
    const common = (first ?? []).filter((/** @type {string} */ field) => others.every((required) => required.includes(field)));
    const words = common.map((/** @type {string} */ field) => field.split("/").map((name) => `\`${name}\``).join(" or "));
    return words.length ? `Required: ${words.join(", ")}.` : "";
  }

  /** Which of the chosen gateways do not support the field. @param {string} name @returns {string[]} */
  withoutField(name) {
    return this.named().filter((each) => this.offer(each) && !this.offer(each).fields.includes(name)).map((each) => each.name);
  }

  /** The shortest limit of the chosen gateways, for their default models. @param {string} name */
  limitOf(name) {
    const limits = this.named().filter((each) => each.limits[name]).map((each) => ({ length: each.limits[name], gateway: each.name }));
    return limits.sort((one, other) => one.length - other.length)[0] ?? null;
  }

  /** Names of models that the gateways know. @returns {string[]} */
  models() {
    return [...new Set(this.possible().flatMap((each) => Object.keys(each.models)))];
  }
}
