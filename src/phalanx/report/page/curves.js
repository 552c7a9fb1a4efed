// Learning curves: where most members are in each round, and those that are selected one by one.
function curveOf(row) {
  const curve = found.curves.members[ids[row]];
  if (!curve) return null;
  curve.rounds ??= [...found.curves.grid.filter((round) => round < curve.last), curve.last];
  return curve;
}

function learning(section) {
  const trained = members.filter((row) => curveOf(row));
  if (!trained.length) return section.remove();
  const validated = trained.some((row) => curveOf(row).valid.some((cost) => cost !== null));
  const settled = trained.filter((row) => !hasDiverged(row));
  const shown = { valid: validated, train: !validated, log: false };
  const costs = (part, rows) => rows.flatMap((row) => curveOf(row)[part]);
  const positive = Math.min(...sortedNumbers([...costs("valid", trained), ...costs("train", trained)])) > 0;
  const sorted = sortedNumbers(costs(validated ? "valid" : "train", settled.length ? settled : trained));
  shown.log = positive && quantile(sorted, 0.95) / quantile(sorted, 0.05) >= 5;
  const bands = settled.length >= 8;
  const rows = settled
    .slice(0, 200)
    .map((row) => [
      ids[row],
      curveOf(row).last,
      curveOf(row).best,
      curveOf(row).cost,
      curveOf(row).train.at(-1),
      stopped[row],
    ]);
  const table = tableBehind("Curves as a table", {
    columns: ["network", "rounds", "best round", "validation cost there", "training cost at the end", "stopped by"],
    rows,
  });
  if (trained.every((row) => curveOf(row).last < 2))
    return section.append(
      el("p", { class: "says" }, `Each network trained one round, so there are no curves. ${sentence()}`),
      table,
    );
  const { id, host, made } = figure(section, null, sentence());

  const chip = (key, text, disabled) => {
    const box = el("input", {
      type: "checkbox",
      disabled,
      onchange: () => {
        shown[key] = box.checked;
        plot.draw();
      },
    });
    box.checked = shown[key];
    return el("label", {}, box, text);
  };
  const legend = el("ul", { class: "legend" });
  host.before(
    el(
      "div",
      { class: "controls" },
      chip("valid", "validation", !validated),
      chip("train", "training"),
      chip("log", "logarithmic", !positive),
    ),
    legend,
  );

  function sentence() {
    const best = settled.filter((row) => curveOf(row).best).map((row) => curveOf(row).best);
    const first = members[0],
      curve = curveOf(first);
    const gone = trained.length - settled.length;
    const many = `${bands ? `Dark line: the median of the networks that still train; shade: the middle 80% of them. ` : ""}`;
    const half =
      best.length >= 5 && validated
        ? `Half of the networks were at their best by round ${number(Math.round(quantile(sortedNumbers(best), 0.5)))}`
        : "";
    const leader =
      curve?.cost !== undefined && curve.cost !== null
        ? `${half ? ", " : ""}${half ? "" : "The network "}${ids[first]}${members.length > 1 ? ", the best," : ""} ${half ? "was" : "was at its best"} in round ${number(curve.best)} with a validation cost of ${number(curve.cost)}`
        : "";
    const lost = gone
      ? ` ${plural(gone, "network")} diverged and ${gone === 1 ? "does" : "do"} not set the scale.`
      : "";
    return `${half}${leader}${half || leader ? ". " : ""}${many}The cost is the mean negative log-likelihood of a row.${lost}`;
  }

  let box, x, y;
  const strip = 12,
    known = {};

  function prepare(context, width, height) {
    const rows = settled.length ? settled : trained;
    const parts = ["valid", "train"].filter((part) => shown[part]);
    const longest = Math.max(...trained.map((row) => curveOf(row).last), 2),
      early = shown.log ? 0 : longest / 12;
    const later = (row, part) =>
      curveOf(row)[part].filter((_, i) => curveOf(row).rounds[i] > early || curveOf(row).last <= early);
    const leaders = [...voices, ...members.slice(0, 1)].filter((row) => curveOf(row));
    const ends = sortedNumbers(
      parts.flatMap((part) => [
        ...(bands
          ? bandOf(part, rows)
              .filter(([round]) => round > early)
              .flatMap(([, low, , high]) => [low, high])
          : rows.flatMap((row) => later(row, part))),
        ...leaders.flatMap((row) => later(row, part)),
      ]),
    ).filter((cost) => !shown.log || cost > 0);
    const [low, high] = ends.length ? [ends[0], ends[ends.length - 1]] : [0, 1];
    const room = shown.log ? 0 : 0.04 * (high - low);
    y = scale(low - room, high + room, 1, 0, { log: shown.log });
    box = boxOf(context, width, height, y, { right: width > 560 ? 60 : 12, below: 44 + (bands ? strip + 22 : 0) });
    y = scale(low - room, high + room, box.bottom, box.top, { log: shown.log });
    x = scale(1, longest, box.left, box.right, { whole: true });
  }

  // Of each round of the grid: round, and the 10%, 50% and 90% points of the members that still train.
  function bandOf(part, rows) {
    if (rows === settled) return (known[part] ??= quantiles(part, rows));
    return quantiles(part, rows);
  }
  function quantiles(part, rows) {
    return found.curves.grid.flatMap((round, k) => {
      const costs = [];
      for (const row of rows) {
        const curve = curveOf(row);
        const cost =
          round < curve.last ? curve[part][k] : round === curve.last ? curve[part][curve[part].length - 1] : null;
        if (cost !== null && cost !== undefined) costs.push(cost);
      }
      if (costs.length < 3) return [];
      const sorted = sortedNumbers(costs);
      return [[round, quantile(sorted, 0.1), quantile(sorted, 0.5), quantile(sorted, 0.9)]];
    });
  }

  function band(context, part, rows, colour, shade) {
    const points = bandOf(part, rows);
    if (!points.length) return;
    const xs = points.map(([round]) => x(round)),
      [lows, middles, highs] = [1, 2, 3].map((k) => points.map((point) => y(point[k])));
    context.beginPath();
    xs.forEach((at, i) => context.lineTo(at, highs[i]));
    [...xs].reverse().forEach((at, i) => context.lineTo(at, lows[xs.length - 1 - i]));
    context.fillStyle = shade;
    context.fill();
    context.setLineDash(part === "train" ? [5, 4] : []);
    context.strokeStyle = colour;
    context.lineWidth = 2.2;
    path(context, xs, middles);
    context.setLineDash([]);
  }

  function curve(context, row, part, colour, thick, dashes) {
    const { rounds, [part]: costs } = curveOf(row);
    context.strokeStyle = colour;
    context.lineWidth = thick;
    context.setLineDash(dashes);
    path(
      context,
      rounds.map(x),
      costs.map((cost) => (cost === null || (shown.log && cost <= 0) ? null : y(cost))),
    );
    context.setLineDash([]);
  }

  function alive(context) {
    const top = box.bottom + 46,
      most = trained.length;
    const share = found.curves.grid.map((round) => trained.filter((row) => curveOf(row).last >= round).length / most);
    context.fillStyle = colours.faint;
    context.beginPath();
    context.moveTo(x(found.curves.grid[0]), top + strip);
    found.curves.grid.forEach((round, i) => context.lineTo(x(round), top + strip * (1 - share[i])));
    context.lineTo(x(found.curves.grid[share.length - 1]), top + strip);
    context.fill();
    context.fillStyle = colours.quiet;
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillText("networks that still train", box.left, top + strip + 4);
  }

  const plot = chart(host, {
    label: "Learning curves",
    describedBy: id,
    height: (width) => Math.max(300, Math.min(460, width * 0.45)) + (bands ? 34 : 0),
    draw(context, width, height) {
      prepare(context, width, height);
      frame(context, box, x, y, { x: "round", y: "cost" });
      const chosen = members.filter((row) => state.within[row]),
        some = chosen.length < members.length;
      clipped(context, box, () => {
        for (const part of ["train", "valid"].filter((each) => shown[each])) {
          if (!bands)
            settled.forEach((row) => curve(context, row, part, colours.rule, 1.2, part === "train" ? [5, 4] : []));
          else {
            band(context, part, settled, some ? colours.rule : colours.ink, colours.shade);
            if (some)
              band(
                context,
                part,
                settled.filter((row) => state.within[row]),
                colours.main,
                colours.band,
              );
          }
        }
      });
      if (bands) alive(context);
    },
    over(context, width) {
      const lit = new Set(meant(state.lit));
      const rows = [...new Set([...state.selected, ...lit])].filter((row) => curveOf(row));
      const ends = [];
      for (const row of rows) {
        const chosen = state.selected.has(row),
          style = styleOf(row);
        const colour = chosen ? colours.apart[style] : colours.ink,
          thick = lit.has(row) ? 3 : 1.8;
        clipped(context, box, () => {
          for (const part of ["train", "valid"].filter((each) => shown[each])) {
            curve(
              context,
              row,
              part,
              colour,
              part === "train" && shown.valid ? thick * 0.6 : thick,
              chosen ? DASHES[style] : [],
            );
          }
        });
        const { best, cost, last, valid, train } = curveOf(row);
        const part = shown.valid ? valid : train;
        if (shown.valid && best && cost !== null && y(cost) <= box.bottom + 2 && y(cost) >= box.top - 2)
          bestMark(context, x(best), y(cost), colour);
        const end = part.findLast((value) => value !== null);
        if (end !== undefined)
          ends.push([
            Math.max(box.top, Math.min(box.bottom, y(end))),
            x(last),
            hasDiverged(row) ? `${ids[row]} ×` : ids[row],
            colour,
          ]);
      }
      if (ends.length <= 12) names(context, ends, width);
    },
    places: () =>
      (state.selected.size ? [...state.selected] : members.slice(0, 1))
        .filter((row) => curveOf(row))
        .flatMap((row) => {
          const { rounds, valid, train } = curveOf(row),
            part = shown.valid ? valid : train;
          return rounds.flatMap((round, i) =>
            part[i] === null || y(part[i]) < box.top - 2
              ? []
              : [
                  {
                    x: x(round),
                    y: y(part[i]),
                    row,
                    lines: [
                      ids[row],
                      `round ${number(round)}`,
                      `validation cost ${number(valid[i])}`,
                      `training cost ${number(train[i])}`,
                    ],
                  },
                ],
          );
        }),
  });

  function bestMark(context, at, height, colour) {
    context.beginPath();
    context.moveTo(at, height - 6);
    context.lineTo(at + 6, height);
    context.lineTo(at, height + 6);
    context.lineTo(at - 6, height);
    context.closePath();
    context.fillStyle = colour;
    context.fill();
    context.strokeStyle = colours.paper;
    context.lineWidth = 1.5;
    context.stroke();
  }

  // Names at the ends of lines, moved apart where they would lie on each other.
  function names(context, ends, width) {
    ends.sort((a, b) => a[0] - b[0]);
    const heights = [];
    ends.forEach(([height], i) => heights.push(Math.max(height, (heights[i - 1] ?? -Infinity) + 14)));
    for (let i = ends.length - 1, below = box.bottom - 4; i >= 0; i -= 1, below = heights[i + 1] - 14)
      heights[i] = Math.min(heights[i], below);
    context.textAlign = "left";
    context.textBaseline = "middle";
    ends.forEach(([, at, text, colour], i) => {
      context.fillStyle = colour;
      context.fillText(text, Math.min(at + 5, width - context.measureText(text).width - 2), heights[i]);
    });
  }

  function keysOfLines() {
    const items = [...state.selected]
      .filter((row) => curveOf(row))
      .map((row) => {
        const style = styleOf(row);
        const remove = el(
          "button",
          {
            type: "button",
            class: "button chip",
            "aria-label": `${ids[row]}: take away`,
            onclick: () => select(row, false),
            onfocus: () => light(row),
            onblur: () => light(-1),
            onpointerenter: () => light(row),
            onpointerleave: () => light(-1),
          },
          lineKey(style),
          ids[row],
          " ×",
        );
        return el("li", {}, remove);
      });
    const note = el(
      "li",
      { class: "quiet" },
      items.length
        ? validated
          ? "◆ best round"
          : ""
        : "Select networks in the table or in a plot to see their curves.",
    );
    const none =
      items.length > 1
        ? el(
            "li",
            {},
            el(
              "button",
              {
                type: "button",
                class: "button chip",
                onclick: () => {
                  state.selected.clear();
                  tell("selected");
                },
              },
              "none",
            ),
          )
        : null;
    legend.replaceChildren(...items, ...(none ? [none] : []), note);
  }

  listen((what) => {
    if (what === "within") plot.draw();
    else plot.again();
    if (what === "selected") {
      keysOfLines();
      plot.moved();
    }
  });
  keysOfLines();
  made.append(table);
}

function lineKey(style) {
  const stroke = `var(${TOLD_APART[style % STYLES]})`;
  return svg(
    "svg",
    { viewBox: "0 0 28 10", width: 28, height: 10, "aria-hidden": "true" },
    svg("line", {
      x1: 0,
      x2: 28,
      y1: 5,
      y2: 5,
      stroke,
      "stroke-width": 2.5,
      "stroke-dasharray": DASHES[style % STYLES].join(" "),
    }),
  );
}
