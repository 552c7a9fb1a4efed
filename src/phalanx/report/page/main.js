// The page from top to bottom.
const of = (id) => document.getElementById(id);
readColours();

const TASKS = {
  classify: "classification",
  regress: "regression",
  forecast: "forecast",
  language: "language model",
  mixed: "several targets",
};
function facts() {
  const target = Array.isArray(found.target) ? found.target.join(", ") : found.target;
  const parts = [
    found.source ?? null,
    `${TASKS[found.task] ?? found.task}${target ? ` of ${target}` : ""}`,
    `${plural(found.members, "network")}${found.structures > 1 ? ` of ${number(found.structures)} structures` : ""}`,
    `ranked by ${found.metric}, ${found.maximize ? "higher" : "lower"} is better`,
    found.seconds ? `${number(found.seconds.total, 3)} s` : null,
  ];
  of("facts").textContent = parts.filter(Boolean).join(" · ");
}

// The scores of the ensemble, the best network and plain models, on rows that chose nothing where there are such.
function scoreStrip() {
  const part =
    Object.keys(found.rows).includes("test") && values(`test_${found.metric}`).some((value) => value !== null)
      ? "test"
      : "valid";
  const list = values(`${part}_${found.metric}`),
    errors = found.errors[part] ?? [];
  const rows = ids
    .map((_, row) => row)
    .filter(
      (row) => list[row] !== null && list[row] !== undefined && (kinds[row] !== "member" || ids[row] === found.best),
    );
  if (!rows.length) return of("scores").remove();
  rows.sort((a, b) => (found.maximize ? list[b] - list[a] : list[a] - list[b]));
  const [least, most] = limitsOf(rows.map((row) => list[row])),
    inside = rows.filter((row) => list[row] >= least && list[row] <= most);
  const ends = inside.flatMap((row) => [list[row] - (errors[row] ?? 0), list[row] + (errors[row] ?? 0)]);
  const x = scale(Math.min(...ends), Math.max(...ends), 3, 97),
    format = formatOf(rows.map((row) => list[row]));
  const count = found.rows[part];
  const wide = errors.some((error) => error) ? " Lines: one standard error." : "";
  of("scores").setAttribute("aria-labelledby", "scores-says");
  of("scores").append(
    el(
      "figcaption",
      { id: "scores-says" },
      `${capital(SAID[part])} ${found.metric}${count ? ` on ${number(count)} ${found.counted}` : ""}, the best above.${wide}`,
    ),
    el(
      "div",
      { class: "bars" },
      rows.map((row) => {
        const kind = kinds[row],
          colour = kind === "baseline" ? "var(--rule)" : "var(--main)",
          at = `${x(list[row])}%`;
        const drawing = svg(
          "svg",
          { "aria-hidden": "true" },
          svg("line", { x1: "0", x2: "100%", y1: 12, y2: 12, stroke: "var(--line)" }),
        );
        const name = kind === "member" ? `${ids[row]}, the best network` : ids[row].replaceAll("_", " ");
        const told = [
          el("span", { class: "name" }, kind === "ensemble" ? el("b", {}, name) : name),
          el("span", { class: "value" }, format(list[row])),
          drawing,
        ];
        if (!inside.includes(row)) {
          const end = list[row] < least ? "0" : "100%";
          drawing.append(
            svg(
              "text",
              {
                x: end,
                y: 16.5,
                "text-anchor": end === "0" ? "start" : "end",
                "font-size": 12,
                fill: "var(--quiet)",
                stroke: "var(--paper)",
                "stroke-width": 5,
                "paint-order": "stroke",
              },
              list[row] < least ? "◂ off the scale" : "off the scale ▸",
            ),
          );
          return told;
        }
        if (errors[row])
          drawing.append(
            svg("line", {
              x1: `${x(list[row] - errors[row])}%`,
              x2: `${x(list[row] + errors[row])}%`,
              y1: 12,
              y2: 12,
              stroke: colour,
              "stroke-width": 3,
            }),
          );
        drawing.append(
          kind === "baseline"
            ? svg("circle", { cx: at, cy: 12, r: 4.5, fill: "var(--paper)", stroke: colour, "stroke-width": 2 })
            : svg("circle", { cx: at, cy: 12, r: 5.5, fill: colour }),
        );
        return told;
      }),
    ),
  );
}

