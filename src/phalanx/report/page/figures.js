// Figures that were computed beside the run, drawn by their type.
const DRAWN = { matrix, lines, points, bars: barsOf, cases };

function figuresOf(name, section) {
  const own = found.figures.filter((each) => each.section === name && DRAWN[each.draw?.type]);
  if (!own.length) return section.remove();
  const grid = el("div", { class: "grid" });
  section.append(grid);
  for (const one of own) {
    const cell = el("div", { id: `figure.${one.id}`, class: isWide(one.draw) ? "whole" : null });
    grid.append(cell);
    const { id, host, made } = figure(cell, one.title, one.says);
    DRAWN[one.draw.type](host, one.draw, id, one.title);
    if (one.table?.rows?.length) made.append(tableBehind("As a table", one.table));
  }
}

const FIRST_CASES = 12;
const isWide = ({ type, columns: across, x, names, lines: all }) =>
  type === "cases" ||
  (type === "matrix" && across.length > 12) ||
  (type === "lines" && x.dates && all[0]?.x.length > 60) ||
  (type === "bars" && names.length > 12);

function matrix(host, { rows, columns: across, values: cells, x: said, y: truth, scale: kind }, describedBy, label) {
  let left, cell, tall, top, turned;
  const sums = cells.map((row) => row.reduce((sum, value) => sum + (value ?? 0), 0));
  const shade = (i, j) => (cells[i][j] === null ? 0 : kind === "count" ? cells[i][j] / (sums[i] || 1) : cells[i][j]);
  const text = (value) => (value === null ? "" : kind === "count" ? number(value) : signed(value.toFixed(2)));
  function layout(context, width) {
    const longest = Math.max(...rows.map((name) => context.measureText(name).width));
    left = Math.min(Math.max(longest, context.measureText(`${truth} ↓`).width), width * 0.32) + 14;
    cell = Math.min(64, (width - left - 8) / across.length);
    tall = Math.max(Math.min(cell, 44), Math.min(15, cell));
    const widest = Math.max(...across.map((name) => context.measureText(name).width));
    turned = widest > cell - 4;
    top = 26 + (turned ? Math.min(widest, 96) : 14) + 10;
  }
  const measure = document.createElement("canvas").getContext("2d");
  const colour = (share) => (share < 0 ? colours.other : colours.main);
  chart(host, {
    label,
    describedBy,
    height: (width) => {
      measure.font = colours.font;
      layout(measure, width);
      return top + tall * rows.length + 4;
    },
    draw(context, width) {
      layout(context, width);
      context.fillStyle = colours.quiet;
      context.textBaseline = "alphabetic";
      context.textAlign = "left";
      context.fillText(fitted(context, `${said} →`, width - left), left, 12);
      context.fillText(fitted(context, `${truth} ↓`, left - 6), 0, 12);
      const every = Math.ceil(15 / (turned ? cell : 100)),
        down = Math.ceil(14 / tall);
      across.forEach((name, j) => {
        if (j % every) return;
        context.save();
        context.fillStyle = colours.ink;
        context.translate(left + (j + 0.5) * cell, top - 8);
        if (turned) {
          context.rotate(-Math.PI / 2);
          context.textAlign = "left";
          context.textBaseline = "middle";
        } else context.textAlign = "center";
        context.fillText(fitted(context, name, turned ? 96 : cell), 0, 0);
        context.restore();
      });
      rows.forEach((name, i) => {
        context.textAlign = "right";
        context.textBaseline = "middle";
        context.fillStyle = colours.ink;
        if (i % down === 0) context.fillText(fitted(context, name, left - 12), left - 8, top + (i + 0.5) * tall);
        across.forEach((_, j) => {
          const share = shade(i, j),
            value = cells[i][j];
          context.globalAlpha = value === null ? 0 : 0.05 + 0.95 * Math.min(1, Math.abs(share));
          context.fillStyle = value ? colour(share) : colours.faint;
          context.fillRect(left + j * cell + 0.5, top + i * tall + 0.5, Math.max(cell - 1, 1), Math.max(tall - 1, 1));
          context.globalAlpha = 1;
          const shown = text(value);
          if (tall < 15 || !value || context.measureText(shown).width > cell - 4) return;
          context.textAlign = "center";
          context.fillStyle = Math.abs(share) > 0.5 ? colours.paper : colours.ink;
          context.fillText(shown, left + (j + 0.5) * cell, top + (i + 0.5) * tall + 0.5);
        });
      });
    },
    places: () =>
      rows.flatMap((row, i) =>
        across.map((column, j) => ({
          x: left + (j + 0.5) * cell,
          y: top + (i + 0.5) * tall,
          lines: [
            `${truth} ${row}`,
            `${said} ${column}`,
            kind === "count" ? `${number(cells[i][j])}, ${percent(shade(i, j))} of the row` : number(cells[i][j], 3),
          ],
        })),
      ),
    near: (u, v) => {
      const j = Math.floor((u - left) / cell),
        i = Math.floor((v - top) / tall);
      return i < 0 || j < 0 || i >= rows.length || j >= across.length ? -1 : i * across.length + j;
    },
  });
}

