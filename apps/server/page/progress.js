// SPDX-License-Identifier: Apache-2.0
//
// An answer while it comes: chunks in, a message that is up to date, drawn and stored now and then.
import {byId} from "./dom.js";
import {speed, tokensOfMessage} from "./message.js";
import {tokensOf} from "./probabilities.js";

export class Progress {
  /** viewOf(message): its view, if it is on the page. save(): stores the conversation. */
  constructor(message, viewOf, save) {
    Object.assign(this, {message, viewOf, save, count: 0, timer: 0});
    this.spoken = message.content.length;
    this.stored = performance.now();
    // The tokens of an answer that goes on are worth showing only if those before are known.
    this.tokens = message.content ? tokensOfMessage.get(message) : [];
  }

  take(chunk) {
    if (chunk.timings) this.timings = chunk.timings;
    if (chunk.prompt_progress) {
      const {processed, total} = chunk.prompt_progress;
      byId("status").textContent = `Reading: ${processed} of ${total} tokens`;
    }
    if (chunk.usage) this.usage = chunk.usage;
    const [choice] = chunk.choices ?? [];
    if (!choice) return;
    this.finish = choice.finish_reason ?? this.finish;
    const tokens = tokensOf(choice.logprobs?.content);
    const text = choice.delta?.content;
    if (tokens.length && this.tokens) {
      if (!this.tokens.length) tokensOfMessage.set(this.message, this.tokens);
      this.tokens.push(...tokens);
    }
    if (!text) return;
    this.first ??= performance.now();
    this.last = performance.now();
    this.count += Math.max(1, tokens.length);
    this.message.content += text;
    // A frame's worth of pieces is drawn at once; a timer also runs while the tab is in the
    // background.
    this.timer ||= setTimeout(() => this.draw(), 40);
  }

  draw(isOver = false) {
    this.timer = 0;
    const messages = byId("messages");
    const atEnd = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 60;
    this.viewOf(this.message)?.update({running: !isOver});
    if (atEnd) messages.scrollTop = messages.scrollHeight;
    if (isOver) return;
    byId("status").textContent = speed(this.stats());
    this.speak(this.message.content.lastIndexOf("\n\n"));
    if (performance.now() - this.stored < 1000) return;
    this.stored = performance.now();
    this.save();
  }

  /** Screen readers are given whole paragraphs: letters as they come would be noise. */
  speak(end) {
    if (end <= this.spoken) return;
    byId("announcer").textContent = this.message.content.slice(this.spoken, end);
    this.spoken = end;
  }

  stats() {
    const measured = 1000 * (this.count - 1) / (this.last - this.first);
    return {
      tokens: this.usage?.completion_tokens ?? this.count,
      rate: this.timings?.predicted_per_second ?? (Number.isFinite(measured) ? measured : 0),
    };
  }

  end(failure) {
    clearTimeout(this.timer);
    delete this.message.state;
    if (failure?.name === "AbortError") this.message.state = "stopped";
    else if (failure) this.message.error = failure.message;
    else if (this.finish === "length") this.message.state = "length";
    this.message.stats = this.stats();
    this.draw(true);
    this.speak(this.message.content.length);
  }
}