function dataSection(section) {
  const { train, valid, test } = found.rows,
    total = (train ?? 0) + (valid ?? 0) + (test ?? 0);
  if (total) {
    const parts = [
      ["train", train, "var(--main)"],
      ["validate", valid, "var(--rule)"],
      ["test", test, "var(--other)"],
    ].filter(([, count]) => count !== undefined);
    const bar = el(
      "div",
      { class: "split", "aria-hidden": "true" },
      parts.map(([, count]) => {
        const piece = el("i");
        piece.style.flex = `${count} 1 0`;
        if (!count) piece.style.display = "none";
        return piece;
      }),
    );
    section.append(
      bar,
      el(
        "div",
        { class: "parts" },
        parts.map(([name, count, colour]) => {
          const dot = el("i", { "aria-hidden": "true" });
          dot.style.background = colour;
          return el("span", {}, dot, el("b", {}, number(count)), ` ${found.counted} ${name}`);
        }),
      ),
    );
  }
  if (found.columns.length) {
    const counts = new Map();
    for (const [, kind, , used] of found.columns)
      counts.set(used ? kind : `${kind}, left out`, (counts.get(used ? kind : `${kind}, left out`) ?? 0) + 1);
    section.append(
      el(
        "p",
        {},
        `${plural(found.columns.length, "column")}: ${[...counts].map(([kind, count]) => `${number(count)} of kind ${kind}`).join("; ")}.`,
      ),
    );
  }
  if (found.notes.length)
    section.append(
      el(
        "ul",
        { class: "notes" },
        found.notes.map((note) => el("li", {}, note)),
      ),
    );
  if (found.warnings.length)
    section.append(
      el(
        "ul",
        { class: "notes", "aria-label": "Warnings" },
        found.warnings.map((warning) => el("li", { class: "warned" }, warning)),
      ),
    );
  if (found.columns.length) {
    const details = tableBehind("Columns as they were understood", {
      columns: ["name", "kind", "holds"],
      rows: found.columns.map(([name, kind, holds, used]) => [name, used ? kind : `${kind}, left out`, holds]),
    });
    details.open = found.columns.length <= 14;
    section.append(details);
  }
  if (section.children.length === 1) section.remove();
}

function diagnostics(section) {
  section.append(el("p", { class: "says" }, "What seems wrong inside the networks, or in what they predict."));
  if (found.hints.length)
    section.append(
      el(
        "ul",
        { class: "notes" },
        found.hints.map((hint) => el("li", { class: "warned" }, hint)),
      ),
    );
  else
    section.append(
      el(
        "p",
        {},
        "Nothing was noticed: no layer whose units are dead or saturated in most networks, no steps that are far too long or too short.",
      ),
    );
}

function baselines(section) {
  const names = Object.keys(found.baselines);
  if (!names.length) return section.remove();
  const metrics = Object.keys(found.baselines[names[0]].valid);
  const few = metrics.includes(found.metric)
    ? [found.metric, ...metrics.filter((name) => name !== found.metric)].slice(0, 4)
    : metrics.slice(0, 4);
  const tested = names.some((name) => found.baselines[name][found.metric] !== undefined);
  const learned = (held) => held.rows ?? held.tokens ?? null;
  const rows = names.map((name) => {
    const held = found.baselines[name];
    return [
      name,
      ...few.map((metric) => held.valid[metric] ?? null),
      ...(tested ? few.map((metric) => held[metric] ?? null) : []),
      learned(held),
      held.seconds,
    ];
  });
  section.append(
    el(
      "p",
      { class: "says" },
      `Plain models on the same rows, ${found.rival ? `of which ${found.rival} validates best` : "for comparison"}.`,
    ),
    wide(
      "Plain models",
      plainTable(
        {
          columns: [
            "model",
            ...few.map((metric) => `validation ${metric.replaceAll("_", " ")}`),
            ...(tested ? few.map((metric) => `test ${metric.replaceAll("_", " ")}`) : []),
            "learned from",
            "seconds",
          ],
          rows,
        },
        "Plain models",
      ),
    ),
  );
}

function use(section) {
  if (!found.uses.length) return section.remove();
  for (const [where, lines] of found.uses)
    section.append(el("h3", {}, where === "shell" ? "In a shell" : `In ${where}`), typed(lines, where));
}

function typed(text, what) {
  const button = el(
    "button",
    { type: "button", class: "button", "aria-label": `Copy, ${what}`, onclick: () => copy(text, button) },
    "Copy",
  );
  return el("div", { class: "typed" }, button, el("pre", { tabindex: 0 }, el("code", {}, text)));
}

// A page that is opened from a file may not reach the clipboard in the new way: the old one works everywhere.
function copy(text, button) {
  const area = el("textarea", { class: "unseen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  button.focus();
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  told.textContent = done ? "copied" : "could not copy";
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
}

function howMade(section) {
  const { seconds, versions } = found;
  const parts = [
    seconds
      ? `${number(seconds.total, 3)} s in all: ${number(seconds.compile, 3)} s compiling${found.programs !== undefined && found.programs !== null ? ` ${plural(found.programs, "program")}` : ""}, ${number(seconds.train, 3)} s training`
      : null,
    found.seed !== null && found.seed !== undefined ? `seed ${found.seed}` : null,
    Object.keys(versions).length
      ? Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", ")
      : null,
  ].filter(Boolean);
  section.append(el("p", {}, `${parts.map(capital).join(". ")}.`));
  if (found.config)
    section.append(
      el(
        "details",
        {},
        el("summary", {}, "The whole configuration, which repeats the run"),
        typed(found.config, "configuration"),
      ),
    );
}

function navigation() {
  const sections = [...document.querySelectorAll("main > section")];
  document.querySelector("nav").append(
    el(
      "ul",
      {},
      sections.map((section) =>
        el("li", {}, el("a", { href: `#${section.id}` }, section.querySelector("h2").textContent)),
      ),
    ),
  );
}

for (const row of voices.slice(0, STYLES)) state.selected.add(row);
if (!state.selected.size && members.length) state.selected.add(members[0]);
facts();
scoreStrip();
dataSection(of("data"));
leaderboard(of("leaderboard"));
learning(of("learning"));
choices(of("choices"));
mattered(of("mattered"));
for (const name of ["errors", "columns", "members"]) figuresOf(name, of(name));
diagnostics(of("diagnostics"));
baselines(of("baselines"));
use(of("use"));
howMade(of("made"));
navigation();
