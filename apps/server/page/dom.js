// SPDX-License-Identifier: Apache-2.0
//
// Elements from values. Strings become text nodes, here and everywhere in this page: nothing sets
// innerHTML, so neither a model's text nor a stored conversation can bring markup in.

export const byId = (id) => document.getElementById(id);

/** element("p", {className: "note", onclick: f}, "text", child, null) */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

export function iconButton(name, label, onclick) {
  const properties = {type: "button", className: "icon", title: label, ariaLabel: label, onclick};
  return element("button", properties, icon(name));
}

export async function copyText(text) {
  // navigator.clipboard exists on https and localhost only; a phone in the same house has neither.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = element("textarea", {value: text, className: "unseen"});
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function copyButton(textOf) {
  return iconButton("copy", "Copy", async () => {
    await copyText(textOf());
    say("Copied");
  });
}

export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  element("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

let toastTimer = 0;

/** A line that goes away by itself, with a button if something can be done about it. */
export function say(text, action = null) {
  const toast = byId("toast");
  const hide = () => toast.replaceChildren();
  const button = action && element("button", {
    type: "button", onclick: () => { hide(); action.run(); },
  }, action.label);
  toast.replaceChildren(element("div", {}, element("span", {}, text), button));
  clearTimeout(toastTimer);
  toastTimer = setTimeout(hide, action ? 15_000 : 2_500);
}
