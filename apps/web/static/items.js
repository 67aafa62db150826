// Shows the items of a conversation.

import { code, make, prose, visible } from "./text.js";

const STATUS = {
  inProgress: "in progress",
  completed: "done",
  failed: "failed",
  declined: "declined",
};

let folder = "";

/** Sets the folder of the conversation; the paths of files in it are shown without it. */
export function setFolder(path) {
  folder = path;
}

/** Makes the content of an item. */
export function content(item) {
  switch (item.kind) {
    case "user":
      return [heading("You"), make("div", "prose", item.text)];
    case "message":
      return [heading("Codex"), ...prose(item.text)];
    case "reasoning":
      return item.text ? [details("Reasoning", prose(item.text))] : [];
    case "command":
      return command(item);
    case "file_change":
      return [heading("Files", status(item.status)), ...item.changes.map(change)];
    case "tool":
      return [heading("Tool", status(item.status)), make("div", "prose", item.name)];
    case "notice":
      return [make("div", "prose", item.text)];
    default:
      return [heading(item.name)];
  }
}

/** Shows the change of one file, with its diff in color. */
export function change(change) {
  const title = [change.path, change.moved_to].filter(Boolean).map(short).map(visible).join(" → ");
  const block = make("pre", "diff");
  block.tabIndex = 0;
  block.setAttribute("aria-label", `Changes of ${title}`);
  const lines = change.diff.replace(/\n$/, "").split("\n");
  lines.forEach((line, at) => {
    block.append(make("span", lineClass(change.action, line), visible(line)), at + 1 < lines.length ? "\n" : "");
  });
  const parts = [make("div", "path", `${change.action} `, make("strong", "", title)), block];
  if (change.cut) parts.push(remark("The rest is too long to show."));
  return make("div", "change", ...parts);
}

function short(path) {
  return folder && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}

// The diff of a file that is added or deleted is its content.
function lineClass(action, line) {
  if (action === "add") return "added";
  if (action === "delete") return "deleted";
  if (line.startsWith("@@")) return "hunk";
  if (line.startsWith("+")) return "added";
  if (line.startsWith("-")) return "deleted";
  return "same";
}

function command(item) {
  const end = item.exit_code === null || item.exit_code === 0 ? "" : `, exit code ${item.exit_code}`;
  const parts = [heading("Command", status(item.status, end)), code(item.command, "command")];
  if (item.cut) parts.push(remark("The beginning of the output is left out."));
  if (item.output) {
    const output = code(item.output.replaceAll("\r\n", "\n").replace(/\n$/, ""), "output");
    output.setAttribute("aria-label", "Output");
    parts.push(output);
  }
  return parts;
}

function heading(name, ...more) {
  return make("h2", "", name, ...more);
}

function status(name, more = "") {
  if (!name) return "";
  return make("span", `status ${name}`, (STATUS[name] ?? name) + more);
}

function details(title, parts) {
  const element = make("details", "", make("summary", "", title), ...parts);
  element.open = true;
  return element;
}

function remark(text) {
  return make("p", "remark", text);
}