const numeric = (axis, list) => (axis.dates ? list.map((text) => (text === null ? null : Date.parse(text))) : list);
const written = (axis, value) =>
  axis.dates ? new Date(value).toISOString().slice(0, 16).replace("T00:00", "").replace("T", " ") : number(value);

function lines(host, draw, describedBy, label) {
  const { x: xAxis, y: yAxis, reference } = draw;
  const all = draw.lines.map((each) => ({ ...each, x: numeric(xAxis, each.x) })),
    bands = (draw.bands ?? []).map((each) => ({ ...each, x: numeric(xAxis, each.x) }));
  const xs = sortedNumbers([...all, ...bands].flatMap((each) => each.x));
  const ys = sortedNumbers([
    ...all.flatMap((each) => each.y),
    ...bands.flatMap((each) => [...each.low, ...each.high]),
    ...(reference === "zero" ? [0] : []),
  ]);
  if (all.length + bands.length > 1) {
    host.before(
      el(
        "ul",
        { class: "legend" },
        all.map((each, i) => el("li", {}, lineKey(i), each.name)),
        bands.map((each, i) => el("li", {}, bandKey(i + 1), each.name)),
      ),
    );
  }
  let box, x, y;
  chart(host, {
    label,
    describedBy,
    height: (width) => Math.max(260, Math.min(400, width * (reference === "diagonal" ? 0.6 : 0.42))),
    draw(context, width, height) {
      [box, x, y] = scales(context, width, height, xAxis, yAxis, xs, ys);
      frame(context, box, x, y, { x: xAxis.label, y: yAxis.label });
      clipped(context, box, () => {
        referenceLine(context, box, x, y, reference);
        for (const each of bands) {
          context.beginPath();
          each.x.forEach((at, i) => {
            if (each.high[i] !== null) context.lineTo(x(at), y(each.high[i]));
          });
          for (let i = each.x.length - 1; i >= 0; i -= 1)
            if (each.low[i] !== null) context.lineTo(x(each.x[i]), y(each.low[i]));
          context.fillStyle = colours.band;
          context.fill();
        }
        all.forEach((each, i) => {
          context.strokeStyle = colours.apart[i % STYLES];
          context.setLineDash(DASHES[i % STYLES]);
          context.lineWidth = 2;
          path(
            context,
            each.x.map(x),
            each.y.map((value) => (value === null ? null : y(value))),
          );
        });
        context.setLineDash([]);
      });
    },
    places: () =>
      all.flatMap((each) =>
        each.x.flatMap((at, i) =>
          at === null || each.y[i] === null
            ? []
            : [
                {
                  x: x(at),
                  y: y(each.y[i]),
                  lines: [
                    each.name,
                    `${xAxis.label} ${written(xAxis, at)}`,
                    `${yAxis.label} ${written(yAxis, each.y[i])}`,
                  ],
                },
              ],
        ),
      ),
  });
}

// Bands lie on each other, and the innermost is the darkest.
const bandKey = (times) =>
  svg(
    "svg",
    { viewBox: "0 0 28 10", "aria-hidden": "true" },
    Array.from({ length: times }, () => svg("rect", { width: 28, height: 10, fill: "var(--band)" })),
    svg("rect", { width: 28, height: 10, fill: "none", stroke: "var(--main)" }),
  );

function scales(context, width, height, xAxis, yAxis, xs, ys, around = 0) {
  const room = (list, axis, share = 0) => {
    const [low, high] = list.length ? [list[0], list[list.length - 1]] : [0, 1];
    if (axis.log) {
      const positive = list.find((value) => value > 0) ?? 1;
      return [positive / 1.1, Math.max(high, positive) * 1.1];
    }
    return [low - share * (high - low), high + share * (high - low)];
  };
  const [xLow, xHigh] = room(xs, xAxis, around),
    [yLow, yHigh] = room(ys, yAxis, 0.03);
  const inner = scale(yLow, yHigh, 1, 0, yAxis);
  const box = boxOf(context, width, height, inner);
  return [box, scale(xLow, xHigh, box.left, box.right, xAxis), scale(yLow, yHigh, box.bottom, box.top, yAxis)];
}

