'use strict';
// The report of kilotoken bench: tables and charts from the data that the page carries.

const result = JSON.parse(document.getElementById('result').textContent);
const requests = JSON.parse(document.getElementById('requests').textContent);
const COLOURS = { a: '#2b6cb0', b: '#c05621', c: '#2f855a', d: '#805ad5', e: '#c53030' };
let language = (navigator.language || 'en').startsWith('zh') ? 'zh' : 'en';
let words = REPORT_WORDS[language];
let charts = [];
// Read by tests: points drawn, by the chart's name.
window.reportMarks = {};

function element(parent, tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  parent.append(made);
  return made;
}

function number(value, digits = 2) {
  if (value === null || value === undefined) return '–';
  if (value === 'inf') return '∞';
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

// Within the chart's area, and a bar of some length.
function drawn(made, mark) {
  const { left, right, top, bottom } = made.chartArea, more = 1;
  const long = mark.width === undefined || mark.width > 0;
  return long && mark.x >= left - more && mark.x <= right + more && mark.y >= top - more &&
    mark.y <= bottom + more;
}

function chart(parent, name, title, config) {
  const figure = element(parent, 'figure');
  element(figure, 'figcaption', title);
  const box = element(figure, 'div', undefined, 'canvas');
  const canvas = element(box, 'canvas');
  canvas.id = 'plot-' + name;
  const made = new Chart(canvas, {
    ...config,
    options: { animation: false, maintainAspectRatio: false, ...config.options },
  });
  charts.push(made);
  window.reportMarks[name] = config.data.datasets.reduce(
    (sum, _, i) => sum + made.getDatasetMeta(i).data.filter((mark) => drawn(made, mark)).length, 0);
}

function axes(x, y, more = {}) {
  return { scales: { x: { type: 'linear', title: { display: true, text: x }, ...more.x },
    y: { title: { display: true, text: y }, ...more.y }, ...more.scales } };
}

function line(label, data, colour, more = {}) {
  return { label, data, borderColor: colour, backgroundColor: colour, pointRadius: 0,
    borderWidth: 1.5, showLine: true, ...more };
}

function dots(label, data, colour) {
  return { label, data, borderColor: colour, backgroundColor: colour + '99', pointRadius: 2.5,
    showLine: false };
}

function cumulative(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted.map((x, i) => ({ x, y: (i + 1) / sorted.length }));
}

// Complete; an answer may have brought no token, and has no times then.
const isWhole = (r) => r.outcome === 'ok' && r.first_ms !== null;
const good = requests.filter(isWhole);
const tokensOf = (r) => r.n_out - Math.max(1, r.chunk_tokens[0] || 0);
const tpot = (r) => (tokensOf(r) > 0 && r.last_ms > r.first_ms ? (r.last_ms - r.first_ms) / tokensOf(r) : NaN);

function cdfs(parent) {
  const plots = { ttft: ['first_ms', words.ttft], e2el: ['last_ms', words.e2el] };
  for (const [name, [key, title]] of Object.entries(plots)) {
    chart(parent, 'cdf-' + name, title, { type: 'scatter', data: { datasets: [
      line(words.sent, cumulative(good.map((r) => r[key] - r.start_ms)), COLOURS.a),
      line(words.intended, cumulative(good.map((r) => r[key] - r.intended_ms)), COLOURS.b),
    ] }, options: axes(words.ms, words.cdf) });
  }
  chart(parent, 'cdf-tpot', words.tpot, { type: 'scatter', data: { datasets: [
    line(words.tpot, cumulative(good.map(tpot)), COLOURS.c)] },
    options: axes(words.ms, words.cdf) });
}

// From where to where, in seconds: what a request's time was, as far as the server says so. Where it
// was preempted is not said, but then it had its longest gaps.
function partsOf(r) {
  const parts = [];
  const first = r.first_ms === null ? r.done_ms : r.first_ms;
  const last = r.last_ms === null ? first : r.last_ms;
  // Times are of whole nanoseconds: what is less is rounding.
  const part = (name, from, to) => { if (to - from > 5e-7) parts.push([name, from / 1e3, to / 1e3]); };
  let at = first;
  for (const name of ['prefill', 'queue', 'tokenize']) {
    const from = r.server ? Math.max(r.start_ms, at - Math.max(r.server[name + '_ms'], 0)) : at;
    part(name, from, at);
    at = from;
  }
  part('wait', r.start_ms, at);
  const gaps = r.chunk_gaps_ms.map((gap, i) => ({ gap, i })).slice(1);
  gaps.sort((a, b) => b.gap - a.gap);
  const lost = new Set(gaps.slice(0, r.server ? r.server.preemptions : 0).map((gap) => gap.i));
  let from = first;
  at = first;
  r.chunk_gaps_ms.forEach((gap, i) => {
    if (i === 0) return;  // it begins with the first event
    if (lost.has(i)) {
      part('decode', from, at);
      part('preempted', at, at + gap);
      from = at + gap;
    }
    at += gap;
  });
  part('decode', from, last);
  return parts;
}

// Bars, a row for each request.
function timeline(parent) {
  const shown = requests.filter((r) => r.start_ms !== null).slice(0, 400);
  const colours = { wait: '#e2b48a', tokenize: COLOURS.d, queue: '#cbd5e0', prefill: COLOURS.b,
    decode: COLOURS.a, preempted: COLOURS.e };
  const bars = shown.flatMap((r, y) => partsOf(r).map(([name, from, to]) => (
    { name, x: [from, to], y })));
  const datasets = Object.keys(colours).map((name) => ({
    label: words[name], backgroundColor: colours[name], grouped: false, barPercentage: 1,
    categoryPercentage: 1, data: bars.filter((bar) => bar.name === name) }));
  chart(parent, 'timeline', words.timeline, { type: 'bar',
    data: { datasets: datasets.filter((set) => set.data.length) },
    options: { indexAxis: 'y', scales: {
      x: { type: 'linear', title: { display: true, text: words.s } },
    y: { type: 'linear', reverse: true, min: -1, max: shown.length, offset: false } } } });
}

function series(parent) {
  const end = Math.max(1, ...requests.map((r) => r.done_ms / 1e3));
  const step = Math.max(0.1, end / 120);
  const bins = Array.from({ length: Math.ceil(end / step) + 1 }, (_, i) => ({ x: i * step, y: 0 }));
  const flying = bins.map((bin) => ({ x: bin.x, y: inFlight(bin.x * 1e3) }));
  for (const r of good) {
    let at = r.first_ms;
    r.chunk_gaps_ms.forEach((gap, i) => {
      at += gap;
      const bin = bins[Math.floor(Math.max(0, at) / 1e3 / step)];
      if (bin) bin.y += (r.chunk_tokens[i] || r.n_out / r.chunk_gaps_ms.length) / step;
    });
  }
  chart(parent, 'series', words.series, { type: 'scatter', data: { datasets: [
    line(words.tokens, bins, COLOURS.a),
    line(words.running, flying, COLOURS.b, { yAxisID: 'right' })] },
    options: axes(words.s, words.tokens, { scales: { right: { position: 'right',
      title: { display: true, text: words.running }, grid: { drawOnChartArea: false } } } }) });
}

function serverSeries(parent) {
  const seen = result.x.server.series;
  if (!seen || !seen.tick_s || seen.tick_s.length < 2 || !seen.running) return;
  const of = (values) => values.map((y, i) => ({ x: seen.tick_s[i], y }));
  chart(parent, 'server', words.server, { type: 'scatter', data: { datasets: [
    line(words.running, of(seen.running), COLOURS.a), line(words.waiting, of(seen.waiting), COLOURS.e),
    line(words.kv, of(seen.kv_use), COLOURS.c, { yAxisID: 'right' })] },
    options: axes(words.s, words.count, { scales: { right: { position: 'right', min: 0, max: 1,
      title: { display: true, text: words.kv }, grid: { drawOnChartArea: false } } } }) });
}

function scatterPlots(parent) {
  const point = (r) => ({ x: r.n_in, y: r.first_ms - r.start_ms });
  chart(parent, 'prompt', words.prompt, { type: 'scatter', data: { datasets: [
    dots(words.cold, good.filter((r) => !(r.n_cached > 0)).map(point), COLOURS.a),
    dots(words.warm, good.filter((r) => r.n_cached > 0).map(point), COLOURS.b)] },
    options: axes(words.input, words.ms) });
  const gaps = [];
  for (const r of good) {
    let at = r.first_ms;
    r.chunk_gaps_ms.forEach((gap, i) => { at += gap; if (i) gaps.push({ x: at / 1e3, y: gap }); });
  }
  const every = Math.ceil(gaps.length / 4000) || 1;
  chart(parent, 'itl', words.itl, { type: 'scatter', data: { datasets: [
    dots('ITL', gaps.filter((_, i) => i % every === 0), COLOURS.d)] },
    options: axes(words.s, words.ms) });
}

function histogram(values) {
  const most = Math.max(1, ...values), step = Math.max(1, Math.ceil(most / 40));
  const bins = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => ({ x: i * step, y: 0 }));
  for (const value of values) bins[Math.floor(Math.max(0, value) / step)].y += 1;
  return bins;
}

