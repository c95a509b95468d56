/**
 * The fields of a request, read from the OpenAPI document of the API.
 *
 * @typedef {"text" | "choice" | "switch" | "number" | "list" | "group" | "map"} FieldType
 * @typedef {{
 *   name: string, label: string, pointer: string, type: FieldType, required: boolean, description: string,
 *   schema: Record<string, any>, nullable: boolean, item: Field | null, fields: Field[],
 * }} Field
 */

/** The kinds of jobs, in the order of the document. @param {any} document @returns {string[]} */
export function kindsOf(document) {
  return document.components.schemas.Kind.enum;
}

/** What a kind produces, by its description. @param {any} document @param {string} kind @returns {string} */
export function describeKind(document, kind) {
  const request = requestOf(document, kind);
  return (request.description ?? "").replace(/^.*?`: /, "Produces ");
}

/**
 * The fields of a request of the kind: those of `input`, and the others except `gateway` and `kind`.
 * @param {any} document @param {string} kind @returns {{input: Field[], options: Field[]}}
 */
export function fieldsOf(document, kind) {
  const request = requestOf(document, kind);
  const { input, gateway: _gateway, kind: _kind, ...options } = request.properties;
  return {
    input: members(document, resolve(document, input), "/input"),
    options: members(document, { properties: options, required: [] }, ""),
  };
}

/** @param {any} document @param {string} kind @returns {any} */
function requestOf(document, kind) {
  const { mapping } = document.components.schemas.JobRequest.discriminator;
  return resolve(document, { $ref: mapping[kind] });
}

/** @param {any} document @param {any} schema @param {string} pointer @returns {Field[]} */
function members(document, schema, pointer) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, member]) =>
    field(document, name, member, `${pointer}/${name}`, required.has(name)),
  );
}

/** @param {any} document @param {string} name @param {any} given @param {string} pointer @param {boolean} required @returns {Field} */
function field(document, name, given, pointer, required) {
  const schema = resolve(document, given);
  const type = typeOf(schema);
  return {
    name,
    label: labelOf(name),
    pointer,
    type,
    required,
    nullable: schema.nullable,
    description: given.description ?? schema.description ?? "",
    schema,
    item: type === "list" ? field(document, name, schema.items, `${pointer}/0`, true) : null,
    fields: type === "group" ? members(document, schema, pointer) : [],
  };
}

/** Without references, and without null as one of the types. @param {any} document @param {any} schema @returns {any} */
function resolve(document, schema) {
  if (schema.$ref) {
    const found = schema.$ref.split("/").slice(1).reduce((/** @type {any} */ node, /** @type {string} */ name) => node[name], document);
    return { ...resolve(document, found), ...rest(schema, "$ref") };
  }
  if (schema.anyOf) {
    const kept = schema.anyOf.filter((/** @type {any} */ each) => each.type !== "null");
    return { ...resolve(document, kept[0]), ...rest(schema, "anyOf"), nullable: kept.length < schema.anyOf.length };
  }
  return schema;
}

/** @param {any} schema @param {string} name @returns {any} */
function rest(schema, name) {
  const { [name]: _dropped, ...kept } = schema;
  return kept;
}

/** @param {any} schema @returns {FieldType} */
function typeOf(schema) {
  if (schema.enum) return "choice";
  if (schema.type === "boolean") return "switch";
  if (schema.type === "number" || schema.type === "integer") return "number";
  if (schema.type === "array") return "list";
  if (schema.type === "object") return schema.properties ? "group" : "map";
  return "text";
}

const WORDS = /** @type {Record<string, string>} */ ({ url: "URL", urls: "URLs", id: "ID", bpm: "BPM" });

/** `continue_at` becomes "Continue at", `start_s` "Start (seconds)". @param {string} name @returns {string} */
export function labelOf(name) {
  const words = name.replace(/_s$/, "").split("_").map((word) => WORDS[word] ?? word);
  const text = words.join(" ") + (name.endsWith("_s") ? " (seconds)" : "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The same field at another place of a list. @param {Field} given @param {string} pointer @returns {Field} */
export function at(given, pointer) {
  const moved = (/** @type {Field} */ each) => at(each, pointer + each.pointer.slice(given.pointer.length));
  return { ...given, pointer, fields: given.fields.map(moved) };
}
