// SPDX-License-Identifier: Apache-2.0
//
// The page: one conversation at a time, one answer at a time. A message is plain data that is
// stored; its view is made from it and updated as the answer grows.
import {getJson, streamChat, useKey} from "./api.js";
import {Conversations} from "./conversations.js";
import {byId, say} from "./dom.js";
import {MessageView} from "./message.js";
import {Progress} from "./progress.js";
import * as settings from "./settings.js";
import {newConversation} from "./store.js";

const server = {model: "gemma-2", context: 0};
const views = new Map();  // of the messages on the page
let running = null;       // {conversation, message, controller}, of the answer under way
const conversations = new Conversations(show);
const question = byId("question");
const messages = byId("messages");

function show(conversation) {
  views.clear();
  for (const message of conversation.messages) addView(message);
  messages.replaceChildren(...[...views.values()].map((view) => view.node));
  messages.scrollTop = messages.scrollHeight;
  byId("system").value = conversation.system;
  showContext();
  showSidebar(false);
  focusQuestion();
}

function addView(message) {
  const view = new MessageView(message, {
    edit: (text) => ask(text, conversations.current.messages.indexOf(message)),
    regenerate: () => regenerate(message),
    goOn: () => answer(message, {continue_final_message: true, add_generation_prompt: false}),
  }, settings.isOn("probabilities") ? "odds" : settings.isOn("raw") ? "raw" : "markdown");
  views.set(message, view);
  if (running?.message === message) view.update({running: true});
  return view.node;
}

/** Cuts the conversation at `at`; what was behind it can be had back. */
function cut(at) {
  const conversation = conversations.current;
  const before = [...conversation.messages];
  conversation.messages.length = at;
  show(conversation);
  if (before.length === at) return;
  say(`Messages replaced: ${before.length - at}.`, {label: "Undo", run: () => {
    running?.controller.abort();
    conversation.messages = before;
    conversations.keep(conversation);
    conversations.open(conversation);
  }});
}

function ask(text, at = conversations.current.messages.length) {
  if (running) return say("Another answer is under way.");
  cut(at);
  const message = {role: "user", content: text};
  conversations.current.messages.push(message);
  messages.append(addView(message));
  begin();
}

function regenerate(message) {
  if (running) return say("Another answer is under way.");
  cut(conversations.current.messages.indexOf(message));
  begin();
}

function begin() {
  const message = {role: "assistant", content: ""};
  conversations.current.messages.push(message);
  messages.append(addView(message));
  messages.scrollTop = messages.scrollHeight;
  answer(message);
}

/** Lets the server write `message`, the last of the current conversation. */
async function answer(message, fields = {}) {
  const conversation = conversations.current;
  const controller = new AbortController();
  const progress = new Progress(message, (each) => views.get(each),
    () => conversations.save(conversation));
  const request = {
    model: server.model, messages: history(conversation), return_progress: true,
    ...settings.requestFields(), ...fields,
  };
  running = {conversation, message, controller};
  message.state = "partial";  // what a reload would find; the end sets it right
  delete message.error;
  conversation.busy = true;
  conversations.keep(conversation);
  showRunning("Waiting for the first word …");
  let failure = null;
  try {
    const chunks = streamChat(request, conversation.id, controller.signal);
    for await (const chunk of chunks) progress.take(chunk);
  } catch (error) {
    failure = error;
  }
  running = null;
  delete conversation.busy;
  progress.end(failure);
  conversation.used = progress.usage?.total_tokens ?? conversation.used;
  conversations.keep(conversation);
  showRunning("");
  showContext();
  if (failure?.status === 401 && await askForKey()) answer(message, fields);
}

/** What the model is to read. Answers that never began say nothing. */
function history({system, messages: all}) {
  const said = all.filter(({content}) => content).map(({role, content}) => ({role, content}));
  return system.trim() ? [{role: "system", content: system}, ...said] : said;
}

function showRunning(status) {
  const hadFocus = [byId("send"), byId("stop")].includes(document.activeElement);
  byId("send").hidden = Boolean(running);
  byId("stop").hidden = !running;
  byId("status").textContent = status;
  if (hadFocus) focusQuestion();
  if (running) views.get(running.message)?.update({running: true});
}

