// The chat page: wires the composer, the conversation, the settings and the server together.

import * as api from "./api.js";
import { Conversation } from "./conversation.js";
import { watchMetrics, redrawMetrics } from "./metrics.js";
import { applyTheme, parameters, prepareSettings, set, settings, themes } from "./settings.js";
import { languages, pick, speak, t } from "./words.js";

const kStore = "kilotoken.conversation";
const byId = (id) => document.getElementById(id);

let messages = [];
let model = null;     // as /v1/models describes it
let running = null;   // the AbortController of the answer that grows
const view = new Conversation(byId("log"), {
  retry: (index) => answerFrom(index),
  edit: (index, text) => {
    messages[index].content = text;
    redrawFrom(index);
    answerFrom(index + 1);
  },
});

const say = (text) => { byId("status").textContent = text; };
const remember = () => sessionStorage.setItem(kStore, JSON.stringify(messages));

// --- the answer -----------------------------------------------------------------------------------

function describe(error) {
  if (error.status !== 0) return t("failed", error.message);
  return error.message === "incomplete" ? t("broken") : t("unreachable");
}

function request(upTo) {
  const said = messages.slice(0, upTo).map(({ role, content }) => ({ role, content }));
  if (settings.system?.trim()) said.unshift({ role: "system", content: settings.system });
  return { model: model?.id, messages: said, ...parameters() };
}

// Takes in what comes until the answer ends; draws at most once a frame.
async function receive(answer, body, signal) {
  const started = performance.now();
  let due = false;
  const growingView = view.views.at(-1);
  const draw = () => {
    due = false;
    if (!answer.growing) return;
    const atEnd = nearEnd();
    view.draw(growingView);
    if (atEnd) toEnd();
  };
  for await (const piece of api.chat(body, signal)) {
    if (piece.text) {
      const now = performance.now();
      if (answer.firstMs === undefined) {
        answer.firstMs = now - started;
        say(t("saidStart"));
      }
      answer.lastMs = now - started;
      answer.content += piece.text;
      if (!due) {
        due = true;
        requestAnimationFrame(draw);
      }
    }
    if (piece.usage) answer.usage = piece.usage;
    if (piece.finish) answer.finish = piece.finish;
    if (piece.ignored) answer.ignored = piece.ignored;
  }
}

// Drops the messages from `index` on, and lets the model answer what is left.
async function answerFrom(index) {
  stop();
  messages.splice(index);
  view.keep(index);
  if (!model && !(await connect())) return;
  const answer = { role: "assistant", content: "", growing: true };
  const body = request(index);
  messages.push(answer);
  const own = view.add(answer);
  toEnd();
  const controller = new AbortController();
  running = controller;
  showRunning();
  try {
    await receive(answer, body, controller.signal);
    say(t("saidEnd", answer.content));
  } catch (error) {
    if (error.name === "AbortError") {
      answer.stopped = true;
      say(t("saidStop"));
    } else {
      answer.error = describe(error);
      say(answer.error);
      if (error.status === 401) askKey();
    }
  }
  answer.growing = false;
  const atEnd = nearEnd();
  if (messages.includes(answer)) view.draw(own);
  if (atEnd) toEnd();
  if (running === controller) {
    running = null;
    showRunning();
  }
  remember();
}

function stop() {
  running?.abort();
  running = null;
  showRunning();
}

function redrawFrom(index) {
  view.keep(index);
  for (const message of messages.slice(index, index + 1)) view.add(message);
}

// --- the composer ---------------------------------------------------------------------------------

function showRunning() {
  const focused = document.activeElement === byId("stop") || document.activeElement === byId("send");
  byId("stop").hidden = !running;
  byId("send").hidden = !!running;
  byId("send").disabled = !byId("prompt").value.trim();
  byId("welcome").hidden = messages.length > 0;
  if (focused) (running ? byId("stop") : byId("prompt")).focus();
}