function lengths(parent) {
  chart(parent, 'lengths', words.lengths, { type: 'scatter', data: { datasets: [
    line(words.input, histogram(good.map((r) => r.n_in)), COLOURS.a, { stepped: 'middle' }),
    line(words.output, histogram(good.map((r) => r.n_out)), COLOURS.b, { stepped: 'middle' })] },
    options: axes('token', words.count) });
  chart(parent, 'chunks', words.chunk, { type: 'scatter', data: { datasets: [
    line(words.chunk, histogram(good.flatMap((r) => r.chunk_tokens)), COLOURS.c,
      { stepped: 'middle' })] }, options: axes(words.chunk, words.count) });
}

// Requests of the server at a moment, in milliseconds.
function inFlight(at) {
  return requests.filter((r) => r.start_ms !== null && r.start_ms <= at && r.done_ms > at).length;
}

// One run has a load at every moment: what a request met is the requests in flight at its send.
function againstLoad(parent) {
  const sent = requests.filter((r) => r.start_ms !== null).map(
    (r) => ({ r, x: inFlight(r.start_ms) }));
  const of = (value) => sent.filter(({ r }) => isWhole(r)).map(
    ({ r, x }) => ({ x, y: value(r) })).filter((point) => Number.isFinite(point.y));
  chart(parent, 'run-load', words.load, { type: 'scatter', data: { datasets: [
    dots(words.ttft, of((r) => r.first_ms - r.start_ms), COLOURS.a),
    dots(words.e2el, of((r) => r.last_ms - r.start_ms), COLOURS.b)] },
    options: axes(words.running, words.ms) });
  const loads = [...new Set(sent.map(({ x }) => x))].sort((a, b) => a - b);
  const share = loads.map((x) => {
    const met = sent.filter((point) => point.x === x);
    return { x, y: met.filter(({ r }) => r.good).length / met.length };
  });
  chart(parent, 'run-good', words.good, { type: 'scatter', data: { datasets: [
    line(words.share, share, COLOURS.b, { pointRadius: 3 })] },
    options: axes(words.running, words.share, { y: { min: 0, max: 1 } }) });
}

