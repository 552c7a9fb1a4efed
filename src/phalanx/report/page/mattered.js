// What mattered: the share of the spread that goes along with each choice, and what networks reached for each value.
function mattered(section) {
  const names = Object.keys(found.importances),
    axes = varied();
  if (!found.mattered.length && (!axes.length || members.length < 2)) return section.remove();
  if (found.mattered.length)
    section.append(
      el(
        "ul",
        { class: "notes" },
        found.mattered.map((words) => el("li", {}, words)),
      ),
    );
  else section.append(el("p", {}, "So few networks do not say which choice mattered."));
  const pair = el("div", { class: "pair" });
  section.append(pair);
  const left = el("div"),
    right = el("div");
  let press = () => {},
    shown = axes.find((axis) => axis.name === names[0]) ?? axes[0];
  if (names.length) {
    pair.append(left, right);
    left.append(el("h3", {}, "Share of the spread of ranks"));
    const buttons = new Map();
    const rows = names.map((name) => {
      const one = found.importances[name];
      const axis = axes.find((each) => each.name === name);
      const button =
        axis &&
        el(
          "button",
          { type: "button", class: "name", "aria-pressed": String(axis === shown), onclick: () => show(axis) },
          breakable(name),
        );
      if (axis) buttons.set(axis, button);
      return {
        name: button ?? name,
        value: one.share,
        low: one.share - one.share_error,
        high: one.share + one.share_error,
        chance: one.share_chance,
        sure: one.p <= 0.05,
        said: one.p <= 0.05 ? "mattered" : "may be chance",
      };
    });
    const marks = rows.some((row) => row.chance !== undefined && row.chance !== null);
    const { made } = figure(
      left,
      null,
      `How much of the differences in rank goes along with each choice, with one standard error.${marks ? " The dashed mark is what chance reaches for one choice in 1 of 20 shuffles of the scores; the words heed how many choices there are." : ""} A name shows its networks${innerWidth > 928 ? " beside" : " below"}.`,
    );
    made.append(bars(rows, (share) => signed(share.toFixed(2))));
    made.append(
      tableBehind("As a table", {
        columns: [
          "choice",
          "share",
          "standard error",
          "by chance",
          "importance",
          "standard error",
          "by chance",
          "p",
          "the best",
          "networks",
        ],
        rows: names.map((name) => {
          const one = found.importances[name];
          return [
            name,
            one.share,
            one.share_error,
            one.share_chance ?? null,
            one.importance,
            one.error,
            one.chance,
            one.p,
            one.best.map((value) => number(value, 3)).join(", "),
            one.trials,
          ];
        }),
      }),
    );
    press = () => buttons.forEach((button, axis) => button.setAttribute("aria-pressed", axis === shown));
  } else {
    pair.append(right);
    const pick = el(
      "select",
      { onchange: () => show(axes[pick.selectedIndex]) },
      axes.map((axis) => el("option", {}, axis.name)),
    );
    right.append(el("div", { class: "controls" }, el("label", {}, "Choice", pick)));
  }
  if (!shown) return;

  const { id, host, sentence } = figure(right, shown.name, "");
  const title = right.querySelector("h3");
  let box, x, y, flip;
  const settled = members.filter((row) => !hasDiverged(row) && scores[row] !== null);
  const [low, high] = limitsOf(settled.map((row) => scores[row]));

  function show(axis) {
    shown = axis;
    press();
    describe();
    plot.draw();
  }
  function describe() {
    title.textContent = shown.name;
    const beyond = members.length - members.filter(drawn).length;
    sentence.textContent = `The validation ${found.metric} of each network against its ${shown.name}${shown.log ? ", on a logarithmic axis" : ""}${beyond ? `; ${plural(beyond, "network")} diverged or ${beyond === 1 ? "lies" : "lie"} beyond the scale` : ""}.`;
  }
  const drawn = (row) => !hasDiverged(row) && scores[row] !== null && scores[row] >= low && scores[row] <= high;
  const spot = (row) => {
    const at = shown.at(shown.column.values[row]);
    const shake = ((place.get(row) * 0.618034) % 1) - 0.5;
    return [flip(at < 0 ? at : at + 2 * shown.spread * shake), y(scores[row])];
  };

  const plot = chart(host, {
    label: "Networks by the value of one choice",
    describedBy: id,
    height: (width) => Math.max(260, Math.min(360, width * 0.62)),
    draw(context, width, height) {
      const room = 0.05 * (high - low || 1);
      y = scale(low - room, high + room, 1, 0);
      box = boxOf(context, width, height, y);
      y = scale(low - room, high + room, box.bottom, box.top);
      const start = box.left + (shown.absent ? 62 : shown.ordinal ? 30 : 10),
        end = box.right - (shown.ordinal ? 30 : 8);
      flip = (at) => (at < 0 ? box.left + 24 : start + at * (end - start));
      const ticks = (count) => {
        const all = shown.ticks(count),
          every = Math.ceil(all.length / Math.max(count, 2));
        return [
          ...(shown.absent ? [[ABSENT, "absent"]] : []),
          ...all.filter((_, i) => i % every === 0).map(([value, text]) => [value, shortened(text, 14)]),
        ];
      };
      x = (value) => flip(shown.at(value));
      x.ticks = ticks;
      frame(context, box, x, y, { x: shown.name, y: `validation ${found.metric}` });
      context.lineWidth = 1.2;
      for (const row of [...members].reverse()) {
        if (!drawn(row)) continue;
        const [u, v] = spot(row),
          inside = state.within[row];
        context.beginPath();
        context.arc(u, v, members.length > 400 ? 2.4 : 4, 0, 2 * Math.PI);
        context.globalAlpha = members.length > 400 ? 0.6 : 0.85;
        if (inside) {
          context.fillStyle = rankColour(place.get(row) / Math.max(1, members.length - 1));
          context.fill();
        } else {
          context.strokeStyle = colours.faint;
          context.stroke();
        }
      }
      context.globalAlpha = 1;
    },
    over(context) {
      for (const row of new Set([...state.selected, ...meant(state.lit)])) {
        if (!drawn(row)) continue;
        const [u, v] = spot(row);
        context.beginPath();
        context.arc(u, v, meant(state.lit).includes(row) ? 8 : 6, 0, 2 * Math.PI);
        context.lineWidth = 2.2;
        context.strokeStyle = state.selected.has(row) ? colours.apart[styleOf(row)] : colours.ink;
        context.stroke();
      }
    },
    places: () =>
      members.filter(drawn).map((row) => {
        const [u, v] = spot(row),
          value = shown.column.values[row];
        return {
          x: u,
          y: v,
          row,
          lines: [
            ids[row],
            `${shown.name} ${value === null ? "absent" : number(value, 3)}`,
            `${found.metric} ${number(scores[row])}`,
          ],
        };
      }),
  });
  listen((what) => (what === "within" ? plot.draw() : plot.again()));
  describe();
}

