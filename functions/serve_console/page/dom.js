// Elements without innerHTML: text never becomes markup.

const SVG = new Set(["svg", "g", "path", "rect", "line", "circle", "polyline", "polygon"]);
const LISTENERS = Symbol("listeners");
/** What the user changes in these, an update does not take back. */
const OF_THE_USER = new Set(["open", "value", "checked", "selected"]);

/**
 * Makes an element. `properties` are attributes; `on: {click: listen}`, `data: {state: "FAILED"}` and `style: {width: "50%"}` are
 * objects. Values and children that are null or false are left out; `true` makes an attribute without a value.
 *
 * @param {string} name
 * @param {Record<string, any> | null} [properties]
 * @param {...any} children
 * @returns {any}
 */
export function h(name, properties, ...children) {
  const element = SVG.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  const { on = {}, data = {}, style = {}, value = null, ...attributes } = properties ?? {};
  for (const [key, given] of Object.entries(attributes)) set(element, key, given);
  for (const [key, given] of Object.entries(data)) if (given !== null) element.dataset[key] = String(given);
  for (const [key, given] of Object.entries(style)) element.style.setProperty(key, String(given));
  element.append(...nodes(children));
  // The value of a select is one of its children.
  if (value !== null && value !== false) "value" in element && name !== "li" ? (element.value = value) : set(element, "value", value);
  listen(element, on);
  return element;
}

/** @param {Element} element @param {string} key @param {any} given */
function set(element, key, given) {
  if (given !== null && given !== undefined && given !== false) element.setAttribute(key, given === true ? "" : String(given));
}

/** @param {any[]} children @returns {Node[]} */
function nodes(children) {
  const wanted = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
  return wanted.map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** An element calls its present listeners, so that an update can replace them. @param {any} element @param {Record<string, Function>} on */
function listen(element, on) {
  const known = (element[LISTENERS] ??= {});
  for (const type of Object.keys(known)) if (!(type in on)) known[type] = null;
  for (const [type, listener] of Object.entries(on)) {
    if (!(type in known)) element.addEventListener(type, (/** @type {Event} */ event) => known[type]?.(event));
    known[type] = listener;
  }
}

/** Replaces all children of `parent`. @param {Element} parent @param {...any} children */
export function replace(parent, ...children) {
  parent.replaceChildren(...nodes(children));
}

/**
 * Makes the children of `parent` like these, and changes only what differs: focus, scroll position, open details, what is being
 * typed and playing audio stay. Children are matched by `data-key` or `id`, else by their order. The inside of an element with
 * `data-keep` is left as it is.
 *
 * @param {Element} parent
 * @param {...any} children
 */
export function update(parent, ...children) {
  updateChildren(parent, nodes(children));
}

/** @param {Node} parent @param {Node[]} wanted */
function updateChildren(parent, wanted) {
  const keys = new Set(wanted.map(keyOf));
  const keyed = new Map();
  for (const child of [...parent.childNodes]) {
    // What is gone is removed first: a child that is moved would lose its focus.
    if (keyOf(child) && !keys.has(keyOf(child))) child.remove();
    else if (keyOf(child)) keyed.set(keyOf(child), child);
  }
  let next = /** @type {any} */ (parent.firstChild);
  for (const child of wanted) {
    const known = keyOf(child) ? keyed.get(keyOf(child)) : next && !keyOf(next) ? next : null;
    if (known && isSame(known, child)) {
      keyed.delete(keyOf(child));
      if (known !== next) parent.insertBefore(known, next);
      else next = next.nextSibling;
      updateNode(known, child);
    } else parent.insertBefore(child, next);
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

/** @param {any} node @returns {string | undefined} */
function keyOf(node) {
  return node.dataset?.key || node.id || undefined;
}

/** @param {Node} known @param {Node} wanted */
function isSame(known, wanted) {
  return known.nodeName === wanted.nodeName && keyOf(known) === keyOf(wanted);
}

/** @param {any} known @param {any} wanted */
function updateNode(known, wanted) {
  if (known === wanted) return;
  if (known.nodeType !== Node.ELEMENT_NODE) {
    if (known.nodeValue !== wanted.nodeValue) known.nodeValue = wanted.nodeValue;
    return;
  }
  listen(known, listenersOf(wanted));
  for (const { name } of [...known.attributes]) {
    if (!wanted.hasAttribute(name) && !OF_THE_USER.has(name)) known.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (known.getAttribute(name) !== value && !OF_THE_USER.has(name)) known.setAttribute(name, value);
  }
  if (!("keep" in wanted.dataset)) updateChildren(known, [...wanted.childNodes]);
}

/** @param {any} element @returns {Record<string, Function>} */
function listenersOf(element) {
  const present = Object.entries(element[LISTENERS] ?? {}).filter(([, listener]) => listener !== null);
  return /** @type {any} */ (Object.fromEntries(present));
}

/** Has a screen reader say this. @param {string} text */
export function announce(text) {
  const region = document.getElementById("announcements");
  if (region) region.textContent = text;
}

/** A line below the navigation that is read aloud when it appears. @param {string} name @param {string} text */
export function notice(name, text) {
  const notices = document.getElementById("notices");
  const known = notices?.querySelector(`[data-name="${name}"]`);
  if (!text) known?.remove();
  else if (!known) notices?.append(h("p", { data: { name } }, text));
  else if (known.textContent !== text) known.textContent = text;
}