// Each dot is a span of the run: what the server gave in it, and each who was being answered.
function pareto(parent) {
  const begin = Math.min(...good.map((r) => r.first_ms));
  const end = Math.max(...good.map((r) => r.last_ms));
  const step = Math.max(250, (end - begin) / 100);
  const spans = Array.from({ length: Math.ceil((end - begin) / step) }, () => ({ tokens: 0, ms: 0 }));
  for (const r of good) {
    let at = r.first_ms;
    r.chunk_gaps_ms.forEach((gap, i) => {
      at += gap;
      const span = spans[Math.floor((at - begin) / step)];
      // The first token is a prompt's work and of no rate.
      if (i && span) span.tokens += r.chunk_tokens[i] || r.n_out / r.chunk_gaps_ms.length;
    });
    spans.forEach((span, i) => {
      const from = begin + i * step;
      span.ms += Math.max(0, Math.min(r.last_ms, from + step) - Math.max(r.first_ms, from));
    });
  }
  // A token that ended where somebody was answered for a mere moment gives no rate.
  const points = spans.filter((span) => span.ms > 1).map(
    (span) => ({ x: span.tokens * 1e3 / span.ms, y: span.tokens * 1e3 / step }));
  chart(parent, 'run-pareto', words.pareto, { type: 'scatter', data: { datasets: [
    dots(words.moments, points, COLOURS.d)] }, options: axes(words.user, words.throughput) });
}

