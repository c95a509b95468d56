// The frame of the page: the session, the address, and the view that it names.

import { Api, KeyRefused, Unreachable } from "./api.js";
import { announce, h, notice, replace } from "./dom.js";
import { live } from "./live.js";
import { showLogin } from "./login.js";
import { errorBox } from "./parts.js";
import { forgetKey, savedKey, saveKey } from "./session.js";

/** @typedef {{title: string, show: (main: HTMLElement, context: any) => Promise<void>}} View */
/** @type {[RegExp, () => Promise<View>, string[]][]} */
const ROUTES = [
  [/^jobs$/, () => import("./jobs.js"), []],
  [/^jobs\/([^/]+)$/, () => import("./job.js"), ["job_id"]],
  [/^new$/, () => import("./new_song.js"), []],
  [/^gateways$/, () => import("./gateways.js"), []],
  [/^webhooks$/, () => import("./webhooks.js"), []],
  [/^webhooks\/([^/]+)$/, () => import("./webhooks.js"), ["id"]],
  [/^usage$/, () => import("./usage.js"), []],
];
const HOME = "#/jobs";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const navigation = /** @type {HTMLElement} */ (document.getElementById("navigation"));
const session = /** @type {HTMLElement} */ (document.getElementById("session"));
let view = new AbortController();
let slowRequests = 0;

/** @param {string} [reason] why there is no session any more */
function logIn(reason) {
  view.abort();
  forgetKey();
  frame(null);
  document.title = "Log in · suno-jobs";
  showLogin(main, { reason, slow, loggedIn });
}

/** @param {string} key */
function loggedIn(key) {
  saveKey(key);
  announce("You are logged in.");
  start(key);
}

function logOut() {
  dispatchEvent(new Event("logout"));
  history.replaceState(null, "", HOME);
  logIn("You are logged out. The key is forgotten.");
}

/** @param {string | null} key */
function frame(key) {
  navigation.hidden = session.hidden = !key;
  notice("live", "");
  const mode = key?.startsWith("sj_test_") ? h("span", { class: "badge", data: { state: "TEST" } }, "Test mode") : null;
  replace(session, mode, h("button", { class: "button small", type: "button", on: { click: logOut } }, "Log out"));
}

/** @param {string} key */
function start(key) {
  frame(key);
  // A late answer to an earlier session ends no other one.
  const keyRefused = () => savedKey() === key && logIn("The key is not valid any more: it was revoked or has expired. Log in again.");
  const api = new Api(key, { slow, keyRefused });
  const follow = () => savedKey() === key && open(api);
  window.onhashchange = follow;
  follow();
}

/** @param {Api} api */
async function open(api) {
  view.abort();
  view = new AbortController();
  const { signal } = view;
  const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
  const found = ROUTES.map(([pattern, load, names]) => ({ match: pattern.exec(path), load, names })).find(({ match }) => match);
  if (!found?.match) return path ? showUnknown() : go(HOME, { replace: true, shown: () => open(api) });
  const params = Object.fromEntries(found.names.map((name, index) => [name, decoded(found.match?.[index + 1] ?? "")]));
  const fail = (/** @type {any} */ error) => showError(error, signal, () => open(api));
  mark(path);
  notice("live", "");
  try {
    const shown = await loaded(found.load);
    if (signal.aborted) return;
    document.title = `${shown.title} · suno-jobs`;
    const repeated = { signal, fail, note: (/** @type {string} */ text) => signal.aborted || notice("live", text) };
    const context = {
      ...{ params, query: new URLSearchParams(search), api, signal, go },
      live: (/** @type {any} */ load, /** @type {any} */ draw, /** @type {number | (() => number)} */ seconds) => live(load, draw, seconds, repeated),
    };
    const drawing = shown.show(main, context);
    focusHeading();
    await drawing;
  } catch (error) {
    fail(error);
  }
}

/**
 * Opens another view. With `replace`, only the address of the present view changes.
 *
 * @param {string} hash @param {{replace?: boolean, shown?: () => void}} [options]
 */
function go(hash, { replace = false, shown = () => {} } = {}) {
  if (replace) history.replaceState(null, "", hash);
  else location.hash = hash;
  if (replace) shown();
}

function focusHeading() {
  const heading = main.querySelector("h1") ?? main;
  heading.setAttribute("tabindex", "-1");
  /** @type {HTMLElement} */ (heading).focus();
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    // An address that was cut off or typed by hand.
    return part;
  }
}

/** The module of a view, which is fetched when it is opened first. @param {() => Promise<View>} load */
async function loaded(load) {
  try {
    return await load();
  } catch (error) {
    if (error instanceof TypeError) throw new Unreachable("The view could not be loaded.");
    throw error;
  }
}

/** @param {string} path */
function mark(path) {
  for (const link of navigation.querySelectorAll("a")) {
    const isCurrent = link.hash === `#/${path.split("/")[0]}`;
    if (isCurrent) {
      link.setAttribute("aria-current", "page");
      // On a narrow screen the navigation scrolls.
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
}

function showUnknown() {
  replace(main, h("h1", {}, "No such view"), h("p", {}, "The console has no view at this address. ", h("a", { href: HOME }, "To the jobs")));
  focusHeading();
}

/** @param {any} error @param {AbortSignal} signal @param {() => void} retry */
function showError(error, signal, retry) {
  if (signal.aborted || error instanceof KeyRefused) return;
  const heading = main.querySelector("h1")?.textContent ?? "Error";
  replace(main, h("h1", {}, heading), errorBox(error, { retry }));
  focusHeading();
}

/** @param {1 | -1} more */
function slow(more) {
  slowRequests += more;
  notice("slow", slowRequests ? "Still waiting for the API …" : "");
}

function connection() {
  notice("offline", navigator.onLine ? "" : "This device is offline. What you see may be out of date.");
}

document.getElementById("skip")?.addEventListener("click", (event) => {
  // Its address would be the address of a view.
  event.preventDefault();
  main.focus();
});
window.addEventListener("online", connection);
window.addEventListener("offline", connection);
connection();
const key = savedKey();
key ? start(key) : logIn();
