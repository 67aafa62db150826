// The page: one conversation, followed by its events.

import { card, close, enable } from "./approvals.js";
import { content, setFolder } from "./items.js";
import { make } from "./text.js";

const PAUSE = 40;
const $ = (id) => document.getElementById(id);

/** The elements of what is shown, by the ids of items and the keys of questions. */
const items = new Map();
const asks = new Map();
/** Items that have changed since they were drawn. */
const changed = new Set();
let drawing = 0;
let threadId = null;
let source = null;
let running = false;
let sending = false;

// ---- The server

async function request(path, body) {
  const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const headers = { "content-type": "application/json" };
  let response;
  try {
    response = await fetch(`/api${path}`, { ...options, headers });
  } catch {
    throw new Error("The server cannot be reached.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Error(answer.error ?? `The server has answered with status ${response.status}.`);
}

async function send(text) {
  sending = true;
  controls();
  try {
    if (!threadId) {
      const thread = await request("/threads", {});
      history.pushState(null, "", `#${thread.id}`);
      follow(thread.id);
    }
    await request(`/threads/${encodeURIComponent(threadId)}/turns`, { text });
    $("text").value = "";
    problem("");
  } catch (error) {
    problem(error.message);
  } finally {
    sending = false;
    controls();
  }
}

async function stop() {
  $("stop").disabled = true;
  try {
    await request(`/threads/${encodeURIComponent(threadId)}/interrupt`, {});
  } catch (error) {
    // It may have ended meanwhile.
    if (running) problem(error.message);
  } finally {
    $("stop").disabled = false;
  }
}

async function answer(key, choice) {
  const element = asks.get(key);
  enable(element, false);
  try {
    await request(`/approvals/${encodeURIComponent(key)}`, { decision: choice });
  } catch (error) {
    problem(error.message);
    enable(element, true);
  }
}

// ---- Events

/** Follows a conversation; null is a new one that has not begun. */
function follow(id) {
  source?.close();
  source = null;
  threadId = id;
  reset();
  if (!id) return state("ready");
  state("connecting");
  const events = new EventSource(`/api/threads/${encodeURIComponent(id)}/events`);
  source = events;
  events.onopen = () => state("connected");
  events.onmessage = (message) => {
    if (source === events) atEnd(() => apply(JSON.parse(message.data)));
  };
  // The browser connects again by itself and says which event was the last one, unless the server has refused.
  events.onerror = () => {
    if (source !== events) return;
    if (events.readyState !== EventSource.CLOSED) return state("disconnected; trying again");
    state("disconnected");
    running = false;
    controls();
    request(`/threads/${encodeURIComponent(id)}`).catch((error) => problem(error.message));
  };
}

function apply(event) {
  switch (event.type) {
    case "snapshot":
      return snapshot(event);
    case "turn_started":
      running = true;
      problem("");
      return controls();
    case "turn_completed":
      running = false;
      if (event.message) notice(event.message);
      return controls();
    case "item_started":
    case "item_completed":
      return put(event.item);
    case "text_delta":
    case "reasoning_delta":
      return change(event.item_id, (item) => (item.text = (item.text ?? "") + event.delta));
    case "command_output":
      return change(event.item_id, (item) => (item.output = (item.output ?? "") + event.delta));
    case "file_change":
      return change(event.item_id, (item) => (item.changes = event.changes));
    case "approval_asked":
      return ask(event.approval);
    case "approval_resolved":
      if (asks.has(event.key)) close(asks.get(event.key), event.outcome);
      return questions();
    case "usage":
      return usage(event);
    case "error":
    case "notice":
      return notice(event.message);
  }
}

function snapshot(event) {
  reset();
  const { thread } = event;
  $("about").textContent = [thread.model, thread.sandbox, thread.cwd].filter(Boolean).join(" · ");
  setFolder(thread.cwd);
  if (event.omitted > 0) notice(`${event.omitted} earlier items are left out.`);
  event.items.forEach(put);
  event.approvals.forEach(ask);
  if (event.usage) usage(event.usage);
  running = event.running !== null;
  controls();
}

// ---- What is shown

function reset() {
  items.clear();
  asks.clear();
  changed.clear();
  $("log").replaceChildren($("welcome"));
  $("welcome").hidden = false;
  $("about").textContent = "";
  $("usage").textContent = "";
  running = false;
  questions();
  controls();
}

function put(item) {
  const known = items.get(item.id);
  if (known) {
    known.item = item;
  } else {
    const element = make("article", `item ${item.kind}`);
    element.dataset.id = item.id;
    // The question about an item may come before it.
    const question = [...asks.values()].findLast((ask) => ask.dataset.item === item.id);
    show(element, question);
    items.set(item.id, { item, element });
  }
  draw(item.id);
}

function change(id, apply) {
  const known = items.get(id);
  if (!known) return;
  apply(known.item);
  // Words come fast; they are drawn together.
  changed.add(id);
  drawing ||= setTimeout(() => atEnd(drawChanged), PAUSE);
}

function drawChanged() {
  drawing = 0;
  changed.forEach(draw);
}

function draw(id) {
  changed.delete(id);
  const known = items.get(id);
  if (!known) return;
  const parts = content(known.item);
  known.element.hidden = parts.length === 0;
  known.element.replaceChildren(...parts);
}

function ask(approval) {
  const { key } = approval;
  const element = card(approval, (choice) => answer(key, choice));
  element.dataset.key = key;
  element.dataset.item = approval.item_id;
  asks.set(key, element);
  show(element);
  questions();
}

/** Says in the title, and to a screen reader, that a question waits. */
function questions() {
  const waits = [...asks.values()].some((ask) => !ask.classList.contains("closed"));
  document.title = waits ? "(?) Codex" : "Codex";
  $("question").textContent = waits ? "The agent asks for approval." : "";
}

function notice(text) {
  show(make("article", "item notice", make("div", "prose", text)));
}

function show(element, before = null) {
  $("welcome").hidden = true;
  $("log").insertBefore(element, before);
}

/** Keeps the end in sight, unless the reader has scrolled away from it. */
function atEnd(apply) {
  const log = $("log");
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  apply();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function usage({ total_tokens: total, context_tokens: used, context_window: size }) {
  const context = size ? `, context ${Math.round((100 * used) / size)} %` : "";
  $("usage").textContent = `${total.toLocaleString("en")} tokens${context}`;
}

function controls() {
  $("send").disabled = running || sending;
  $("send").hidden = running;
  $("stop").hidden = !running;
  $("log").setAttribute("aria-busy", String(running));
}

function state(text) {
  $("state").textContent = text;
}

function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

// ---- Start

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (text.trim() && !running && !sending) send(text);
});
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("form").requestSubmit();
});
$("stop").addEventListener("click", stop);
$("new").addEventListener("click", () => {
  history.pushState(null, "", location.pathname);
  problem("");
  follow(null);
  $("text").focus();
});
window.addEventListener("popstate", open);

function open() {
  problem("");
  follow(decodeURIComponent(location.hash.slice(1)) || null);
}

// The token is in the cookie by now; it need not stay in sight.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);
open();
