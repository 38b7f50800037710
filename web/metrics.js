// The engine as /metrics shows it: a strip of figures that is always there, and charts of the last
// two minutes that open under it.

import { metrics, ApiError } from "./api.js";
import { t } from "./words.js";

const kEveryMs = 1000;
const kSamples = 120;

const byId = (id) => document.getElementById(id);

// Sums of the series of each name; labels do not matter here.
function parseMetrics(text) {
  const sums = new Map();
  for (const line of text.split("\n")) {
    if (!line || line[0] === "#") continue;
    const name = /^[^{\s]+/.exec(line)[0];
    const value = Number(line.slice(line.lastIndexOf(" ") + 1));
    if (!name.endsWith("_bucket")) sums.set(name, (sums.get(name) || 0) + value);
  }
  return sums;
}

const history = [];  // {speed, promptSpeed, running, waiting, kv}, oldest first
let last = null;     // {at, generated, prompt}
let charts = null;

const perSecond = (now, before, ms) => Math.max(0, ((now - before) * 1000) / ms);

function sample(sums, at) {
  const value = (name) => sums.get(`vllm:${name}`) || 0;
  const generated = value("generation_tokens_total");
  const prompt = value("prompt_tokens_total");
  // Counters that went back belong to a server that was started again.
  const known = last && generated >= last.generated && prompt >= last.prompt;
  const ms = known ? at - last.at : 1;
  const taken = {
    speed: known ? perSecond(generated, last.generated, ms) : 0,
    promptSpeed: known ? perSecond(prompt, last.prompt, ms) : 0,
    running: value("num_requests_running"),
    waiting: value("num_requests_waiting"),
    kv: value("kv_cache_usage_perc") * 100,
    generated, prompt,
    cached: value("prompt_tokens_cached_total"),
    done: value("request_success_total"),
    firstMs: (1000 * value("time_to_first_token_seconds_sum")) /
      Math.max(1, value("time_to_first_token_seconds_count")),
  };
  last = { at, generated, prompt };
  return taken;
}

const percent = (value) => `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
const whole = (value) => Math.round(value).toLocaleString(document.documentElement.lang);

function showStrip(now) {
  byId("strip").classList.remove("stale");
  byId("stat-running").textContent = now.running;
  byId("stat-waiting").textContent = now.waiting;
  byId("stat-kv").textContent = percent(now.kv);
  byId("stat-speed").textContent = whole(now.speed);
  byId("strip").setAttribute("aria-label",
    t("stripLabel", now.running, now.waiting, percent(now.kv), whole(now.speed)));
  const taken = history.slice(-60).map((one) => one.speed);
  const points = [...Array(60 - taken.length).fill(0), ...taken];
  const most = Math.max(1, ...points);
  const line = points.map((value, i) =>
    `${((i * 90) / 59).toFixed(1)} ${(26 - (24 * value) / most).toFixed(1)}`).join("L");
  byId("spark").querySelector(".line").setAttribute("d", `M${line}`);
  byId("spark").querySelector(".area").setAttribute("d", `M0 28L${line}L90 28z`);
}

function showTotals(now) {
  const rows = [["totalGenerated", whole(now.generated)], ["totalPrompt", whole(now.prompt)],
    ["totalCached", whole(now.cached)], ["totalDone", whole(now.done)],
    ["totalFirst", now.firstMs >= 1000 ? `${(now.firstMs / 1000).toFixed(2)} s` : `${whole(now.firstMs)} ms`]];
  byId("totals").replaceChildren(...rows.map(([word, value]) => {
    const row = document.createElement("div");
    const name = document.createElement("dt");
    const figure = document.createElement("dd");
    name.textContent = t(word);
    figure.textContent = value;
    row.append(figure, name);
    return row;
  }));
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function makeChart(id, series) {
  return new window.Chart(byId(id), {
    type: "line",
    data: {
      labels: history.map(() => ""),
      datasets: series.map(({ word, get, tint }) => ({
        label: t(word), get, data: [], borderColor: colour(tint), borderWidth: 1.6,
        backgroundColor: `color-mix(in srgb, ${colour(tint)} 14%, transparent)`,
        pointRadius: 0, fill: true, tension: 0.25,
      })),
    },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false,
      plugins: {
        legend: { display: series.length > 1, align: "end",
          labels: { boxWidth: 8, boxHeight: 8, color: colour("--soft"), font: { size: 11 } } },
        tooltip: { enabled: false },
      },
      scales: {
        x: { display: false },
        y: { beginAtZero: true, suggestedMax: series[0].top, border: { display: false },
          grid: { color: colour("--line") },
          ticks: { color: colour("--soft"), maxTicksLimit: 4, font: { size: 11 } } },
      },
    },
  });
}

function fillCharts() {
  const blank = Array(kSamples - history.length).fill(null);
  for (const chart of charts) {
    chart.data.labels = Array(kSamples).fill("");
    for (const set of chart.data.datasets) set.data = [...blank, ...history.map(set.get)];
    chart.update("none");
  }
}

// Anew, in the words and colours of now.
export function redrawMetrics() {
  if (history.length) showStrip(history.at(-1));
  if (!charts) return;
  for (const chart of charts) chart.destroy();
  charts = [
    makeChart("chart-speed", [{ word: "generated", get: (s) => s.speed, tint: "--accent", top: 10 },
      { word: "prompt", get: (s) => s.promptSpeed, tint: "--second" }]),
    makeChart("chart-requests", [{ word: "running", get: (s) => s.running, tint: "--accent", top: 4 },
      { word: "waiting", get: (s) => s.waiting, tint: "--second" }]),
    makeChart("chart-memory", [{ word: "kv", get: (s) => s.kv, tint: "--accent", top: 5 }]),
  ];
  fillCharts();
  if (history.length) showTotals(history.at(-1));
}

async function toggleCharts() {
  const open = byId("engine").hidden;
  byId("engine").hidden = !open;
  byId("strip").setAttribute("aria-expanded", String(open));
  if (!open) {
    for (const chart of charts || []) chart.destroy();
    charts = null;
    return;
  }
  if (!window.Chart) await import("./lib/chart.js");
  window.Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  charts = charts || [];
  redrawMetrics();
}

async function poll(refused) {
  if (document.visibilityState === "hidden") return;
  try {
    history.push(sample(parseMetrics(await metrics()), performance.now()));
    if (history.length > kSamples) history.shift();
    showStrip(history.at(-1));
    if (charts?.length) {
      fillCharts();
      showTotals(history.at(-1));
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    last = null;
    byId("strip").classList.add("stale");
    if (error.status === 401) await refused();
  }
}

// `refused` is called, and waited for, when the server asks for a key.
export function watchMetrics(refused) {
  byId("strip").addEventListener("click", toggleCharts);
  const next = async () => {
    await poll(refused);
    setTimeout(next, kEveryMs);
  };
  next();
}