function table(parent, title, head, rows) {
  if (!rows.length) return;
  element(parent, 'h2', title);
  const made = element(parent, 'table');
  const top = element(made, 'tr');
  for (const cell of head) element(top, 'th', cell);
  for (const row of rows) {
    const tr = element(made, 'tr');
    for (const cell of row) element(tr, 'td', cell);
  }
}

function distribution(name, d) {
  const cells = Object.keys(d).filter((key) => /^p\d/.test(key)).map(
    (key) => number(d[key].value) + (d[key].insufficient ? '*' : '') +
      (d[key].ci95 ? ' [' + d[key].ci95.map((v) => number(v)).join(', ') + ']' : ''));
  return [name, number(d.count, 0), number(d.mean), number(d.median), ...cells];
}

function tables(parent) {
  const x = result.x;
  const ps = Object.keys(x.latency_ms.ttft).filter((key) => /^p\d/.test(key));
  const all = { ...x.latency_ms, 'ttft, intended': x.intended.ttft, 'e2el, intended': x.intended.e2el,
    'ttft, failures = ∞': x.adjusted.ttft, 'e2el, failures = ∞': x.adjusted.e2el };
  table(parent, words.latency + ' (' + words.ms + ')',
    [words.name, words.count, words.mean, words.median, ...ps.map((p) => p.toUpperCase())],
    Object.entries(all).map(([name, d]) => distribution(name, d)));
  element(parent, 'p', words.insufficient, 'sub');
  const group = (g) => [g.name, number(g.issued, 0), number(g.completed, 0), number(g.ttft_ms.median),
    number(g.tpot_ms.median), number(g.e2el_ms.median), number(g.output_throughput)];
  const head = [words.name, words.issued, words.completed, words.ttft, words.tpot, words.e2el,
    words.tokens];
  table(parent, words.classes, head, x.classes.map(group));
  table(parent, words.turns, head, x.turns.map(group));
  table(parent, words.errors, [words.name, words.count, ''],
    Object.entries(x.errors).map(([name, e]) => [name, number(e.count, 0), e.example]));
}

function reproduce(parent) {
  element(parent, 'h2', words.reproduce);
  const x = result.x;
  element(parent, 'pre', JSON.stringify({ date: result.date, model: result.model_id,
    configuration: x.configuration, load: x.load, env: x.env, server: x.server.figures,
    client: x.client, energy: x.energy }, null, 1));
}

function heading(parent, subtitle) {
  const head = element(parent, 'header');
  const left = element(head, 'div');
  element(left, 'h1', words.title + ' ' + (result.model_id || ''));
  element(left, 'div', subtitle, 'sub');
  element(head, 'button', words.other).onclick = () => {
    language = language === 'en' ? 'zh' : 'en';
    words = REPORT_WORDS[language];
    draw();
  };
}