// Values have as many digits as their typical error has two of.
function formatOfBars(rows) {
  const errors = sortedNumbers(
      rows.map(({ value, high }) => (Number.isFinite(high) && Number.isFinite(value) ? high - value : null)),
    ),
    error = quantile(errors, 0.5);
  if (!(error > 0))
    return formatOf(
      rows.map((row) => row.value),
      3,
    );
  const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(error))));
  return (value) => signed(value.toFixed(digits));
}

// Horizontal bars with their errors: rows of {name, value, low, high, chance, sure, said}.
function bars(rows, format = formatOfBars(rows)) {
  const numbers = rows
    .flatMap(({ value, low, high, chance }) => [value, low, high, chance])
    .filter((value) => Number.isFinite(value));
  const most = Math.max(...numbers, 0),
    least = Math.min(...rows.map(({ value }) => value ?? 0), 0);
  const reach = most - least || 1,
    at = (value) => `${(100 * (Math.max(value, least) - least)) / reach}%`;
  return el(
    "div",
    { class: "bars" },
    rows.map(({ name, value, low, high, chance, sure, said: words }) => {
      const drawing = svg("svg", { "aria-hidden": "true" });
      if (value !== null && value !== undefined) {
        const from = Math.min(value, 0),
          width = `${(100 * Math.abs(value)) / reach}%`;
        drawing.append(
          svg("rect", {
            x: at(from),
            y: 8,
            width,
            height: 8,
            fill: sure === false ? "var(--faint)" : "var(--main)",
            stroke: sure === false ? "var(--rule)" : "none",
          }),
        );
      }
      if (Number.isFinite(low) && Number.isFinite(high)) {
        const thin = { stroke: "var(--ink)", "stroke-width": 1.5 };
        drawing.append(svg("line", { x1: at(low), x2: at(high), y1: 12, y2: 12, ...thin }));
        for (const end of [low, high])
          if (end >= least) drawing.append(svg("line", { x1: at(end), x2: at(end), y1: 4, y2: 20, ...thin }));
      }
      if (Number.isFinite(chance))
        drawing.append(
          svg("line", {
            x1: at(chance),
            x2: at(chance),
            y1: 1,
            y2: 23,
            stroke: "var(--other)",
            "stroke-width": 2,
            "stroke-dasharray": "3 2",
          }),
        );
      if (least < 0) drawing.append(svg("line", { x1: at(0), x2: at(0), y1: 0, y2: 24, stroke: "var(--rule)" }));
      const error = Number.isFinite(high) && Number.isFinite(value) ? ` ± ${format(high - value)}` : "";
      const text = `${value === null || value === undefined ? NONE : format(value)}${words !== undefined ? error : ""}`;
      return [
        typeof name === "string" ? el("span", { class: "name" }, breakable(name)) : name,
        el("span", { class: "value" }, text, words ? el("span", { class: "tag" }, words) : null),
        drawing,
      ];
    }),
  );
}
