// SPDX-License-Identifier: Apache-2.0
//
// One message on the page. It shows what is in `message`; whoever changes that calls update().
import {copyButton, element, iconButton} from "./dom.js";
import {renderMarkdown} from "./markdown.js";
import {renderTokens} from "./probabilities.js";
import {notes} from "./store.js";

// Tokens take fifty times the room of their text, so they are never stored: they last as long as
// the page does.
export const tokensOfMessage = new WeakMap();

export const speed = ({tokens, rate}) =>
  `${tokens} ${tokens === 1 ? "token" : "tokens"} · ${rate.toFixed(1)} tokens/s`;

export class MessageView {
  /** actions: {edit(text), regenerate(), goOn()} */
  constructor(message, actions, mode) {
    this.message = message;
    this.actions = actions;
    this.mode = mode;  // "markdown", "raw", or "odds", which is Markdown where there are none
    this.body = element("div", {className: "body"});
    this.note = element("div", {className: "note"});
    this.stats = element("span", {className: "stats"});
    this.buttons = element("div", {className: "buttons"}, ...this.makeButtons(), this.stats);
    const who = message.role === "user" ? "You" : "Gemma";
    this.node = element("article", {className: `message ${message.role}`, ariaLabel: who},
      this.body, this.note, this.buttons);
    this.update();
  }

  makeButtons() {
    const copy = copyButton(() => this.message.content);
    if (this.message.role === "user") {
      return [copy, iconButton("edit", "Edit and send again", () => this.edit())];
    }
    this.rawButton = iconButton("raw", "Raw text", () => this.toggle("raw"));
    this.oddsButton = iconButton("odds", "Probabilities", () => this.toggle("odds"));
    const again = iconButton("again", "Regenerate", this.actions.regenerate);
    const goOn = iconButton("on", "Continue this answer", this.actions.goOn);
    again.classList.add("only-last");
    goOn.classList.add("only-last", "only-cut");
    return [copy, again, goOn, this.rawButton, this.oddsButton];
  }

  toggle(mode) {
    this.mode = this.shown === mode ? "markdown" : mode;
    this.update();
  }

  update({running = false} = {}) {
    const {role, content, state, error, stats} = this.message;
    const tokens = tokensOfMessage.get(this.message);
    const mode = role === "user" ? "raw" : this.mode === "odds" && !tokens ? "markdown" : this.mode;
    if (this.shown !== mode) this.body.replaceChildren();
    this.shown = mode;
    this.body.className = `body ${mode}`;
    if (mode === "raw") this.body.textContent = content;
    if (mode === "odds") renderTokens(this.body, tokens);
    if (mode === "markdown") renderMarkdown(this.body, content);
    this.node.classList.toggle("running", running);
    this.node.classList.toggle("cut", Boolean(!running && content && (state || error)));
    this.node.ariaBusy = running;
    this.showNote(error, running ? undefined : state);
    this.stats.textContent = stats?.tokens ? speed(stats) : "";
    if (!this.rawButton) return;
    this.oddsButton.hidden = !tokens;
    this.rawButton.ariaPressed = mode === "raw";
    this.oddsButton.ariaPressed = mode === "odds";
  }

  showNote(error, state) {
    if (this.noted === (error ?? state)) return;  // an alert that is made anew is read out anew
    this.noted = error ?? state;
    this.note.replaceChildren();
    if (error) {
      const again = {type: "button", onclick: this.actions.regenerate};
      this.note.append(element("div", {className: "error", role: "alert"},
        element("span", {}, error), element("button", again, "Try again")));
    } else if (state) {
      this.note.append(notes[state]);
    }
  }

  edit() {
    const {content} = this.message;
    const rows = Math.min(14, content.split("\n").length + 1);
    const area = element("textarea", {value: content, rows, ariaLabel: "Edit your message"});
    const done = () => {
      form.replaceWith(this.body);
      this.buttons.hidden = false;
    };
    const form = element("form", {
      className: "editing",
      onsubmit: (event) => {
        event.preventDefault();
        if (area.value.trim()) this.actions.edit(area.value.trim());
      },
      onkeydown: (event) => {
        if (event.key === "Escape") {
          event.stopPropagation();
          done();
        }
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          form.requestSubmit();
        }
      },
    }, area, element("div", {className: "row"},
      element("button", {type: "button", onclick: done}, "Cancel"),
      element("button", {className: "main"}, "Send")));
    this.body.replaceWith(form);
    this.buttons.hidden = true;
    area.focus();
  }
}
