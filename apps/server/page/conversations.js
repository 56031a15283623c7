// SPDX-License-Identifier: Apache-2.0
//
// The list of conversations and what can be done with one: choose, rename, delete, export, import.
import {byId, download, element, say} from "./dom.js";
import * as store from "./store.js";

export class Conversations {
  /** show(conversation): called when another one is to be on the page. */
  constructor(show) {
    this.all = store.loadAll();
    this.show = show;
    byId("new").onclick = () => this.open(store.newConversation(this.current.system));
    byId("rename").onclick = () => this.rename();
    byId("delete").onclick = () => this.delete();
    byId("export-json").onclick = () => this.exportJson([this.current], this.fileName());
    byId("export-all").onclick = () => this.exportJson(this.all, "conversations");
    byId("export-markdown").onclick = () =>
      download(`${this.fileName()}.md`, "text/markdown", store.toMarkdown(this.current));
    byId("import").onclick = () => byId("import-file").click();
    byId("import-file").onchange = (event) => this.import(event.target);
    // Another tab wrote: take it over, but for what is on this page.
    addEventListener("storage", () => {
      const isOurs = (each) => each === this.current || each.busy;
      this.all = store.loadAll().map((each) =>
        [this.current, ...this.all].find((own) => own.id === each.id && isOurs(own)) ?? each);
      this.list();
    });
  }

  open(conversation) {
    this.current = conversation;
    this.list();
    this.show(conversation);
  }

  /** Stores it; the first time also lists it. */
  keep(conversation) {
    if (!this.all.includes(conversation)) this.all.unshift(conversation);
    conversation.updated = Date.now();
    this.all.sort((a, b) => b.updated - a.updated);
    this.save(conversation);
    this.list();
  }

  /** Stores what is listed; what was deleted meanwhile stays deleted. */
  save(conversation) {
    if (!this.all.includes(conversation) || store.save(conversation)) return;
    say("The browser has no room left: delete conversations, or export them first.");
  }

  list() {
    const shown = JSON.stringify(this.all.map((each) =>
      [each.id, store.titleOf(each), each === this.current]));
    if (this.shown === shown && this.all.length) return;  // a list made anew would lose the focus
    this.shown = shown;
    byId("conversations").replaceChildren(...this.all.map((each) => {
      const button = element("button", {type: "button", onclick: () => this.open(each)},
        store.titleOf(each));
      if (each === this.current) button.setAttribute("aria-current", "true");
      return element("li", {}, button);
    }));
    const title = store.titleOf(this.current);
    byId("title").textContent = title;
    document.title = `${title} – Gemma 2`;
  }

  rename() {
    const dialog = byId("naming");
    const value = byId("naming-value");
    value.value = store.titleOf(this.current);
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue !== "use") return;
      this.current.title = value.value.trim();
      this.keep(this.current);
    };
    dialog.showModal();
    value.select();
  }

  delete() {
    const gone = this.current;
    const at = this.all.indexOf(gone);
    if (at < 0) return;
    this.all.splice(at, 1);
    store.remove(gone);
    this.open(this.all[at] ?? this.all[at - 1] ?? store.newConversation());
    say(`Deleted “${store.titleOf(gone)}”.`, {label: "Undo", run: () => {
      this.all.splice(at, 0, gone);
      this.save(gone);
      this.open(gone);
    }});
  }

  fileName() {
    const words = store.titleOf(this.current).replace(/[^\p{L}\p{N}]+/gu, "-");
    return words.slice(0, 40) || "conversation";
  }

  exportJson(conversations, name) {
    download(`${name}.json`, "application/json", store.toJson(conversations));
  }

  async import(input) {
    const [file] = input.files;
    input.value = "";  // so that the same file can be chosen again
    if (!file) return;
    try {
      const found = await store.fromFile(file);
      for (const conversation of found) {
        this.all.push(conversation);
        this.save(conversation);
      }
      this.all.sort((a, b) => b.updated - a.updated);
      this.open(found[0]);
      say(`Imported ${found.length}.`);
    } catch (error) {
      say(`${file.name}: ${error.message}`);
    }
  }
}