function referenceLine(context, box, x, y, reference) {
  if (!reference) return;
  context.setLineDash([4, 4]);
  context.lineWidth = 1.2;
  const low = Math.max(x.low, y.low),
    high = Math.min(x.high, y.high);
  if (reference === "zero") line(context, box.left, y(0), box.right, y(0), colours.rule);
  else line(context, x(low), y(low), x(high), y(high), colours.rule);
  context.setLineDash([]);
}

function points(host, draw, describedBy, label) {
  const { x: xAxis, y: yAxis, y_values: heights, names, reference } = draw;
  const at = numeric(xAxis, draw.x_values);
  const shown = at.map((_, i) => i).filter((i) => at[i] !== null && heights[i] !== null);
  const rows = shown.map((i) => (names ? rowOf.get(names[i]) : undefined));
  let box, x, y;
  const plot = chart(host, {
    label,
    describedBy,
    height: (width) => Math.max(280, Math.min(440, width * 0.6)),
    draw(context, width, height) {
      [box, x, y] = scales(
        context,
        width,
        height,
        xAxis,
        yAxis,
        sortedNumbers(shown.map((i) => at[i])),
        sortedNumbers([...shown.map((i) => heights[i]), ...(reference === "zero" ? [0] : [])]),
        0.02,
      );
      frame(context, box, x, y, { x: xAxis.label, y: yAxis.label });
      clipped(context, box, () => {
        referenceLine(context, box, x, y, reference);
        context.fillStyle = colours.main;
        context.globalAlpha = Math.max(0.3, Math.min(0.8, 120 / shown.length));
        for (const i of shown) {
          context.beginPath();
          context.arc(x(at[i]), y(heights[i]), shown.length > 300 ? 2.6 : 4, 0, 2 * Math.PI);
          context.fill();
        }
        context.globalAlpha = 1;
      });
    },
    over(context) {
      const lit = new Set([...meant(state.lit), ...state.selected]);
      shown.forEach((i, k) => {
        if (lit.has(rows[k])) ring(context, x(at[i]), y(heights[i]));
      });
    },
    places: () =>
      shown.map((i, k) => ({
        x: x(at[i]),
        y: y(heights[i]),
        row: rows[k],
        lines: [
          ...(names ? [names[i]] : []),
          `${xAxis.label} ${written(xAxis, at[i])}`,
          `${yAxis.label} ${written(yAxis, heights[i])}`,
        ],
      })),
  });
  if (rows.some((row) => row !== undefined))
    listen((what) => {
      if (what !== "within") plot.again();
    });
}

function barsOf(host, { names, values: lengths, low, high, label }) {
  host.append(
    el("p", { class: "small quiet" }, label),
    bars(
      names.map((name, i) => ({ name, value: lengths[i], low: low?.[i], high: high?.[i], said: low ? "" : undefined })),
    ),
  );
}

function cases(host, { cases: list }) {
  const wordy = list.some((each) => each.text !== null && each.text !== undefined);
  const shown = list.map((each) => {
    const inside = [];
    if (typeof each.picture === "string" && each.picture.startsWith("data:image/"))
      inside.push(el("img", { src: each.picture, alt: "" }));
    if (each.text) inside.push(el("blockquote", { tabindex: 0 }, each.text));
    if (each.lines) inside.push(sparkline(each.lines));
    const sure = typeof each.sure === "number" ? `, ${percent(each.sure)} sure` : "";
    return el(
      "li",
      {},
      inside,
      el("div", {}, "said ", el("b", {}, each.said), sure),
      el("div", {}, "is ", el("b", {}, each.truth)),
      each.name ? el("div", { class: "quiet small" }, each.name) : null,
    );
  });
  const kind = wordy ? "cases texts" : "cases",
    first = shown.splice(0, FIRST_CASES);
  host.append(el("ol", { class: kind }, first));
  if (shown.length)
    host.append(
      el(
        "details",
        {},
        el("summary", {}, `${plural(shown.length, "more case")}`),
        el("ol", { class: kind, start: first.length + 1 }, shown),
      ),
    );
}

function sparkline(list) {
  const known = sortedNumbers(list.flat()),
    low = known[0] ?? 0,
    high = known[known.length - 1] ?? 1;
  return svg(
    "svg",
    { viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" },
    list.map((each, i) =>
      svg("polyline", {
        points: each
          .flatMap((value, k) =>
            value === null
              ? []
              : [
                  `${((100 * k) / Math.max(1, each.length - 1)).toFixed(1)},${(38 - (36 * (value - low)) / (high - low || 1)).toFixed(1)}`,
                ],
          )
          .join(" "),
        fill: "none",
        stroke: `var(${TOLD_APART[i % STYLES]})`,
        "stroke-width": 1.5,
        "vector-effect": "non-scaling-stroke",
      }),
    ),
  );
}
