// A question before something is done that costs money or cannot be undone.

import { h, replace } from "./dom.js";
import { errorBox } from "./parts.js";

/**
 * The dialog stays open until the action has succeeded, the person leaves it, or its view ends. The browser keeps the focus
 * inside it, and gives it back afterwards.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {(string | HTMLElement)[]} question.text
 * @param {string} question.action the label of the button that acts
 * @param {string | null} [question.accept] what has to be ticked first
 * @param {(accepted: boolean) => Promise<void>} question.act its error is shown in the dialog
 * @param {AbortSignal} question.signal of the view that asks
 * @returns {HTMLDialogElement}
 */
export function confirm({ title, text, action, accept = null, act, signal }) {
  const id = "dialog-title";
  const tick = /** @type {HTMLInputElement} */ (h("input", { type: "checkbox" }));
  const go = /** @type {HTMLButtonElement} */ (h("button", { type: "submit", class: "button danger" }, action));
  const leave = h("button", { type: "button", class: "button", autofocus: "" }, "Go back");
  const problem = h("div");
  const box = /** @type {HTMLDialogElement} */ (h("dialog", { class: "dialog", "aria-labelledby": id }));
  const form = h(
    "form",
    {},
    h("h2", { id }, title),
    ...text.map((each) => (typeof each === "string" ? h("p", {}, each) : each)),
    accept !== null && h("label", { class: "check" }, tick, " ", accept),
    problem,
    h("div", { class: "row dialog-buttons" }, leave, go),
  );
  go.disabled = accept !== null;
  tick.addEventListener("change", () => (go.disabled = !tick.checked));
  leave.addEventListener("click", () => box.close());
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    carryOut(box, go, problem, () => act(tick.checked));
  });
  box.addEventListener("close", () => box.remove());
  // It would cover the next view, and act on what is not seen any more.
  signal.addEventListener("abort", () => box.close());
  box.append(form);
  document.body.append(box);
  box.showModal();
  return box;
}

/**
 * @param {HTMLDialogElement} box
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} problem
 * @param {() => Promise<void>} act
 */
async function carryOut(box, button, problem, act) {
  button.disabled = true;
  replace(problem);
  try {
    await act();
    box.close();
  } catch (error) {
    button.disabled = false;
    replace(problem, errorBox(error));
  }
}
