// What the reader has set: how answers are made, the language and the theme. Kept in the browser;
// the key only in its tab.

import { key } from "./api.js";

const kStore = "kilotoken.settings";
const kNumbers = { temperature: "set-temperature", max_tokens: "set-max-tokens", seed: "set-seed" };

function load() {
  try {
    return JSON.parse(localStorage.getItem(kStore)) || {};
  } catch {
    return {};
  }
}

export const settings = load();

const save = () => localStorage.setItem(kStore, JSON.stringify(settings));

export function set(name, value) {
  settings[name] = value;
  save();
}

// The parameters of a request. What is not set is not sent, so that the model's own defaults hold.
export function parameters() {
  const chosen = {};
  for (const name of Object.keys(kNumbers)) {
    if (Number.isFinite(settings[name])) chosen[name] = settings[name];
  }
  return chosen;
}

export const themes = ["auto", "light", "dark"];

export function applyTheme() {
  document.documentElement.dataset.theme = settings.theme || "auto";
}

const field = (id) => document.getElementById(id);

function show() {
  field("set-system").value = settings.system || "";
  for (const [name, id] of Object.entries(kNumbers)) {
    field(id).value = settings[name] ?? "";
    field(id).removeAttribute("aria-invalid");
  }
  field("set-key").value = key.get();
}

// A number as the field holds it; null when it is empty or out of the field's range.
function number(input) {
  return input.value !== "" && input.checkValidity() ? input.valueAsNumber : null;
}

// `changed` is called when the sheet closes.
export function prepareSettings(changed) {
  const sheet = field("settings");
  field("open-settings").addEventListener("click", () => {
    show();
    sheet.showModal();
  });
  field("set-system").addEventListener("input", (event) => set("system", event.target.value));
  field("set-key").addEventListener("input", (event) => key.set(event.target.value.trim()));
  for (const [name, id] of Object.entries(kNumbers)) {
    field(id).addEventListener("input", (event) => {
      set(name, number(event.target));
      event.target.setAttribute("aria-invalid", String(!event.target.checkValidity()));
    });
  }
  field("defaults").addEventListener("click", () => {
    for (const name of ["system", ...Object.keys(kNumbers)]) delete settings[name];
    save();
    show();
  });
  // A field out of its range keeps the sheet open and says why; the browser does that. Closing
  // without a look at the fields is the cross.
  sheet.querySelector('[data-title="close"]').formNoValidate = true;
  sheet.addEventListener("click", (event) => {
    if (event.target === sheet) sheet.close();
  });
  sheet.addEventListener("close", changed);
}
