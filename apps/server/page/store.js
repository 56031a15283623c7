// SPDX-License-Identifier: Apache-2.0
//
// Conversations in localStorage, one key each so that two tabs do not overwrite each other's. What
// is read back, from there or from a file, is foreign data: clean() makes it what the page expects.

const kPrefix = "gemma2.conversation.";
const kFormat = "gemma2-conversations";
const kMostMessages = 2000;
const kMostText = 1_000_000;
const kMostFile = 20_000_000;

export const notes = {
  stopped: "Stopped.",
  length: "Ended by the limit of tokens.",
  partial: "The page was closed before this answer was complete.",
};

export function newConversation(system = "") {
  // Not crypto.randomUUID(), which plain http has not.
  const id = Date.now().toString(36) + Math.random().toString(36).slice(2, 10);
  return {id, title: "", system, messages: [], updated: Date.now(), used: 0};
}

const text = (value, most = kMostText) => (typeof value === "string" ? value.slice(0, most) : "");
const number = (value) => (Number.isFinite(value) && value >= 0 ? value : 0);

function cleanMessage(value) {
  if (!["user", "assistant"].includes(value?.role)) return null;
  if (typeof value.content !== "string") return null;
  const message = {role: value.role, content: text(value.content)};
  if (Object.hasOwn(notes, value.state)) message.state = value.state;
  if (value.error) message.error = text(value.error, 2000);
  if (value.stats) {
    message.stats = {tokens: number(value.stats.tokens), rate: number(value.stats.rate)};
  }
  return message;
}

/** A conversation with sound fields, or null. OpenAI's {messages: [...]} will do, too. */
export function clean(value) {
  if (!Array.isArray(value?.messages)) return null;
  const system = value.messages.find((message) => message?.role === "system")?.content;
  return {
    ...newConversation(text(value.system) || text(system)),
    title: text(value.title, 120),
    messages: value.messages.slice(0, kMostMessages).map(cleanMessage).filter(Boolean),
    updated: number(value.updated) || Date.now(),
    used: number(value.used),
  };
}

function read(key) {
  try {
    const conversation = clean(JSON.parse(localStorage.getItem(key)));
    return conversation && {...conversation, id: key.slice(kPrefix.length)};
  } catch {
    return null;
  }
}

/** Newest first. */
export function loadAll() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(kPrefix)).map(read)
      .filter(Boolean).sort((a, b) => b.updated - a.updated);
  } catch {
    return [];  // storage may be forbidden
  }
}

/** Returns whether there was room. */
export function save(conversation) {
  try {
    localStorage.setItem(kPrefix + conversation.id, JSON.stringify(conversation));
    return true;
  } catch {
    return false;
  }
}

export function remove(conversation) {
  try { localStorage.removeItem(kPrefix + conversation.id); } catch { /* it never was there */ }
}

export function titleOf(conversation) {
  const first = conversation.messages.find((message) => message.role === "user")?.content ?? "";
  return conversation.title || first.trim().replace(/\s+/g, " ").slice(0, 60) || "New conversation";
}

export function toJson(conversations) {
  const plain = conversations.map(({title, system, messages, updated}) =>
    ({title, system, messages, updated}));
  return JSON.stringify({format: kFormat, version: 1, conversations: plain}, null, 2);
}

export function toMarkdown(conversation) {
  const parts = [`# ${titleOf(conversation)}`];
  if (conversation.system) parts.push("## System", conversation.system);
  for (const {role, content} of conversation.messages) {
    parts.push(role === "user" ? "## You" : "## Gemma", content);
  }
  return `${parts.join("\n\n")}\n`;
}

/** The conversations of an exported file. Throws an Error that says what is wrong with it. */
export async function fromFile(file) {
  if (file.size > kMostFile) throw new Error("expected at most 20 MB");
  let value;
  try {
    value = JSON.parse(await file.text());
  } catch {
    throw new Error("expected JSON");
  }
  const all = (Array.isArray(value?.conversations) ? value.conversations : [value]).map(clean);
  const found = all.filter(Boolean);
  if (!found.length) throw new Error("expected conversations with messages, found none");
  return found;
}
