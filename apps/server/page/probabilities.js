// SPDX-License-Identifier: Apache-2.0
//
// An answer token by token, shaded by how likely each was. The one under the pointer or the focus
// is explained beside it: its probability and the tokens that could have stood there.
import {byId, element} from "./dom.js";

const percent = (logprob) => `${(100 * Math.exp(logprob)).toFixed(1)} %`;
const visible = (text) =>
  text.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/^ | $/g, "␣") || "∅";

/** A chunk's logprobs.content as what is kept of it. */
export function tokensOf(content) {
  return (content ?? []).map(({token, logprob, top_logprobs: top}) => ({
    text: String(token), logprob: Number(logprob),
    others: (top ?? []).map((each) => ({text: String(each.token), logprob: Number(each.logprob)})),
  }));
}

/** Appends the tokens that are not in `container` yet. One tab stop; arrow keys go on from it. */
export function renderTokens(container, tokens) {
  for (const token of tokens.slice(container.children.length)) {
    const node = element("span", {
      className: "token", tabIndex: container.children.length ? -1 : 0,
      onfocus: () => explain(node, token), onblur: hide,
      onmouseenter: () => explain(node, token), onmouseleave: hide,
    }, token.text);
    node.setAttribute("aria-describedby", "odds");
    node.style.setProperty("--doubt", (1 - Math.exp(token.logprob)).toFixed(3));
    container.append(node);
  }
  container.onkeydown = (event) => {
    const steps = {ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling"};
    const next = event.target[steps[event.key]];
    if (event.key === "Escape" && !byId("odds").hidden) {
      event.stopPropagation();  // else it would stop the answer
      hide();
    }
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
}

function hide() {
  byId("odds").hidden = true;
}

function explain(node, token) {
  const box = byId("odds");
  const rows = token.others.map(({text, logprob}) => {
    const bar = element("span", {className: "bar"}, element("span"));
    bar.firstChild.style.width = `${100 * Math.exp(logprob)}%`;
    return element("li", {className: text === token.text ? "chosen" : ""},
      element("code", {}, visible(text)), bar, element("span", {}, percent(logprob)));
  });
  box.replaceChildren(
    element("p", {}, element("code", {}, visible(token.text)), ` ${percent(token.logprob)}`),
    element("ul", {}, ...rows));
  box.hidden = false;
  const at = node.getClientRects()[0] ?? node.getBoundingClientRect();
  const left = Math.min(at.left, innerWidth - box.offsetWidth - 8);
  const below = at.bottom + 6;
  const fits = below + box.offsetHeight < innerHeight;
  box.style.left = `${Math.max(8, left)}px`;
  box.style.top = `${fits ? below : Math.max(8, at.top - box.offsetHeight - 6)}px`;
}