function strip(parent) {
  const x = result.x, box = element(parent, 'div', undefined, 'kpis');
  const kpi = (label, value) => {
    const made = element(box, 'div', undefined, 'kpi');
    element(made, 'b', value);
    element(made, 'span', label, 'sub');
  };
  kpi(words.throughput, number(result.output_throughput, 1));
  kpi(words.requests, number(result.request_throughput));
  kpi(words.completed, number(result.completed, 0));
  kpi(words.failed, number(result.failed, 0));
  kpi(words.ttft + ', ' + words.median, number(result.median_ttft_ms) + ' ms');
  kpi(words.tpot + ', ' + words.median, number(result.median_tpot_ms) + ' ms');
  kpi(words.e2el + ', ' + words.median, number(result.median_e2el_ms) + ' ms');
  kpi(words.client, number(x.client.cpu_share_of_one_core * 100, 1) + ' %');
  if (x.tokens.hit_rate !== null) {
    kpi(words.hit, [x.tokens.hit_rate, x.tokens.oracle_hit_rate]
      .map((rate) => number(rate * 100, 1) + ' %').join(' / '));
  }
  if (result.request_goodput !== null) {
    kpi(words.goodput, number(x.goodput.share_of_issued * 100, 1) + ' %');
  }
  if (x.diagnosis) element(parent, 'p', words.bound + ': ' + x.diagnosis);
  for (const badge of x.badges) {
    element(parent, 'span', badge.key + ': ' + badge.text, 'badge' + (badge.raised ? ' raised' : ''));
  }
}

function run(parent) {
  heading(parent, [result.date, result.backend, result.x.partial ? words.partial : ''].join(' · '));
  strip(parent);
  if (requests.length) {
    const plots = element(parent, 'div', undefined, 'plots');
    const parts = [cdfs, timeline, againstLoad, pareto, series, serverSeries, scatterPlots, lengths];
    for (const part of parts) part(plots);
  }
  tables(parent);
  reproduce(parent);
}

function sweep(parent) {
  const points = result.points;
  heading(parent, words.knee + ': ' + number(result.knee));
  const plots = element(parent, 'div', undefined, 'plots');
  const by = (key) => points.map((p) => ({ x: p.rate, y: p[key] }));
  const most = Math.max(...points.map((p) => p.p95_ttft_ms || 0));
  const knee = result.knee === null ? [] : [
    line(words.knee, [{ x: result.knee, y: 0 }, { x: result.knee, y: most }], COLOURS.e,
      { borderDash: [5, 4] })];
  chart(plots, 'load', words.load, { type: 'scatter', data: { datasets: [
    line('P95 ' + words.ttft, by('p95_ttft_ms'), COLOURS.a, { pointRadius: 3 }),
    line(words.tpot, by('median_tpot_ms'), COLOURS.c, { pointRadius: 3 }), ...knee] },
    options: axes(words.rate, words.ms) });
  chart(plots, 'good', words.good, { type: 'scatter', data: { datasets: [
    line(words.share, by('good_share'), COLOURS.b, { pointRadius: 3 })] },
    options: axes(words.rate, words.share, { y: { min: 0, max: 1 } }) });
  chart(plots, 'pareto', words.pareto, { type: 'scatter', data: { datasets: [
    line('', points.filter((p) => p.median_tpot_ms > 0).map(
      (p) => ({ x: 1000 / p.median_tpot_ms, y: p.output_throughput })), COLOURS.d,
    { pointRadius: 3 })] }, options: axes(words.user, words.throughput) });
  table(parent, words.points, [words.rate, words.requests, words.throughput, 'P95 ' + words.ttft,
    words.tpot, words.share, words.keeps], points.map((p) => [number(p.rate), number(p.achieved),
    number(p.output_throughput, 1), number(p.p95_ttft_ms), number(p.median_tpot_ms),
    number(p.good_share), p.keeps_up ? words.yes : words.no]));
  element(parent, 'h2', words.reproduce);
  element(parent, 'pre', JSON.stringify(points.length ? {
    configuration: points[0].result.x.configuration, env: points[0].result.x.env } : {}, null, 1));
}

function draw() {
  for (const made of charts) made.destroy();
  charts = [];
  document.documentElement.lang = language;
  const root = document.getElementById('report');
  root.replaceChildren();
  (result.schema === 'bench-sweep/1' ? sweep : run)(root);
  root.dataset.marks = JSON.stringify(window.reportMarks);
}
draw();
