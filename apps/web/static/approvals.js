// Shows the questions of the agent.

import { button, code, make, visible } from "./text.js";
import { change } from "./items.js";

const CHOICES = {
  accept: "Approve",
  session: "Approve for this conversation",
  remember: "Always approve",
  decline: "Decline",
  cancel: "Decline and stop",
};

const OUTCOMES = {
  accept: "Approved.",
  session: "Approved for this conversation.",
  remember: "Approved, and remembered.",
  decline: "Declined.",
  cancel: "Declined, and the turn was stopped.",
  over: "The turn ended before an answer; nothing was approved.",
};

/** Makes the card of a question; `answer(choice)` is called with the answer. */
export function card(ask, answer) {
  const title = titleOf(ask.action);
  const element = make("section", "approval", make("h2", "", title));
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", `Approval: ${title}`);
  if (ask.reason) element.append(make("p", "reason", ask.reason));
  element.append(...describe(ask.action));
  const buttons = ask.choices.map((choice) => {
    const kind = choice === "decline" || choice === "cancel" ? "quiet" : "primary";
    const element = button(CHOICES[choice] ?? choice, kind, () => answer(choice));
    element.dataset.choice = choice;
    return element;
  });
  element.append(make("div", "buttons", ...buttons));
  return element;
}

/** Shows that a question is closed. */
export function close(element, outcome) {
  element.classList.add("closed");
  const accepted = ["accept", "session", "remember"].includes(outcome);
  const end = make("p", accepted ? "outcome accepted" : "outcome", OUTCOMES[outcome] ?? outcome);
  element.querySelector(".buttons, .outcome")?.replaceWith(end);
}

/** Lets the buttons of a question be pressed, or not while an answer is on its way. */
export function enable(element, enabled) {
  for (const item of element.querySelectorAll("button")) item.disabled = !enabled;
}

function titleOf(action) {
  switch (action.kind) {
    case "command":
      if (action.host) return `May the agent reach ${visible(action.host)}?`;
      return action.about === "writeStdin" ? "May the agent type into this command?" : "May the agent run this command?";
    case "file_change":
      return "May the agent change these files?";
    case "permissions":
      return "May the agent have these permissions for the rest of the turn?";
    default:
      return "The agent asks for something that this page does not know.";
  }
}

function describe(action) {
  const parts = [];
  switch (action.kind) {
    case "command":
      if (action.line) parts.push(code(action.line, "command"));
      if (action.cwd) parts.push(fact("in the folder", action.cwd));
      if (action.permissions) parts.push(fact("with more permissions", JSON.stringify(action.permissions, null, 2)));
      if (action.rule) parts.push(fact("“Always approve” also stores a rule for", action.rule));
      break;
    case "file_change":
      if (action.grant_root) parts.push(fact("and may then write to", action.grant_root));
      parts.push(...action.changes.map(change));
      break;
    case "permissions":
      parts.push(code(JSON.stringify(action.permissions, null, 2)));
      break;
  }
  return parts;
}

function fact(name, text) {
  return make("p", "fact", `${name}: `, make("code", "", visible(text)));
}
