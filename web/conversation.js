// The conversation on the page: one article a message, an answer that grows, and what can be done
// with each. It knows nothing of the server; app.js gives it words and figures.

import { render } from "./markdown.js";
import { t } from "./words.js";

const svgNames = "http://www.w3.org/2000/svg";

function icon(name) {
  const svg = document.createElementNS(svgNames, "svg");
  const use = document.createElementNS(svgNames, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function make(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

function button(name, word, act) {
  const node = make("button", `act ${name}`, icon(name));
  node.type = "button";
  node.dataset.title = word;
  node.title = t(word);
  node.setAttribute("aria-label", node.title);
  node.addEventListener("click", () => act(node));
  return node;
}

// Copies, and says so for a moment where the finger still is.
async function copy(text, node) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {  // a page that came over plain HTTP from another machine has no clipboard of its own
    const area = make("textarea", "hidden");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    node.focus();
  }
  node.replaceChildren(icon("done"));
  node.setAttribute("aria-label", t("copied"));
  setTimeout(() => {
    node.replaceChildren(icon("copy"));
    node.setAttribute("aria-label", t(node.dataset.title));
  }, 1400);
}

const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);

// Under an answer: how soon, how fast, how much, and what the cache spared.
function figures(answer) {
  const parts = [];
  const { usage, firstMs, lastMs } = answer;
  if (firstMs !== undefined) parts.push(t("firstToken", seconds(firstMs)));
  if (usage) {
    const count = usage.completion_tokens;
    const between = lastMs - firstMs;
    // Less than a screen's frame or two says how the pieces were delivered, not how they were made.
    if (count > 1 && between >= 20) {
      const rate = ((count - 1) * 1000) / between;
      parts.push(t("rate", rate >= 100 ? Math.round(rate) : rate.toFixed(1)));
    }
    parts.push(count === 1 ? t("tokensOne") : t("tokens", count));
    const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
    parts.push(t("cached", cached, usage.prompt_tokens));
  }
  if (answer.stopped) parts.push(t("stopped"));
  if (answer.finish === "length") parts.push(t("lengthEnd"));
  if (answer.ignored) parts.push(t("ignored", answer.ignored));
  return parts;
}

function codeButtons(body) {
  for (const block of body.querySelectorAll("pre")) {
    const head = make("div", "code-head", make("span", "", block.dataset.language || ""));
    const text = block.textContent.replace(/\n$/, "");
    head.append(button("copy", "code", (node) => copy(text, node)));
    block.tabIndex = 0;  // wide code scrolls, by keyboard as well
    const frame = make("div", "code");
    block.replaceWith(frame);
    frame.append(head, block);
  }
  for (const table of body.querySelectorAll("table")) {
    const frame = make("div", "scroller");
    frame.tabIndex = 0;
    table.replaceWith(frame);
    frame.append(table);
  }
}

export class Conversation {
  // `on` has retry(index) and edit(index, text).
  constructor(log, on) {
    this.log = log;
    this.on = on;
    this.views = [];
  }

  clear() {
    this.views = [];
    this.log.replaceChildren();
  }

  // Drops the messages from `count` on.
  keep(count) {
    for (const view of this.views.splice(count)) view.article.remove();
  }

  add(message) {
    const index = this.views.length;
    const mine = message.role === "user";
    const article = make("article", mine ? "message mine" : "message answer");
    article.dataset.label = mine ? "you" : "answer";
    article.setAttribute("aria-label", t(article.dataset.label));
    const view = { article, message, body: make("div", "body"), foot: make("div", "foot-line") };
    article.append(view.body, view.foot);
    this.views.push(view);
    this.log.append(article);
    if (mine) {
      view.body.textContent = message.content;
      view.foot.append(button("edit", "edit", () => this.edit(index)),
        button("copy", "copy", (node) => copy(message.content, node)));
    } else {
      this.draw(view);
    }
    return view;
  }

  // An answer as it is now: growing, complete, stopped or failed.
  draw(view) {
    const { message, body, foot } = view;
    const index = this.views.indexOf(view);
    view.article.classList.toggle("growing", !!message.growing);
    view.article.setAttribute("aria-busy", String(!!message.growing));
    body.replaceChildren(render(message.content));
    codeButtons(body);
    if (message.growing) {
      if (!message.content) body.append(make("p", "", make("span", "dots", t("thinking"))));
      else this.caret(body);
    }
    if (message.error) body.append(make("p", "error", message.error));
    if (message.growing) return foot.replaceChildren();
    foot.replaceChildren(button("retry", "retry", () => this.on.retry(index)),
      button("copy", "copy", (node) => copy(message.content, node)),
      make("ul", "figures", ...figures(message).map((part) => make("li", "", part))));
  }

  // At the end of the last line of text.
  caret(body) {
    let node = body;
    while (node.lastElementChild && /^(P|UL|OL|LI|PRE|CODE|BLOCKQUOTE|DIV|H\d)$/.test(
      node.lastElementChild.tagName)) {
      node = node.lastElementChild;
    }
    node.append(make("span", "caret"));
  }

  edit(index) {
    const { article, body, foot, message } = this.views[index];
    const area = make("textarea", "");
    area.value = message.content;
    area.setAttribute("aria-label", t("editLabel"));
    const send = make("button", "primary", t("resend"));
    const cancel = make("button", "plain", t("cancel"));
    cancel.type = "button";
    const form = make("form", "editor", area, make("div", "sheet-foot", cancel, send));
    const close = () => {
      form.remove();
      body.hidden = foot.hidden = false;
      article.classList.remove("editing");
    };
    cancel.addEventListener("click", close);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!area.value.trim()) return;
      close();
      this.on.edit(index, area.value);
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.stopPropagation();
        close();
      } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    body.hidden = foot.hidden = true;
    article.classList.add("editing");
    article.append(form);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }

  // In the words of now.
  redraw() {
    for (const view of this.views) if (view.message.role !== "user") this.draw(view);
  }
}
