// SPDX-License-Identifier: Apache-2.0
//
// The Markdown that models write: paragraphs, headings, lists, quotes, code, bold, italic, links.
// It is built from elements and text nodes, so HTML in an answer is shown, not obeyed. Time is
// linear in the text but for nesting, which is bounded: an answer is parsed anew each time that it
// grows.
import {copyButton, element} from "./dom.js";

const kMostNested = 6;
const kFence = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const kHeading = /^ {0,3}(#{1,6}) +(.*)$/;
const kRule = /^ {0,3}(-( *-){2,}|\*( *\*){2,}|_( *_){2,}) *$/;
const kItem = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;
const kQuote = /^ {0,3}> ?/;

/** Shows `text` in `container`. Blocks that did not change stay as they are: selections survive. */
export function renderMarkdown(container, text) {
  const blocks = blocksOf(text.split("\n"), 0);
  blocks.forEach(({source, build}, index) => {
    const old = container.children[index];
    if (old?.source === source) return;
    const node = Object.assign(build(), {source});
    if (old) old.replaceWith(node);
    else container.append(node);
  });
  while (container.children.length > blocks.length) container.lastChild.remove();
}

function blocksOf(lines, depth) {
  const blocks = [];
  for (let at = 0, end; at < lines.length; at = end) {
    end = at + 1;
    if (!lines[at].trim()) continue;
    end = endOf(lines, at, depth);
    const own = lines.slice(at, end);
    blocks.push({source: own.join("\n"), build: () => build(own, depth)});
  }
  return blocks;
}

const startsBlock = (line) =>
  [kFence, kHeading, kItem, kQuote, kRule].some((start) => start.test(line));

/** The line after the block that begins at `at`. */
function endOf(lines, at, depth) {
  const fence = kFence.exec(lines[at]);
  let end = at + 1;
  if (fence) {
    const closes = (line) => line.trim().startsWith(fence[1]) && !/[^`~ ]/.test(line);
    while (end < lines.length && !closes(lines[end])) ++end;
    return end + 1;
  }
  if (depth >= kMostNested) return lines.length;
  if (kHeading.test(lines[at]) || kRule.test(lines[at])) return end;
  if (kQuote.test(lines[at])) {
    while (end < lines.length && kQuote.test(lines[end])) ++end;
    return end;
  }
  const item = kItem.exec(lines[at]);
  if (item) return endOfList(lines, at, item);
  while (end < lines.length && lines[end].trim() && !startsBlock(lines[end])) ++end;
  return end;
}

const isOrdered = (item) => /\d/.test(item[2]);

function endOfList(lines, at, first) {
  let end = at + 1;
  for (let next = end; next < lines.length; ++next) {
    const item = kItem.exec(lines[next]);
    const deeper = /^ */.exec(lines[next])[0].length > first[1].length;
    const same = item && isOrdered(item) === isOrdered(first) && !kRule.test(lines[next]);
    const lazy = lines[next - 1].trim() && !startsBlock(lines[next]);
    if (!lines[next].trim()) continue;
    if (!deeper && !same && !lazy) break;
    end = next + 1;
  }
  return end;
}

function build(lines, depth) {
  const [first] = lines;
  const fence = kFence.exec(first);
  if (fence) return codeBlock(lines, fence);
  if (depth < kMostNested) {
    const heading = kHeading.exec(first);
    // The page's own title is h1: an answer's headings are below it.
    if (heading) return inline(element(`h${Math.min(6, heading[1].length + 2)}`), heading[2]);
    if (kRule.test(first)) return element("hr");
    if (kQuote.test(first)) {
      const inner = lines.map((line) => line.replace(kQuote, ""));
      return element("blockquote", {}, ...blocksOf(inner, depth + 1).map((block) => block.build()));
    }
    const item = kItem.exec(first);
    if (item) return list(lines, item, depth);
  }
  return inline(element("p"), lines.join("\n"));
}

function codeBlock(lines, fence) {
  const closed = lines.length > 1 && lines.at(-1).trim().startsWith(fence[1]);
  const indent = /^ */.exec(lines[0])[0].length;
  const code = lines.slice(1, closed ? -1 : undefined)
    .map((line) => line.slice(Math.min(indent, /^ */.exec(line)[0].length))).join("\n");
  return element("div", {className: "code"},
    element("div", {}, element("span", {}, fence[2].trim().split(/\s/)[0]), copyButton(() => code)),
    element("pre", {tabIndex: 0}, element("code", {}, code)));
}

function list(lines, first, depth) {
  const node = element(isOrdered(first) ? "ol" : "ul");
  if (isOrdered(first)) node.start = Number.parseInt(first[2], 10);
  let item = [];
  const flush = () => {
    const blocks = blocksOf(item, depth + 1).map((block) => block.build());
    // A lone paragraph needs no margins of its own.
    if (blocks[0]?.tagName === "P") blocks.splice(0, 1, ...blocks[0].childNodes);
    node.append(element("li", {}, ...blocks));
  };
  lines.forEach((line, index) => {
    const marker = kItem.exec(line);
    if (index && marker && marker[1].length <= first[1].length) {
      flush();
      item = [];
    }
    const indent = /^ */.exec(line)[0].length;
    item.push(line.slice(item.length ? Math.min(first[0].length, indent) : marker[0].length));
  });
  flush();
  return node;
}

const kMarks = ["**", "__", "``", "*", "_", "`"];
const kLink = /^\[([^[\]]{1,300})\]\((https?:\/\/[^\s()<>]{1,2000})\)/i;
const kTags = {"**": "strong", "__": "strong", "*": "em", "_": "em"};

/** Fills `parent` with `text`, whose code, bold, italic and links become elements. */
function inline(parent, text, depth = 0) {
  const special = /[\\`*_[]/g;
  const missing = new Set();  // marks that are not closed further on, so that nobody looks again
  let from = 0;
  const put = (at, node, next) => {
    parent.append(text.slice(from, at), ...(node ? [node] : []));
    from = special.lastIndex = next;
  };
  for (let hit = special.exec(text); hit; hit = special.exec(text)) {
    const at = hit.index;
    if (hit[0] === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) {
      put(at, null, at + 1);
      special.lastIndex = at + 2;
    } else if (hit[0] === "[") {
      const link = linkAt(text, at);
      if (link) put(at, link.node, link.end);
    } else if (hit[0] !== "\\") {
      const mark = kMarks.find((each) => text.startsWith(each, at) && !missing.has(each));
      const end = mark ? closing(text, at, mark) : -1;
      if (end >= 0) {
        const inner = text.slice(at + mark.length, end);
        const node = mark[0] === "`" ? element("code", {}, inner)
          : depth < kMostNested ? inline(element(kTags[mark]), inner, depth + 1) : inner;
        put(at, node, end + mark.length);
      } else if (mark && end === -1) {
        missing.add(mark);
      }
    }
  }
  parent.append(text.slice(from));
  return parent;
}

/** Where `mark`, open at `at`, is closed. -1: nowhere, -2: it does not open anything here. */
function closing(text, at, mark) {
  const from = at + mark.length;
  if (mark[0] === "`") return text.indexOf(mark, from);
  const isWord = (character) => /[\p{L}\p{N}]/u.test(character ?? "");
  if (/^\s?$/.test(text[from] ?? "")) return -2;
  if (mark[0] === "_" && isWord(text[at - 1])) return -2;  // snake_case
  const next = (begin) => text.indexOf(mark, begin);
  for (let end = next(from + 1); end >= 0; end = next(end + mark.length)) {
    const after = text[end + mark.length];
    if (/\s/.test(text[end - 1]) || (mark[0] === "_" && isWord(after))) continue;
    const isHalf = mark.length === 1 && (after === mark || text[end - 1] === mark);
    if (isHalf) continue;
    return end;
  }
  return -1;
}

/** [words](https://...) as an element. Other schemes, like javascript:, remain text. */
function linkAt(text, at) {
  const match = kLink.exec(text.slice(at, at + 2400));
  if (!match) return null;
  const node = element("a", {href: match[2], target: "_blank", rel: "noopener noreferrer"});
  return {node: inline(node, match[1], kMostNested), end: at + match[0].length};
}
