// The static site: draws what the data files say. Whatever comes from them is put on the page as text.
"use strict";

const header = JSON.parse(document.getElementById("header").textContent);
const part = (id) => document.getElementById(id);
const PAGE = 20;
const RELATIONS = {
  "": "all questions", both: "both right", english: "only English right", language: "only this language right",
  neither: "both wrong",
};
// What the address says after #: collection, view, as table, run, language, filter, page, data set, question.
const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

// Data files are scripts, so that the page works from a disk too; each is loaded once, when it is asked for.
const arrived = new Map(), loading = new Map();
window.clikaData = (name, content) => arrived.set(name, content);
function data(name) {
  if (!loading.has(name)) {
    loading.set(name, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `data/${encodeURIComponent(name)}.js`;
      script.onload = () => resolve(arrived.get(name));
      script.onerror = () => { loading.delete(name); reject(new Error(`data/${name}.js cannot be loaded`)); };
      document.head.append(script);
    }));
  }
  return loading.get(name);
}

function element(tag, attributes = {}, ...content) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...content.filter((one) => one !== null && one !== undefined));
  return made;
}

// Plotly reads a few tags in its labels: a name must be shown as it is written.
const written = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const shortened = (text) => (text.length <= 30 ? text : `${text.slice(0, 29)}…`);
const known = (record, key) => (Object.hasOwn(record, key ?? "") ? record[key] : undefined);
const languageName = (code) => known(header.languages, code)?.name ?? code;
const directed = (code) => ({ lang: code, dir: known(header.languages, code)?.dir ?? "ltr" });
const letter = (place) => (place < 26 ? String.fromCharCode(65 + place) : String(place + 1));
const dark = () => document.documentElement.classList.contains("dark");

const collection = () => header.collections.find((one) => one.name === state.c) ?? header.collections[0];
const view = () => collection().views.find((one) => one.metric === state.m && one.scope === state.s)
  ?? collection().views.find((one) => one.metric === state.m)
  ?? collection().views.find((one) => one.scope === state.s) ?? collection().views[0];

function go(changes) {
  for (const [key, value] of Object.entries(changes)) {
    if (value === "" || value === null || value === undefined) delete state[key]; else state[key] = String(value);
  }
  history.replaceState(null, "", `#${new URLSearchParams(state)}`);
  draw();
}

function choice(id, name, options, chosen, changed) {
  const select = element("select", { id, onchange: (event) => changed(event.target.value) },
    ...options.map(([value, text]) => element("option", { value, selected: value === chosen }, text)));
  return element("label", {}, name, select);
}

const unique = (pairs) => [...new Map(pairs).entries()];

function drawSwitches(now) {
  const focused = document.activeElement?.id;
  const whole = { r: "", l: "", f: "", p: "", d: "", q: "" };
  part("switches").replaceChildren(...[
    header.collections.length > 1
      ? choice("collection", "Collection", header.collections.map((one) => [one.name, one.name]), collection().name,
        (c) => go({ ...whole, c })) : null,
    choice("metric", "Metric", unique(collection().views.map((one) => [one.metric, one.metricName])), now.metric,
      (m) => go({ m, s: now.scope })),
    choice("scope", "Questions",
      unique(collection().views.filter((one) => one.metric === now.metric).map((one) => [one.scope, one.scopeName])),
      now.scope, (s) => go({ m: now.metric, s, f: "", p: "", d: "", q: "" })),
    choice("shape", "Show as", [["", "Heatmap"], ["table", "Table"]], state.t ?? "", (t) => go({ t })),
  ].filter(Boolean));
  if (focused) part(focused)?.focus();
}