function fit() {
  const area = byId("prompt");
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight, innerHeight * 0.4)}px`;
}

const nearEnd = () => byId("main").scrollHeight - byId("main").scrollTop - byId("main").clientHeight < 90;
const toEnd = () => { byId("main").scrollTop = byId("main").scrollHeight; };

function send(text) {
  if (!text.trim() || running) return;
  const message = { role: "user", content: text.trim() };
  messages.push(message);
  view.add(message);
  byId("prompt").value = "";
  fit();
  answerFrom(messages.length);
}

function prepareComposer() {
  const area = byId("prompt");
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send(area.value);
  });
  area.addEventListener("input", () => {
    fit();
    showRunning();
  });
  area.addEventListener("keydown", (event) => {
    // While an input method is composing, Enter belongs to it.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      byId("composer").requestSubmit();
    } else if (event.key === "ArrowUp" && !area.value && !running) {
      const last = messages.findLastIndex((message) => message.role === "user");
      if (last < 0) return;
      event.preventDefault();
      view.edit(last);
    }
  });
  byId("stop").addEventListener("click", stop);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && running && !document.querySelector("dialog[open]")) stop();
    const typing = event.target.closest("input, textarea, dialog");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      area.focus();
    }
  });
}

// --- the rest of the page -------------------------------------------------------------------------

function showSuggestions() {
  byId("suggestions").replaceChildren(...t("suggestions").map((text) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => send(text));
    item.append(button);
    return item;
  }));
}

function showModel(error) {
  byId("model").classList.toggle("bad", !!error);
  if (error) {
    byId("model").textContent = error.status === 503 ? t("loading") : t("offline");
  } else if (model) {
    const context = model.max_model_len;
    byId("model").textContent = model.id +
      (context ? ` · ${t("context", context.toLocaleString(document.documentElement.lang))}` : "");
    document.title = `${model.id} · kilotoken`;
  }
}

function applyLanguage(language) {
  speak(language);
  showSuggestions();
  view.redraw();
  showTheme();
  showModel();
  redrawMetrics();
}

function showTheme() {
  applyTheme();
  const words = { auto: "themeAuto", light: "themeLight", dark: "themeDark" };
  byId("theme").title = t(words[settings.theme || "auto"]);
  byId("theme").setAttribute("aria-label", byId("theme").title);
}

let asking = null;

// Asks until the server takes a key or the reader gives up; at most one question at a time.
function askKey() {
  asking = asking || (async () => {
    const dialog = byId("ask-key");
    byId("ask-text").textContent = t(api.key.get() ? "askKeyAgain" : "askKeyText");
    byId("ask-input").value = "";
    dialog.returnValue = "";
    dialog.showModal();
    await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
    if (dialog.returnValue === "ok") api.key.set(byId("ask-input").value.trim());
    asking = null;
    return dialog.returnValue === "ok";
  })();
  return asking;
}

// Learns which model answers here. False when the server cannot be reached or lets nobody in.
async function connect() {
  for (;;) {
    try {
      [model] = await api.models();
      byId("version").textContent = `kilotoken ${await api.version()}`;
      showModel();
      return true;
    } catch (error) {
      if (error.status === 401 && (await askKey())) continue;
      showModel(error);
      return false;
    }
  }
}

function restore() {
  try {
    messages = JSON.parse(sessionStorage.getItem(kStore)) || [];
  } catch {
    messages = [];
  }
  for (const message of messages) {
    if (message.growing) Object.assign(message, { growing: false, stopped: true });
    view.add(message);
  }
  toEnd();
}

function prepareTools() {
  byId("new").addEventListener("click", () => {
    stop();
    messages = [];
    view.clear();
    remember();
    showRunning();
    byId("prompt").focus();
  });
  byId("language").addEventListener("click", () => {
    const names = Object.keys(languages);
    const next = names[(names.indexOf(pick(settings.language)) + 1) % names.length];
    set("language", next);
    applyLanguage(next);
  });
  byId("theme").addEventListener("click", () => {
    set("theme", themes[(themes.indexOf(settings.theme || "auto") + 1) % themes.length]);
    showTheme();
    redrawMetrics();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawMetrics);
  prepareSettings(() => (model ? showModel() : connect()));
}

applyTheme();
prepareTools();
prepareComposer();
restore();
applyLanguage(pick(settings.language));
showRunning();
byId("prompt").focus();
await connect();
watchMetrics(async () => {
  // One question is asked by connect(); a second only if the key has stopped being good.
  if (model) await askKey();
});
setInterval(() => { if (!model && !asking) connect(); }, 3000);