// On a phone the focus would bring up the keyboard, over half of the answer.
const isTouched = matchMedia("(pointer: coarse)");
function focusQuestion() {
  if (!isTouched.matches) question.focus();
}

function showContext() {
  const {used} = conversations.current;
  const meter = byId("context");
  meter.hidden = !used || !server.context;
  const share = Math.min(1, used / server.context);
  meter.querySelector(".bar > span").style.width = `${100 * share}%`;
  meter.querySelector(".words").textContent = `${used} / ${server.context}`;
  meter.classList.toggle("full", share > 0.9);
  meter.ariaValueMax = server.context;
  meter.ariaValueNow = used;
  meter.title = meter.ariaValueText = `${used} of ${server.context} tokens of context used`;
}

/** Whether a key was given. */
function askForKey() {
  const dialog = byId("key");
  byId("key-value").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const given = dialog.returnValue === "use" && byId("key-value").value.trim();
      if (given) useKey(given);
      resolve(Boolean(given));
    };
  });
}

/** Asks what is behind the page. It is all for show: a server that does not say works as well. */
async function meetServer() {
  const [models, props] = await Promise.allSettled([getJson("v1/models"), getJson("props")]);
  const failure = models.reason ?? props.reason;
  if (failure?.status === 401 && await askForKey()) return meetServer();
  if (models.reason) byId("status").textContent = models.reason.message;
  server.model = String(models.value?.data?.[0]?.id ?? server.model);
  const defaults = props.value?.default_generation_settings ?? {};
  server.context = Number(defaults.n_ctx) || 0;
  settings.showDefaults(defaults);
  const context = server.context ? `, context of ${server.context} tokens` : "";
  byId("about").textContent = server.model + context;
  showContext();
}

function showSidebar(isOpen) {
  document.body.classList.toggle("sidebar-open", isOpen);
  byId("open-sidebar").ariaExpanded = isOpen;
  document.querySelector("main").inert = isOpen;
  if (isOpen) byId("new").focus();
}

function onEscape() {
  const menu = byId("menu");
  if (menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (document.body.classList.contains("sidebar-open")) {
    showSidebar(false);
    byId("open-sidebar").focus();
  } else if (!document.querySelector("dialog[open]")) {
    running?.controller.abort();
  }
}

function showTheme(theme) {
  useTheme(theme);  // of theme.js
  byId("theme").ariaLabel = byId("theme").title = `Theme: ${theme}`;
}

function nextTheme() {
  const next = {auto: "dark", dark: "light", light: "auto"}[storedTheme()];
  try { localStorage.setItem("gemma2.theme", next); } catch { /* for now only */ }
  showTheme(next);
}

function fitQuestion() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
}

function listen() {
  byId("composer").onsubmit = (event) => {
    event.preventDefault();
    const text = question.value.trim();
    if (!text || running) return;
    question.value = "";
    fitQuestion();
    ask(text);
  };
  question.oninput = fitQuestion;
  question.onkeydown = (event) => {
    // Where there is no keyboard but the screen's, Enter is the only way to a second line.
    const breaksLine = event.shiftKey || event.isComposing || isTouched.matches;
    if (event.key !== "Enter" || breaksLine) return;
    event.preventDefault();
    byId("composer").requestSubmit();
  };
  byId("stop").onclick = () => running?.controller.abort();
  byId("system").oninput = (event) => { conversations.current.system = event.target.value; };
  byId("system").onchange = () => conversations.save(conversations.current);
  byId("open-settings").onclick = () => byId("settings").showModal();
  byId("open-key").onclick = async () => { if (await askForKey()) meetServer(); };
  byId("open-sidebar").onclick = () => showSidebar(true);
  byId("close-sidebar").onclick = onEscape;
  byId("theme").onclick = nextTheme;
  for (const cancel of document.querySelectorAll("dialog .cancel")) {
    cancel.onclick = () => cancel.closest("dialog").close();
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") onEscape(); });
  addEventListener("click", ({target}) => {
    if (!byId("menu").querySelector("summary").contains(target)) byId("menu").open = false;
    if (target === document.body) showSidebar(false);
  });
  addEventListener("pagehide", () => { if (running) conversations.save(running.conversation); });
}

settings.openStored(() => show(conversations.current));
showTheme(storedTheme());
listen();
conversations.open(conversations.all[0] ?? newConversation());
meetServer();
