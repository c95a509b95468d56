/** A form's values as JSON of a request, and back. What was typed is kept as text until then. */

/** @typedef {import("./schema.js").Field} Field */

/**
 * The value of a field as JSON; undefined if it is empty. A number that cannot be read stays text, so the API refuses it by name.
 * @param {Field} field @param {any} raw @returns {any}
 */
export function toJson(field, raw) {
  if (raw === undefined || raw === null) return undefined;
  switch (field.type) {
    case "switch":
      return raw === "" ? undefined : raw === true || raw === "true";
    case "number":
      return numberOf(raw);
    case "list":
      return unlessEmpty(raw.map((/** @type {any} */ each) => toJson(/** @type {Field} */ (field.item), each)).filter(isGiven));
    case "group":
      return membersToJson(field.fields, raw);
    case "map":
      return mapToJson(raw);
    default:
      return raw.trim() === "" ? undefined : raw;
  }
}

/** Those members that are given; undefined if none is. @param {Field[]} fields @param {Record<string, any>} values @returns {any} */
export function membersToJson(fields, values) {
  const pairs = fields.map((field) => [field.name, toJson(field, values[field.name])]).filter(([, value]) => isGiven(value));
  return pairs.length ? Object.fromEntries(pairs) : undefined;
}

/** The opposite: what a form shows of a value. @param {Field} field @param {any} value @returns {any} */
export function fromJson(field, value) {
  if (value === undefined || value === null) return undefined;
  switch (field.type) {
    case "switch":
      return "default" in field.schema ? value : String(value);
    case "list":
      return value.map((/** @type {any} */ each) => fromJson(/** @type {Field} */ (field.item), each));
    case "group":
      return membersFromJson(field.fields, value);
    case "map":
      return Object.entries(value);
    default:
      return String(value);
  }
}

/** @param {Field[]} fields @param {Record<string, any>} values @returns {Record<string, any>} */
export function membersFromJson(fields, values) {
  return Object.fromEntries(fields.map((field) => [field.name, fromJson(field, values[field.name])]));
}

/** @param {string} raw @returns {number | string | undefined} */
function numberOf(raw) {
  const text = raw.trim();
  if (text === "") return undefined;
  return Number.isFinite(Number(text)) ? Number(text) : text;
}

/** A row without a name and a value is no member. @param {[string, string][]} rows @returns {any} */
function mapToJson(rows) {
  return unlessEmpty(Object.fromEntries(rows.filter(([name, value]) => name !== "" || value !== "")));
}

/** @param {any} value @returns {boolean} */
function isGiven(value) {
  return value !== undefined;
}

/** @param {any} value @returns {any} */
function unlessEmpty(value) {
  return Object.keys(value).length ? value : undefined;
}
