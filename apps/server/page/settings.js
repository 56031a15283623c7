// SPDX-License-Identifier: Apache-2.0
//
// The settings that all conversations share. A blank field is not sent: the server decides, and its
// value is shown in grey. Field names are those of the request.
import {byId} from "./dom.js";

const kStored = "gemma2.settings";
let form;

/** Fills the form from storage and keeps storage up to date. `changed`: called after a change. */
export function openStored(changed) {
  form = byId("settings").querySelector("form");
  let stored = {};
  try { stored = JSON.parse(localStorage.getItem(kStored)) ?? {}; } catch { /* defaults, then */ }
  for (const field of fields()) {
    if (field.type === "checkbox") field.checked = stored[field.name] === true;
    else field.value = typeof stored[field.name] === "string" ? stored[field.name] : "";
    field.addEventListener("change", () => { store(); changed(); });
  }
  byId("reset").onclick = () => {
    for (const field of byId("sampling").querySelectorAll("[name]")) field.value = "";
    store();
  };
}

const fields = () => [...form.querySelectorAll("[name]")];

function store() {
  const values = fields().map((field) =>
    [field.name, field.type === "checkbox" ? field.checked : field.value]);
  const text = JSON.stringify(Object.fromEntries(values));
  try { localStorage.setItem(kStored, text); } catch { /* for now only */ }
}

/** Shows what the server does by itself; `defaults` as in llama.cpp's /props. */
export function showDefaults(defaults = {}) {
  const values = {...defaults, ...defaults.params};
  values.max_tokens = values.max_tokens ?? values.n_predict;
  for (const field of fields().filter(({type}) => type === "number")) {
    const value = values[field.name];
    const known = Number.isFinite(value) && value >= 0 && value < 2 ** 31;  // -1, 2^32 - 1: none
    field.placeholder = known ? String(Number(value.toFixed(4))) : "default";
  }
}

export const isOn = (name) => form.elements[name].checked;

/** What of a request the settings say. A value out of range is left to the server to refuse. */
export function requestFields() {
  const request = {};
  for (const {name, type, valueAsNumber, value} of fields()) {
    if (type === "number" && Number.isFinite(valueAsNumber)) request[name] = valueAsNumber;
    if (name === "stop" && value) {
      request.stop = value.split("\n").filter(Boolean).map((each) => each.replaceAll("\\n", "\n"));
    }
  }
  if (isOn("probabilities")) Object.assign(request, {logprobs: true, top_logprobs: 5});
  return request;
}