function drawHeatmap(scores) {
  const rows = scores.labels.length, count = scores.colours.length;
  const place = dark() ? 2 : 0;
  const stops = scores.colours.flatMap((colour, n) => [[n / count, colour[place]], [(n + 1) / count, colour[place]]]);
  const texts = [...new Set(scores.colours.map((colour) => colour[place + 1]))];
  const traces = texts.map((text) => {
    const of = (make, none) => scores.cells.map((row, y) => row.map((cell, x) =>
      (scores.colours[cell[3]][place + 1] === text ? make(cell, y, x) : none)));
    return {
      type: "heatmap", z: of((cell) => cell[3] + 0.5, null), zmin: 0, zmax: count, colorscale: stops, showscale: false,
      text: of((cell) => written(cell[1]), ""), texttemplate: "%{text}", textfont: { color: text, size: 13 },
      hovertext: of((cell, y, x) => `<b>${written(scores.labels[y])}</b><br>${written(languageName(scores.languages[x]))}`
        + `<br>${written(cell[2])}`, ""),
      hovertemplate: "%{hovertext}<extra></extra>", hoverongaps: false, xgap: 2, ygap: 2,
    };
  });
  const selected = scores.cells.flatMap((row, y) => row.map((cell, x) => [cell[0], scores.languages[x], x, y]))
    .filter(([run, language]) => run === state.r && language === state.l);
  const axis = { fixedrange: true, showgrid: false, zeroline: false, showline: false, ticks: "", tickmode: "array" };
  const layout = {
    height: 72 + 34 * Math.max(1, rows), margin: { l: 8, r: 8, t: 58, b: 14 }, dragmode: false, hovermode: "closest",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: dark() ? "#e5e7eb" : "#1f2937", size: 13, family: "system-ui, sans-serif" },
    xaxis: { ...axis, side: "top", tickangle: 0, tickvals: scores.languages.map((_, n) => n),
      range: [-0.5, scores.languages.length - 0.5],
      ticktext: scores.languages.map((code) => `${written(languageName(code))}<br>${written(code)}`) },
    yaxis: { ...axis, automargin: true, tickvals: scores.labels.map((_, n) => n), range: [rows - 0.5, -0.5],
      ticktext: scores.labels.map((label) => written(shortened(label))), ticklabelstandoff: 6 },
    shapes: selected.map(([, , x, y]) => ({ type: "rect", x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5,
      line: { color: dark() ? "#f87171" : "#dc2626", width: 3 } })),
  };
  const plot = part("plot");
  Plotly.react(plot, traces, layout, { displayModeBar: false, responsive: true });
  plot.removeAllListeners?.("plotly_click");
  plot.on("plotly_click", (event) => {
    const point = event.points[0];
    const [run] = scores.cells[Math.round(point.y)][Math.round(point.x)];
    go({ r: run, l: scores.languages[Math.round(point.x)], f: "", p: "", d: "", q: "" });
  });
}

function drawTable(scores) {
  const place = dark() ? 2 : 0;
  const head = element("tr", {}, element("th", { scope: "col" }, "model"), ...scores.languages.map((code) =>
    element("th", { scope: "col" }, languageName(code), element("span", {}, code))));
  const rows = scores.cells.map((row, y) => element("tr", {},
    element("th", { scope: "row", title: scores.labels[y] }, scores.labels[y]),
    ...row.map(([run, printed, sentence, colour], x) => {
      const language = scores.languages[x], [background, text] = scores.colours[colour].slice(place, place + 2);
      return element("td", {}, element("button", {
        type: "button", class: "clika-cell", style: `background:${background};color:${text}`, title: sentence,
        "aria-label": `${scores.labels[y]}, ${languageName(language)}: ${sentence}`,
        "aria-pressed": String(run === state.r && language === state.l), disabled: printed === "·",
        onclick: () => go({ r: run, l: language, f: "", p: "", d: "", q: "" }),
      }, printed));
    })));
  const table = element("table", { class: "clika-scores" }, element("caption", {}, scores.title),
    element("thead", {}, head), element("tbody", {}, ...rows));
  part("score-table").replaceChildren(element("div", { class: "clika-scroll" }, table));
}

const pickOf = (runs, run, language, n) => known(known(runs, run) ?? {}, language)?.[n] ?? ".";
const indexOf = (sign) => (sign >= "a" ? sign.charCodeAt(0) - 97 : null);
const pickText = (sign, gold) => (indexOf(sign) !== null
  ? `${letter(indexOf(sign))} ${indexOf(sign) === gold ? "✓ right" : "✗ wrong"}`
  : { "-": "✗ no option named", "!": "invalid", ".": "–" }[sign]);

