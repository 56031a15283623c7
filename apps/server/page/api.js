// SPDX-License-Identifier: Apache-2.0
//
// Talks to the server that the page came from, by relative addresses. What can go wrong comes as a
// Failure, whose message is for the reader.

export class Failure extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

const kGone = "The server can not be reached. Is gemma2-cli still running?";
const kCut = "The connection broke before the answer was complete.";

// A key is a secret of this tab: sessionStorage forgets it when the tab is closed.
let key = "";
try { key = sessionStorage.getItem("gemma2.key") ?? ""; } catch { /* storage may be forbidden */ }

export function useKey(value) {
  key = value;
  try { sessionStorage.setItem("gemma2.key", value); } catch { /* then for this page only */ }
}

async function request(path, options = {}) {
  const headers = {...options.headers};
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(path, {...options, headers, cache: "no-store"});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure(kGone);
  }
  if (!response.ok) throw new Failure(await reason(response), response.status);
  return response;
}

async function reason(response) {
  let said = "";
  try {
    const body = await response.text();
    said = messageOf(JSON.parse(body));
  } catch { /* a proxy's page, or nothing: the status has to do */ }
  if (response.status === 429) {
    const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    const when = Number.isFinite(seconds) ? `in ${seconds} s` : "in a moment";
    return `The server is busy. Try again ${when}.${said ? ` It says: ${said}` : ""}`;
  }
  if (response.status === 502 || response.status === 504) return kGone;
  return said || `The server answered with status ${response.status}.`;
}

function messageOf(body) {
  const message = body?.error?.message ?? body?.error;
  return typeof message === "string" ? message : "";
}

export async function getJson(path) {
  const response = await request(path);
  try {
    return await response.json();
  } catch {
    throw new Failure(`${path}: expected JSON`);
  }
}

/**
 * The objects of a chat completion's stream. Ends after [DONE]; anything less is a Failure.
 * `session` lets a balancer send a conversation to the server that has its beginning in its cache.
 */
export async function* streamChat(body, session, signal) {
  const response = await request("v1/chat/completions", {
    method: "POST", signal,
    headers: {"Content-Type": "application/json", "X-Session": session},
    body: JSON.stringify({...body, stream: true, stream_options: {include_usage: true}}),
  });
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    let chunk;
    try {
      chunk = JSON.parse(data);
    } catch {
      throw new Failure("The server sent something that is not JSON.");
    }
    if (chunk.error) throw new Failure(messageOf(chunk) || "The server could not go on.");
    yield chunk;
  }
  throw new Failure(kCut);
}

/** The data of server-sent events. Comment lines (pings) and other fields are passed over. */
async function* events(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let data = [];
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, {stream: true})).split("\n");
      rest = lines.pop();
      for (const line of lines.map((each) => each.replace(/\r$/, ""))) {
        if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
        if (line === "" && data.length) {
          yield data.join("\n");
          data = [];
        }
      }
    }
  } catch (error) {
    throw error.name === "AbortError" ? error : new Failure(kCut);
  } finally {
    reader.cancel().catch(() => {});  // frees the connection of a stream that is left early
  }
}
