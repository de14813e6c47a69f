"use strict";

// Shows /api/status and /api/evidence, and changes modes. Everything is set as text, never as markup.

const VERDICTS = ["equal", "lag", "different", "unanswered", "dropped"];
const VERDICT_WORDS = {
  equal: "equal", lag: "lag", different: "different", unanswered: "no answer", dropped: "dropped",
};
const MODES = [
  ["bos", "BOS", "BOS answers alone"],
  ["shadow", "Shadow", "BOS answers, Daybook is compared"],
  ["daybook-shadowed", "Daybook, shadowed", "Daybook answers, BOS is compared"],
  ["daybook", "Daybook", "Daybook answers alone"],
];
const MODE_WORDS = Object.fromEntries(MODES.map(([name, words]) => [name, words]));
const REFRESH_MS = 2000;

const state = { course: "fine", samples: "differences", status: null, evidence: null, refreshedAt: 0, drawn: {} };

const $ = (id) => document.getElementById(id);
const numbers = new Intl.NumberFormat("en-GB");
const whole = (value) => numbers.format(value);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function shape(tag, attributes = {}, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// A number as it is shown, with its name and exact value for whoever reads the page by machine.
function number(name, value, shown = whole(value)) {
  return element("span", { "data-number": name, "data-value": value }, shown);
}

function milliseconds(ms) {
  if (ms >= 10000) return `${(ms / 1000).toFixed(0)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 10) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms >= 1 ? 1 : 2)} ms`;
}

function clock(iso) {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString("en-GB");
  return today ? time : `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}`;
}

// Draws again only what has changed, so that a selection or a scroll position survives the refresh.
function draw(id, data, render) {
  const text = JSON.stringify(data);
  if (state.drawn[id] === text) return;
  state.drawn[id] = text;
  $(id).replaceChildren(...[render(data)].flat());
}

const empty = (words) => element("p", { class: "empty" }, words);

// --- agreement --------------------------------------------------------------------------------------------------------

function agreementOf(counts) {
  const judged = counts.equal + counts.lag + counts.different;
  return judged === 0 ? null : (counts.equal + counts.lag) / judged;
}

// Never rounds up to 100 %.
function percent(share) {
  if (share === 1) return "100 %";
  const floored = Math.floor(share * 10000) / 100;
  return `${floored.toFixed(2)} %`;
}

function showAgreement(evidence) {
  const counts = evidence.totals.comparisons;
  const share = agreementOf(counts);
  draw("agreement", share, () => {
    if (share === null) return "–";
    return element("span", share < 0.999 ? { class: "bad" } : {}, percent(share));
  });
  $("agreement").dataset.value = share === null ? "" : share;
  const judged = counts.equal + counts.lag + counts.different;
  $("agreement-text").textContent = share === null
    ? "Nothing has been compared yet: that happens in the modes Shadow and Daybook, shadowed."
    : `of ${whole(judged)} compared answers agree` + (counts.lag ? `, ${whole(counts.lag)} of them after some lag ` +
      `(p50 ${milliseconds(evidence.lag.p50_ms)}, p99 ${milliseconds(evidence.lag.p99_ms)})` : "");
  draw("shares", counts, () => VERDICTS.filter((name) => counts[name] > 0).map((name) => {
    const part = element("span", { class: name });
    part.style.flexGrow = counts[name];
    part.style.background = "var(--tone)";
    return part;
  }));
  const fallbacks = Object.values(evidence.totals.fallbacks_from)
    .flatMap((reasons) => Object.values(reasons)).reduce((a, b) => a + b, 0);
  draw("tiles", [counts, fallbacks, evidence.totals.requests_unanswered], () => [
    ...VERDICTS.map((name) => element("div", { class: name },
      element("dt", {}, VERDICT_WORDS[name]),
      element("dd", {}, number(`totals.comparisons.${name}`, counts[name])))),
    element("div", { class: "daybook" }, element("dt", {}, "fallbacks"),
      element("dd", {}, number("fallbacks", fallbacks))),
  ]);
}

// --- charts -----------------------------------------------------------------------------------------------------------

// An empty drawing as wide as its place, so that its text has the page's size.
function canvas(place, height) {
  const width = Math.max(280, Math.round($(place).clientWidth) || 600);
  const box = { width, height, left: 46, right: width - 8, top: 10, bottom: height - 24 };
  return { box, svg: shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" }) };
}

function timeAxis(svg, box, from, to) {
  const span = to - from;
  const ticks = Math.max(2, Math.min(6, Math.floor(box.width / 95)));
  const parts = { hour: "2-digit", minute: "2-digit", ...(span < 600000 ? { second: "2-digit" } : {}) };
  for (let i = 0; i <= ticks; ++i) {
    const at = from + (span * i) / ticks;
    const x = box.left + ((box.right - box.left) * i) / ticks;
    const label = new Date(at).toLocaleTimeString("en-GB", parts);
    const anchor = i === 0 ? "start" : i === ticks ? "end" : "middle";
    svg.append(shape("text", { x, y: box.bottom + 17, "text-anchor": anchor }, label));
  }
  svg.append(shape("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
}

function timeSpan(evidence) {
  const width = evidence.course.bucket_seconds * 1000;
  const to = (Math.floor(Date.parse(evidence.now) / width) + 1) * width;
  // A run that has just begun is not squeezed into a corner.
  const first = Date.parse(evidence.course.buckets[0]?.from ?? evidence.now);
  const least = Math.min(first - width, to - width * 30);
  return { width, to, from: Math.max(least, to - width * evidence.course.buckets_max) };
}

function niceCeiling(value) {
  const magnitude = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 2, 5, 10].map((step) => step * magnitude).find((step) => step >= value);
}

function courseChart(evidence, changes) {
  const buckets = evidence.course.buckets.filter((b) => VERDICTS.some((name) => b.comparisons[name] > 0));
  if (buckets.length === 0) return empty("No comparisons in this time.");
  const { box, svg } = canvas("course", 220);
  const { width, from, to } = timeSpan(evidence);
  const sums = buckets.map((b) => VERDICTS.reduce((sum, name) => sum + b.comparisons[name], 0));
  const top = niceCeiling(Math.max(...sums));
  for (const share of [0, 0.5, 1]) {
    const y = box.bottom - (box.bottom - box.top) * share;
    svg.append(shape("line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y }));
    svg.append(shape("text", { x: box.left - 6, y: y + 4, "text-anchor": "end" }, whole(top * share)));
  }
  const step = ((box.right - box.left) * width) / (to - from);
  for (const bucket of buckets) {
    const x = box.left + ((Date.parse(bucket.from) - from) / (to - from)) * (box.right - box.left);
    const bar = shape("g");
    bar.append(shape("title", {}, `${clock(bucket.from)}: ` + VERDICTS.filter((name) => bucket.comparisons[name] > 0)
      .map((name) => `${whole(bucket.comparisons[name])} ${VERDICT_WORDS[name]}`).join(", ")));
    let y = box.bottom;
    for (const name of VERDICTS) {
      if (bucket.comparisons[name] === 0) continue;
      // One difference among thousands is still seen.
      const height = Math.max(name === "equal" ? 1 : 3, ((box.bottom - box.top) * bucket.comparisons[name]) / top);
      y -= height;
      bar.append(shape("rect", { class: name, x, y, width: Math.max(1.5, step - 1), height, rx: Math.min(1.5, step / 4) }));
    }
    svg.append(bar);
  }
  timeAxis(svg, box, from, to);
  for (const change of changes.filter((one) => one.client === "" && Date.parse(one.at) >= from)) {
    const x = box.left + ((Date.parse(change.at) - from) / (to - from)) * (box.right - box.left);
    const line = shape("line", { class: "change", x1: x, x2: x, y1: box.top, y2: box.bottom });
    line.append(shape("title", {}, `${clock(change.at)}: to ${MODE_WORDS[change.to]}`));
    svg.append(line);
  }
  return svg;
}

const LATENCY_TICKS = [0.01, 0.1, 1, 10, 100, 1000, 10000, 100000];

function logScale(low, high, start, end) {
  const from = Math.log10(low);
  const span = Math.log10(high) - from || 1;
  return (value) => start + ((Math.log10(Math.min(high, Math.max(low, value))) - from) / span) * (end - start);
}

function decades(values) {
  const low = LATENCY_TICKS.filter((tick) => tick <= Math.min(...values)).pop() ?? LATENCY_TICKS[0];
  const high = LATENCY_TICKS.find((tick) => tick >= Math.max(...values)) ?? LATENCY_TICKS.at(-1);
  return low === high ? [low, high * 10] : [low, high];
}

// How many of a side's answers came within how long.
function curveChart(latency) {
  const sides = ["bos", "daybook"].filter((side) => latency[side].count > 0);
  if (sides.length === 0) return empty("No answers in this time.");
  const { box, svg } = canvas("curve", 230);
  const [low, high] = decades(sides.flatMap((side) => latency[side].at_most.map(([ms]) => ms * 0.86)));
  const x = logScale(low, high, box.left, box.right);
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const y = box.bottom - (box.bottom - box.top) * share;
    svg.append(shape("line", { class: "grid", x1: box.left, x2: box.right, y1: y, y2: y }));
    svg.append(shape("text", { x: box.left - 6, y: y + 4, "text-anchor": "end" }, `${share * 100} %`));
  }
  const ticks = LATENCY_TICKS.filter((tick) => tick >= low && tick <= high);
  ticks.forEach((tick, i) => {
    const anchor = i === 0 ? "start" : i === ticks.length - 1 ? "end" : "middle";
    svg.append(shape("line", { class: "grid", x1: x(tick), x2: x(tick), y1: box.top, y2: box.bottom }));
    svg.append(shape("text", { x: x(tick), y: box.bottom + 17, "text-anchor": anchor },
      tick >= 1000 ? `${tick / 1000} s` : `${tick} ms`));
  });
  for (const side of sides) {
    const { count, at_most: steps } = latency[side];
    const y = (below) => box.bottom - ((box.bottom - box.top) * below) / count;
    let path = `M${x(steps[0][0] * 0.86).toFixed(1)},${box.bottom}`;
    for (const [ms, below] of steps) path += `L${x(ms).toFixed(1)},${y(below).toFixed(1)}`;
    svg.append(shape("path", { class: side, d: path }));
  }
  return svg;
}

function speedChart(evidence) {
  const points = evidence.course.buckets.flatMap((bucket) => ["bos", "daybook"].map((side) => ({
    side, at: Date.parse(bucket.from), ...bucket.latency[side],
  }))).filter((point) => point.count > 0);
  if (points.length === 0) return empty("No answers in this time.");
  const { box, svg } = canvas("speed", 230);
  const { width, from, to } = timeSpan(evidence);
  const [low, high] = decades(points.flatMap((point) => [point.p50_ms, point.p99_ms]));
  const y = logScale(low, high, box.bottom, box.top);
  const x = (at) => box.left + ((at + width / 2 - from) / (to - from)) * (box.right - box.left);
  for (const tick of LATENCY_TICKS.filter((value) => value >= low && value <= high)) {
    svg.append(shape("line", { class: "grid", x1: box.left, x2: box.right, y1: y(tick), y2: y(tick) }));
    svg.append(shape("text", { x: box.left - 6, y: y(tick) + 4, "text-anchor": "end" },
      tick >= 1000 ? `${tick / 1000} s` : `${tick} ms`));
  }
  for (const side of ["bos", "daybook"]) {
    const own = points.filter((point) => point.side === side);
    for (const [field, style] of [["p99_ms", "tail"], ["p50_ms", ""]]) {
      let path = "";
      own.forEach((point, i) => {
        // A gap in the traffic is a gap in the line.
        const joined = i > 0 && point.at - own[i - 1].at <= width * 3;
        path += `${joined ? "L" : "M"}${x(point.at).toFixed(1)},${y(point[field]).toFixed(1)}`;
      });
      svg.append(shape("path", { class: `${side} ${style}`, d: path }));
      if (own.length === 1) svg.append(shape("circle", { class: side, cx: x(own[0].at), cy: y(own[0][field]), r: 3 }));
    }
  }
  timeAxis(svg, box, from, to);
  return svg;
}

// --- tables -----------------------------------------------------------------------------------------------------------

function rows(head, body) {
  return [
    element("thead", {}, element("tr", {}, ...head.map((words) => element("th", { scope: "col" }, words)))),
    element("tbody", {}, ...body.map((cells) => element("tr", {}, ...cells.map((cell) =>
      cell instanceof HTMLTableCellElement ? cell : element("td", {}, cell))))),
  ];
}

const SIDE_WORDS = { bos: "BOS", daybook: "Daybook" };
function sideCell(side, address) {
  const cell = element("td", {}, element("span", { class: `key ${side}` }, SIDE_WORDS[side]));
  if (address) cell.append(element("small", { class: "mono" }, address));
  return cell;
}

function showTables(status, evidence) {
  const latency = evidence.course.latency;
  draw("latency", latency, () => rows(["", "answers", "p50", "p90", "p99", "max"], ["bos", "daybook"].map((side) => [
    sideCell(side), number(`course.latency.${side}.count`, latency[side].count),
    ...["p50_ms", "p90_ms", "p99_ms", "max_ms"].map((field) =>
      number(`course.latency.${side}.${field}`, latency[side][field],
        latency[side].count ? milliseconds(latency[side][field]) : "–")),
  ])));
  const answered = (side) => Object.values(evidence.totals.answered).reduce((sum, of) => sum + of[side], 0);
  const missed = (side) => Object.values(evidence.totals.fallbacks_from[side]).reduce((a, b) => a + b, 0);
  const sides = ["bos", "daybook"].map((side) => [side, answered(side), missed(side), status.sides[side].suspended,
    status.sides[side].timeout_seconds, status.sides[side].address]);
  draw("sides", sides, () => rows(["", "answered", "fallbacks", "limit", "state"],
    sides.map(([side, given, fell, suspended, limit, address]) => [
      sideCell(side, address), number(`answered.${side}`, given), number(`fallbacks.${side}`, fell),
      milliseconds(limit * 1000), suspended ? "suspended" : "asked",
    ])));
  const counted = (list, field, words) => list.length === 0 ? element("caption", { class: "empty" }, words) : rows(
    [field, "differences", "lags", "last"], list.map((entry) => [
      element("td", { class: "wrap mono" }, entry[field] || "(whole body)"), number(`${field}s.${entry[field]}`,
        entry.differences), whole(entry.lags), clock(entry.last)]));
  draw("places", evidence.places, (list) => counted(list, "place", "Nothing has differed."));
  draw("clients", evidence.clients, (list) => counted(list, "client", "No client's answers have differed."));
  const words = (mode) => (mode === null ? "as all" : MODE_WORDS[mode]);
  draw("record", status.modes.changes, (changes) => changes.length === 0
    ? element("caption", { class: "empty" }, "The mode has never been changed.")
    : rows(["when", "client", "from", "to", "who", "why"], [...changes].reverse().map((change) => [
      clock(change.at), change.client || "all", words(change.from), words(change.to), change.by || "–",
      change.reason || "–",
    ])));
}

// --- samples ----------------------------------------------------------------------------------------------------------

const KIND_WORDS = {
  status: "status", header: "header", value: "other value", only_bos: "only in BOS", only_daybook: "only in Daybook",
  order: "other order", text: "written differently",
};

// Objects and arrays over several lines; what was cut off is no JSON any more and stays as it is.
function laidOut(text) {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}

function oneSide(side, text) {
  const value = text === "" ? element("span", { class: "absent" }, "absent") : element("code", {}, laidOut(text));
  return element("div", { class: `side ${side}` }, element("small", {}, SIDE_WORDS[side]),
    element("div", { class: "side-scroll" }, value));
}

function sampleCard(sample) {
  const watched = `${whole(sample.comparisons)} ${sample.comparisons === 1 ? "comparison" : "comparisons"}, ` +
    `${sample.checks} checks in ${milliseconds(sample.watched_ms)}`;
  return element("article", { class: "sample" },
    element("header", {}, element("b", {}, sample.client || "(no client)"),
      element("span", { class: "muted small" }, clock(sample.at)),
      element("span", { class: "muted small" }, watched), element("code", {}, sample.target)),
    ...sample.differences.map((difference) => element("div", { class: "difference" },
      element("p", {}, element("code", {}, difference.pointer || difference.place), " ",
        element("span", { class: "chip" }, KIND_WORDS[difference.kind] ?? difference.kind),
        element("span", { class: "muted small" }, difference.hint ? ` ${difference.hint}` : "")),
      element("div", { class: "sides" }, oneSide("bos", difference.bos), oneSide("daybook", difference.daybook)))));
}

function showSamples(evidence) {
  const none = { differences: "No differences. What is here one day needs an explanation before the switch-over.",
    lags: "No lag has been seen." };
  draw("samples", [state.samples, evidence[state.samples]], ([kind, list]) =>
    list.length === 0 ? empty(none[kind]) : list.map(sampleCard));
  $("samples").dataset.count = evidence[state.samples].length;
}

// --- mode -------------------------------------------------------------------------------------------------------------

const chosenMode = () => document.querySelector("#modes input:checked")?.value;

function showModes(modes) {
  const before = state.drawn.modes;
  draw("modes", modes.for_all, () => [
    element("legend", { class: "hidden" }, "Mode for all clients"),
    ...MODES.map(([name, words, text]) => {
      const choice = element("input", { type: "radio", name: "mode", value: name });
      choice.checked = name === modes.for_all;
      choice.addEventListener("change", offerFlip);
      return element("label", name === modes.for_all ? { class: "now", "data-mode": name } : { "data-mode": name },
        choice, element("b", {}, words), element("small", {}, text));
    }),
  ]);
  if (before !== state.drawn.modes) offerFlip();
  document.documentElement.dataset.mode = modes.for_all;
  const count = modes.change_count;
  $("mode-count").textContent = count > 1 ? `changed ${whole(count)} times` : count ? "changed once" : "never changed";
  const own = Object.entries(modes.clients);
  $("own-count").textContent = whole(own.length);
  $("own-count").dataset.value = own.length;
  draw("own", own, () => own.slice(0, 200).map(([client, mode]) => {
    const remove = element("button", { type: "button" }, "Remove");
    remove.addEventListener("click", () => change("DELETE", `/api/modes/clients/${encodeURIComponent(client)}` +
      `?by=${encodeURIComponent($("by").value)}&reason=${encodeURIComponent($("reason").value)}`));
    return element("li", {}, element("code", {}, client), element("span", {}, MODE_WORDS[mode]), remove);
  }).concat(own.length > 200 ? [element("li", {}, `and ${whole(own.length - 200)} more, at /api/modes`)] : []));
}

function offerFlip() {
  const chosen = chosenMode();
  const same = !chosen || chosen === state.status?.modes.for_all;
  $("flip").disabled = same;
  $("flip").textContent = same ? "Choose another mode" : `Switch to ${MODE_WORDS[chosen]}`;
  $("confirm").hidden = true;
}

async function change(method, path, body) {
  $("message").className = "message";
  $("message").textContent = "changing …";
  try {
    const reply = await fetch(path, {
      method,
      headers: { "Content-Type": "application/json", "If-Match": `"${state.status.modes.change_count}"` },
      body: body && JSON.stringify({ by: $("by").value, reason: $("reason").value, ...body }),
    });
    const told = await reply.json();
    if (!reply.ok) throw new Error(told.detail ?? told.title);
    $("message").textContent = "Changed, and kept over restarts.";
    $("reason").value = "";
  } catch (error) {
    $("message").className = "message bad";
    $("message").textContent = `Not changed: ${error.message}`;
  }
  await refresh();
}

function wireModes() {
  $("flip").addEventListener("click", () => {
    const chosen = chosenMode();
    const own = Object.keys(state.status.modes.clients).length;
    $("confirm-text").textContent = `${chosen.startsWith("daybook") ? "Daybook" : "BOS"} will answer all clients` +
      (own ? ` but the ${whole(own)} with a mode of their own.` : ".");
    $("confirm").hidden = false;
    $("confirm-yes").focus();
  });
  $("confirm-no").addEventListener("click", () => { $("confirm").hidden = true; });
  $("confirm-yes").addEventListener("click", async () => {
    $("confirm").hidden = true;
    await change("PUT", "/api/modes/all", { mode: chosenMode() });
  });
  for (const [name, words] of MODES) $("add-mode").append(element("option", { value: name }, words));
  $("add").addEventListener("submit", async (event) => {
    event.preventDefault();
    await change("PUT", `/api/modes/clients/${encodeURIComponent($("add-client").value.trim())}`,
      { mode: $("add-mode").value });
  });
}

// --- all of it --------------------------------------------------------------------------------------------------------

function show() {
  const { status, evidence } = state;
  showModes(status.modes);
  showAgreement(evidence);
  draw("course-legend", 1, () => VERDICTS.map((name) => element("li", { class: name }, VERDICT_WORDS[name])));
  draw("course", [evidence.course, status.modes.changes, $("course").clientWidth],
    () => courseChart(evidence, status.modes.changes));
  draw("curve", [evidence.course.latency, $("curve").clientWidth], () => curveChart(evidence.course.latency));
  draw("speed", [evidence.course, $("speed").clientWidth], () => speedChart(evidence));
  showTables(status, evidence);
  showSamples(evidence);
  $("version").textContent = status.version;
  $("since").textContent = clock(evidence.since);
  $("compared-headers").textContent = ["status", ...status.comparer.headers, "body"].join(", ");
  $("ignored").textContent = status.comparer.ignored.join(", ") || "nothing";
}

async function fetchJson(path) {
  const reply = await fetch(path, { cache: "no-store" });
  if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
  return reply.json();
}

async function refresh() {
  try {
    const [status, evidence] = await Promise.all([fetchJson("/api/status"),
      fetchJson(`/api/evidence?course=${state.course}`)]);
    Object.assign(state, { status, evidence, refreshedAt: Date.now() });
    $("banner").hidden = true;
    $("dot").className = "dot live";
    $("freshness").textContent = `live, ${new Date().toLocaleTimeString("en-GB")}`;
    show();
    document.documentElement.dataset.refreshes = Number(document.documentElement.dataset.refreshes ?? 0) + 1;
  } catch (error) {
    $("dot").className = "dot lost";
    $("freshness").textContent = "not live";
    $("banner").hidden = false;
    $("banner").textContent = `The switch cannot be reached (${error.message}). ` +
      (state.refreshedAt ? `What is shown is from ${new Date(state.refreshedAt).toLocaleTimeString("en-GB")}.` : "");
  }
}

function wireChoices(attribute, apply) {
  const buttons = [...document.querySelectorAll(`[data-${attribute}]`)].filter((b) => b.tagName === "BUTTON");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      apply(button.dataset[attribute]);
    });
  }
}

async function run() {
  wireModes();
  wireChoices("course", (course) => { state.course = course; refresh(); });
  wireChoices("samples", (samples) => { state.samples = samples; if (state.evidence) showSamples(state.evidence); });
  addEventListener("resize", () => { if (state.evidence) show(); });
  await refresh();
  setInterval(() => { if (!document.hidden) refresh(); }, REFRESH_MS);
}

run();