function relation(english, here, gold) {
  if (".!".includes(english) || ".!".includes(here)) return null;
  const right = [english, here].map((sign) => indexOf(sign) === gold);
  return right[0] ? (right[1] ? "both" : "english") : (right[1] ? "language" : "neither");
}

async function drawCell(now, scores, turn) {
  const section = part("cell"), { r: run, l: language } = state;
  const row = scores.cells.findIndex((cells) => cells.some((cell) => cell[0] === run));
  const cell = row < 0 ? undefined : scores.cells[row][scores.languages.indexOf(language)];
  section.hidden = !cell;
  if (!cell) return;
  const sets = now.datasets.filter((name) => known(collection().datasets, name));
  const files = await Promise.all(sets.map((name) => Promise.all([
    data(`${collection().place}-questions-${name}`), data(`${collection().place}-answers-${name}`)])));
  if (turn !== turns) return;
  const found = files.flatMap(([questions, answers], s) => {
    const byId = new Map(questions.map((one) => [one.id, one]));
    return answers.ids.map((id, n) => ({ set: sets[s], question: byId.get(id),
      english: pickOf(answers.runs, run, "en", n), here: pickOf(answers.runs, run, language, n) }));
  }).filter((one) => one.question && one.here !== ".");
  const counts = Object.fromEntries(Object.keys(RELATIONS).map((key) => [key, found.filter((one) =>
    !key || relation(one.english, one.here, one.question.gold) === key).length]));
  const kept = found.filter((one) => !state.f || relation(one.english, one.here, one.question.gold) === state.f);
  const first = Math.min(Number(state.p ?? 0) || 0, Math.max(0, kept.length - 1));
  const shown = kept.slice(first, first + PAGE);
  const columns = ["Correct", ...(language === "en" ? [] : ["English"]), languageName(language)];
  const rows = shown.map(({ set, question, english, here }) => {
    const [premise, text] = question.texts[language] ?? [null, ""];
    const button = element("button", { type: "button", "data-question": question.id,
      "aria-pressed": String(state.d === set && state.q === question.id),
      onclick: () => { go({ d: set, q: question.id }); part("question").scrollIntoView?.({ block: "start" }); } },
    element("span", { class: "clika-id" }, `${collection().datasets[set]} ${question.id}`),
    element("span", { class: "clika-text", ...directed(language) }, [premise, text].filter(Boolean).join(" ")));
    const values = [letter(question.gold), ...(language === "en" ? [] : [pickText(english, question.gold)]),
      pickText(here, question.gold)];
    return element("tr", {}, element("td", {}, button),
      ...values.map((value, n) => element("td", { "data-label": columns[n] }, value)));
  });
  const pager = element("div", { class: "site-pager" },
    element("button", { class: "site-button", type: "button", disabled: first <= 0,
      onclick: () => go({ p: Math.max(0, first - PAGE) }) }, "← Earlier"),
    element("button", { class: "site-button", type: "button", disabled: first + PAGE >= kept.length,
      onclick: () => go({ p: first + PAGE }) }, "Later →"));
  section.replaceChildren(
    element("div", { class: "clika-heading" }, element("h2", {}, `${scores.labels[row]} · ${languageName(language)}`),
      element("p", {}, `${scores.title}: ${cell[2]}`)),
    choice("relation", "Questions",
      Object.entries(RELATIONS).filter(([key]) => language !== "en" || !["english", "language"].includes(key))
        .map(([key, name]) => [key, `${name} (${counts[key]})`]), state.f ?? "", (f) => go({ f, p: "" })),
    element("p", {}, shown.length ? `Questions ${first + 1} to ${first + shown.length} of ${kept.length}.`
      : "No question of this cell is of this kind."),
    element("div", { class: "clika-scroll" }, element("table", { class: "clika-questions" },
      element("thead", {}, element("tr", {}, ...["Question", ...columns].map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...rows))), pager);
}

function card(question, language, sign) {
  const [premise, text, choices] = question.texts[language], way = directed(language);
  const asked = text || { cause: "Cause?", effect: "Effect?" }[question.kind] || "";
  const options = choices.map((option, n) => {
    const gold = n === question.gold, picked = n === indexOf(sign);
    return element("li", { class: [gold && "is-gold", picked && "is-picked"].filter(Boolean).join(" ") || null },
      element("span", { class: "clika-letter" }, `${letter(n)}.`),
      element("span", { class: "clika-choice", ...way }, element("bdi", {}, option),
        gold ? element("span", { class: "clika-gold", lang: "en", dir: "ltr" }, "✓ correct answer") : null,
        picked ? element("span", { class: "clika-picked", lang: "en", dir: "ltr" }, "● picked") : null));
  });
  const verdict = { ".": "Not asked in this language.", "!": "Invalid: the model's logits were not numbers.",
    "-": "✗ Wrong: the answer names none of the options." }[sign] ?? (indexOf(sign) === question.gold ? "✓ Right" : "✗ Wrong");
  const own = known(header.languages, language)?.own ?? language;
  return element("article", { class: language === state.l ? "clika-card clika-selected" : "clika-card",
    "aria-label": languageName(language) },
  element("header", {}, element("span", { class: "clika-own", ...way }, own),
    own === languageName(language) ? null : element("span", {}, languageName(language)), element("code", {}, language)),
  premise ? element("p", { class: "clika-premise", ...way }, premise) : null,
  element("p", { class: "clika-asked", ...way }, asked),
  element("ol", { class: "clika-options", ...way }, ...options),
  element("div", { class: "clika-verdict" }, element("p", {}, verdict)));
}

async function drawQuestion(scores, turn) {
  const section = part("question"), { d: set, q: id, r: run } = state;
  section.hidden = !(known(collection().datasets, set) && id);
  if (section.hidden) return;
  const [questions, answers] = await Promise.all([
    data(`${collection().place}-questions-${set}`), data(`${collection().place}-answers-${set}`)]);
  if (turn !== turns) return;
  const question = questions.find((one) => one.id === id), n = answers.ids.indexOf(id);
  section.hidden = !question;
  if (!question) return;
  const row = scores.cells.findIndex((cells) => cells.some((cell) => cell[0] === run));
  const origin = question.origin ? ` · origin: ${languageName(question.origin)}` : "";
  section.replaceChildren(
    element("h2", {}, `${collection().datasets[set]} ${question.id}${origin}`),
    element("p", { class: "clika-legend" }, `✓ correct answer   ● picked by ${scores.labels[row] ?? run}`),
    element("div", { class: "clika-cards" }, ...Object.keys(question.texts).map((language) =>
      card(question, language, pickOf(answers.runs, run, language, n)))));
}

let turns = 0;  // a drawing that waited for data while a later one began leaves the page to it

async function draw() {
  const turn = ++turns, now = view();
  part("fault").hidden = true;
  try {
    drawSwitches(now);
    const scores = await data(now.file);
    if (turn !== turns) return;
    part("heatmap-note").replaceChildren(element("p", {}, now.meaning),
      element("p", {}, "A dash (–) is undefined, a dot (·) was not run. Press a cell to read its questions."));
    part("heatmap").hidden = state.t === "table";
    part("score-table").hidden = state.t !== "table";
    if (state.t === "table") drawTable(scores); else drawHeatmap(scores);
    await drawCell(now, scores, turn);
    await drawQuestion(scores, turn);
    if (turn === turns) document.documentElement.dataset.drawn = `#${new URLSearchParams(state)}`;
  } catch (error) {
    part("fault").textContent = `${error.message}; reload the page, or make the site again.`;
    part("fault").hidden = false;
  }
}

const wantsDark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark", wantsDark.matches);
wantsDark.addEventListener("change", () => { dress(); draw(); });
window.addEventListener("hashchange", () => {
  for (const key of Object.keys(state)) delete state[key];
  Object.assign(state, Object.fromEntries(new URLSearchParams(location.hash.slice(1))));
  draw();
});
dress();
draw();
