// The choices: what each member drew, and what became of it, as lines across one axis for each choice.
const ABSENT = null, ABSENT_AT = -0.13;

// One axis: where a value is, from 0 to 1, below that what has none; `ticks` as [value, text], `back` from a place to a value.
function axisOf(column, rows) {
  const held = rows.map((row) => column.values[row]).filter((value) => value !== null);
  const different = [...new Set(held)];
  const absent = held.length < rows.length;
  const whole = column.number && different.every(Number.isInteger);
  const ordinal = !column.number || (different.length <= 8 && (whole || rows.length >= 4 * different.length));
  const axis = { name: column.name, column, absent, different: different.length, ordinal };
  if (ordinal) {
    axis.spread = Math.min(0.05, 0.28 / different.length);
    const sorted = column.number ? different.sort((a, b) => a - b) : different.sort(inOrder);
    const places = new Map(sorted.map((value, i) => [value, sorted.length === 1 ? 0.5 : axis.spread + (i / (sorted.length - 1)) * (1 - 2 * axis.spread)]));
    axis.options = sorted;
    axis.at = (value) => (value === ABSENT ? ABSENT_AT : places.get(value));
    axis.ticks = () => sorted.map((value) => [value, number(value, 3)]);
    return axis;
  }
  const log = isLog(held), sorted = sortedNumbers(held);
  const of = scale(sorted[0], sorted[sorted.length - 1], 0, 1, { log });
  return Object.assign(axis, { log, low: of.low, high: of.high, at: (value) => (value === ABSENT ? ABSENT_AT : of(value)), back: of.back, ticks: of.ticks, spread: 0 });
}

let axesOfChoices = null;
function varied() {
  axesOfChoices ??= found.board.filter((column) => column.part === "choice").map((column) => axisOf(column, members)).filter((axis) => axis.different > 1);
  return axesOfChoices;
}

// The axis of what ranks: the best at the end, and beyond its other end whoever diverged or lies far from most.
function axisOfScore() {
  const column = columns.get(`valid_${found.metric}`);
  const settled = members.filter((row) => !hasDiverged(row) && scores[row] !== null);
  if (!column || !settled.length) return null;
  const [low, high] = limitsOf(settled.map((row) => scores[row]));
  const of = scale(found.maximize ? low : high, found.maximize ? high : low, 0, 1);
  const turned = found.maximize ? of : scale(low, high, 1, 0);
  const off = (value, row) => value === ABSENT || hasDiverged(row) || value < low || value > high;
  const absent = members.some((row) => off(scores[row], row));
  return { name: column.name, column, absent, score: true, low, high, back: turned.back, ticks: turned.ticks, spread: 0, at: (value, row) => (off(value, row) ? ABSENT_AT : turned(value)) };
}

const holds = (axis, limit, value, row) => {
  const at = axis.at(value, row);
  if (at === ABSENT_AT) return limit.absent;
  return axis.ordinal ? limit.options.has(value) : value >= limit.low && value <= limit.high;
};

const MOST_AXES = 12;

// What matters most stands next to what ranks.
function byImportance(axes) {
  const order = Object.keys(found.importances), least = order.length;
  const place = ({ name }) => (order.includes(name) ? order.indexOf(name) : least);
  return [...axes].sort((a, b) => place(b) - place(a)).slice(-MOST_AXES);
}

function choices(section) {
  const score = axisOfScore(), shown = byImportance(varied()), axes = [...shown, ...(score ? [score] : [])];
  if (!shown.length || members.length < 2 || !score) return section.remove();
  const byName = new Map(axes.map((axis) => [axis.name, axis]));
  let top = 100, box, across, along, flat;
  const { id, host, made } = figure(section, null, sentence());

  const share = el("input", { type: "range", min: 1, max: 100, value: 100, "aria-label": "show the best, in percent", oninput: () => { top = Number(share.value); best.textContent = ` ${top}%`; narrow(); } });
  const best = el("output", {}, " 100%");
  const clear = el("button", { type: "button", class: "button", onclick: () => { state.limits.clear(); share.value = top = 100; best.textContent = " 100%"; inputs.forEach((fill) => fill()); narrow(); } }, "Clear limits");
  const left = el("span", { role: "status", class: "quiet" });
  host.before(el("div", { class: "controls" }, el("label", {}, "Best", share, best), clear, left));
  const key = el("div", { class: "controls small quiet" }, el("span", {}, "best ", el("span", { class: "ramp", "aria-hidden": "true" }), " worst by rank"));
  host.after(key);

  function sentence() {
    const off = members.filter((row) => score.at(scores[row], row) === ABSENT_AT).length;
    const gone = members.filter(hasDiverged).length;
    const beyond = off ? ` ${plural(off, "network")} ${off === 1 ? "stands" : "stand"} off the scale${gone ? ` (${number(gone)} diverged)` : ""}.` : "";
    const next = Object.keys(found.importances).length ? ", and next to it what mattered most" : "";
    const few = shown.length < varied().length ? ` Of ${number(varied().length)} choices ${number(shown.length)} are shown.` : "";
    return `Each line is a network, each axis a choice, the last one what ranks, with the best at its end${next}.${few} Drag along an axis to keep those that pass there.${beyond}`;
  }

  function narrow() {
    const most = Math.ceil((top / 100) * members.length);
    state.within.fill(0);
    members.forEach((row, order) => {
      state.within[row] = order < most && [...state.limits].every(([name, limit]) => holds(byName.get(name), limit, byName.get(name).column.values[row], row)) ? 1 : 0;
    });
    tell("within");
  }

  // Whether axes lie flat, one below the other, as on a narrow page where they would not fit side by side.
  const isFlat = (width) => width < 110 * axes.length || width < 560;
  const height = (width) => (isFlat(width) ? 40 + axes.length * 88 : 430);

  function prepare(context, width, tall) {
    flat = isFlat(width);
    const absent = axes.some((axis) => axis.absent);
    if (flat) {
      box = { left: absent ? 54 : 14, right: width - 14, top: 34, bottom: tall - 40 };
      across = axes.map((_, j) => box.top + (axes.length === 1 ? 0 : (j / (axes.length - 1)) * (box.bottom - box.top)));
      along = (at) => (at < 0 ? 24 : box.left + at * (box.right - box.left));
      return;
    }
    const first = Math.max(...axes[0].ticks(6).map(([, text]) => context.measureText(shortened(text, 18)).width), 20);
    box = { left: first + 18, right: width - 20, top: 56, bottom: tall - (absent ? 48 : 20) };
    across = axes.map((_, j) => box.left + (axes.length === 1 ? 0 : (j / (axes.length - 1)) * (box.right - box.left)));
    along = (at) => (at < 0 ? box.bottom + 30 : box.bottom - at * (box.bottom - box.top));
  }

  const shake = (row) => ((place.get(row) * 0.618034) % 1) - 0.5;
  const spot = (axis, j, row) => {
    const at = axis.at(axis.column.values[row], row);
    const moved = along(at < 0 ? at : at + 2 * axis.spread * shake(row)) + (at < 0 ? shake(row) * 8 : 0);
    return flat ? [moved, across[j]] : [across[j], moved];
  };

  function strand(context, row) {
    context.beginPath();
    let [x, y] = spot(axes[0], 0, row);
    context.moveTo(x, y);
    for (let j = 1; j < axes.length; j += 1) {
      const [u, v] = spot(axes[j], j, row);
      if (flat) context.bezierCurveTo(x, y + (v - y) * 0.4, u, v - (v - y) * 0.4, u, v);
      else context.bezierCurveTo(x + (u - x) * 0.4, y, u - (u - x) * 0.4, v, u, v);
      [x, y] = [u, v];
    }
    context.stroke();
  }

  function labels(context, width) {
    axes.forEach((axis, j) => {
      const text = axis.score ? `validation ${found.metric}` : axis.name;
      const cut = text.lastIndexOf(".") + 1, first = text.slice(0, cut), last = text.slice(cut);
      context.strokeStyle = colours.rule;
      context.lineWidth = 1.2;
      if (flat) line(context, box.left, across[j], box.right, across[j], colours.rule);
      else line(context, across[j], box.top, across[j], box.bottom, colours.rule);
      context.fillStyle = colours.ink;
      context.textBaseline = "alphabetic";
      if (flat) {
        context.textAlign = "left";
        backed(context, fitted(context, text, width - 30), box.left, across[j] - 12);
      } else {
        const wide = (box.right - box.left) / Math.max(axes.length - 1, 1) - 10;
        context.textAlign = j === axes.length - 1 ? "right" : j === 0 ? "left" : "center";
        const x = j === axes.length - 1 ? width - 4 : j === 0 ? 4 : across[j];
        context.fillStyle = colours.quiet;
        context.fillText(fitted(context, first, wide), x, 14);
        context.fillStyle = colours.ink;
        context.fillText(fitted(context, last, wide), x, 30);
      }
      const room = flat ? (box.right - box.left) / 60 : (box.bottom - box.top) / 55;
      let ticks = axis.ticks(Math.max(2, Math.round(room)));
      if (flat && axis.ordinal && ticks.length > room * 1.5) ticks = ticks.filter((_, i) => i % Math.ceil(ticks.length / room) === 0);
      for (const [value, name] of ticks) tick(context, axis.ordinal ? axis.at(value) : axis.at(value, members[0]) === ABSENT_AT && axis.score ? null : axis.at(value), name, j);
      if (axis.absent) tick(context, ABSENT_AT, axis.score ? "off" : "absent", j);
    });
  }

  function tick(context, at, text, j) {
    if (at === null || at === undefined || at > 1.001) return;
    const place = along(at), shown = shortened(text, 18);
    context.fillStyle = colours.ink;
    if (flat) {
      line(context, place, across[j] - 3, place, across[j] + 3, colours.rule);
      context.textAlign = "center";
      context.textBaseline = "top";
      const half = context.measureText(shown).width / 2;
      backed(context, shown, Math.max(half + 1, Math.min(box.right + 12 - half, place)), across[j] + 6);
    } else {
      line(context, across[j] - 3, place, across[j] + 3, place, colours.rule);
      context.textAlign = "right";
      context.textBaseline = "middle";
      backed(context, shown, across[j] - 7, place);
    }
  }

  function backed(context, text, x, y) {
    context.lineWidth = 3.5;
    context.lineJoin = "round";
    context.strokeStyle = colours.paper;
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }

  // Of many members the grey lines would take long to draw at each step of a drag: they are drawn once for a size.
  const grey = { canvas: document.createElement("canvas"), drawn: "" };
  function allInGrey(like) {
    const { width, height } = like.canvas, drawn = `${width} ${height} ${colours.faint}`;
    if (grey.drawn === drawn) return grey.canvas;
    Object.assign(grey.canvas, { width, height });
    const context = grey.canvas.getContext("2d");
    context.setTransform(like.getTransform());
    context.strokeStyle = colours.faint;
    context.globalAlpha = Math.max(0.2, strong(members.length) * 0.6);
    members.forEach((row) => strand(context, row));
    grey.drawn = drawn;
    return grey.canvas;
  }

  const strong = (count) => Math.max(0.14, Math.min(0.9, 70 / Math.max(count, 1)));

  const plot = chart(host, {
    label: "Choices of each network, as parallel coordinates",
    describedBy: id,
    height,
    draw(context, width, tall) {
      prepare(context, width, tall);
      const inside = members.filter((row) => state.within[row]);
      if (inside.length < members.length) context.drawImage(allInGrey(context), 0, 0, width, tall);
      context.globalAlpha = strong(inside.length);
      context.lineWidth = inside.length > 300 ? 1 : 1.5;
      for (const row of inside.reverse()) {
        context.strokeStyle = rankColour(place.get(row) / Math.max(1, members.length - 1));
        context.setLineDash(hasDiverged(row) ? [3, 3] : []);
        strand(context, row);
      }
      context.setLineDash([]);
      context.globalAlpha = 1;
      labels(context, width);
    },
    over(context) {
      const lit = meant(state.lit);
      for (const row of new Set([...state.selected, ...lit])) {
        const chosen = state.selected.has(row), style = styleOf(row);
        context.setLineDash(chosen ? DASHES[style] : []);
        context.lineWidth = lit.includes(row) ? 3.5 : 2;
        context.strokeStyle = chosen ? colours.apart[style] : colours.ink;
        strand(context, row);
      }
      context.setLineDash([]);
    },
    places: () => members.map((row) => {
      const [x, y] = spot(axes[axes.length - 1], axes.length - 1, row);
      const drawn = shown.map((axis) => `${axis.name} ${axis.column.values[row] === null ? "absent" : number(axis.column.values[row], 3)}`);
      return { x, y, row, lines: [`${ids[row]}, ${found.metric} ${number(scores[row])}${hasDiverged(row) ? ", diverged" : ""}`, ...drawn] };
    }),
    near: nearest,
  });

  // The member whose line is nearest to a point, among those within the limits.
  function nearest(x, y) {
    if (!box) return -1;
    const at = flat ? y : x, by = flat ? x : y;
    let j = across.findIndex((each) => each > at);
    j = j < 0 ? across.length - 1 : Math.max(1, j);
    const from = Math.max(0, Math.min(1, (at - across[j - 1]) / (across[j] - across[j - 1])));
    const eased = from * from * (3 - 2 * from);
    let best = -1, least = 12;
    members.forEach((row, i) => {
      if (!state.within[row]) return;
      const k = flat ? 0 : 1;
      const away = Math.abs(spot(axes[j - 1], j - 1, row)[k] * (1 - eased) + spot(axes[j], j, row)[k] * eased - by);
      if (away < least) [best, least] = [i, away];
    });
    return best;
  }

  // Strips on the axes that take a drag, with what is held on each.
  const strips = axes.map((axis, j) => {
    const held = el("div", { class: "held", hidden: true });
    const strip = el("div", { class: "brush", "aria-hidden": "true", title: "" }, held);
    let from = null;
    const placed = (event) => {
      const area = strip.getBoundingClientRect();
      return flat ? event.clientX - area.left : event.clientY - area.top;
    };
    strip.addEventListener("pointerdown", (event) => {
      from = placed(event);
      strip.setPointerCapture(event.pointerId);
    });
    strip.addEventListener("pointermove", (event) => {
      if (from === null) return plot.canvas.dispatchEvent(new PointerEvent("pointermove", event));
      const to = placed(event);
      if (Math.abs(to - from) > 3) keep(axis, from, to);
    });
    const end = (event) => {
      if (from !== null && Math.abs(placed(event) - from) <= 3 && event.type === "pointerup") {
        state.limits.delete(axis.name);
        changed();
      }
      from = null;
    };
    strip.addEventListener("pointerup", end);
    strip.addEventListener("pointercancel", end);
    strip.addEventListener("pointerleave", () => plot.canvas.dispatchEvent(new PointerEvent("pointerleave")));
    host.append(strip);
    return { axis, j, strip, held };
  });

  const offset = () => (flat ? box.left - 44 : box.top - 10);
  const length = () => (flat ? box.right - box.left + 58 : box.bottom - box.top + 60);

  function keep(axis, from, to) {
    const ends = [from, to].sort((a, b) => a - b).map((each) => each + offset());
    const shares = ends.map((each) => (flat ? (each - box.left) / (box.right - box.left) : (box.bottom - each) / (box.bottom - box.top))).sort((a, b) => a - b);
    const lost = along(ABSENT_AT), absent = axis.absent && lost >= ends[0] - 8 && lost <= ends[1] + 8;
    const inside = shares.map((share) => Math.max(0, Math.min(1, share)));
    if (axis.ordinal) {
      const options = axis.options.filter((value) => axis.at(value) >= shares[0] - axis.spread && axis.at(value) <= shares[1] + axis.spread);
      state.limits.set(axis.name, { options: new Set(options), absent });
    } else if (shares[1] < 0) state.limits.set(axis.name, { low: Infinity, high: -Infinity, absent });
    else {
      const [low, high] = inside.map((share) => (share <= 0 ? axis.back(0) : share >= 1 ? axis.back(1) : axis.back(share))).sort((a, b) => a - b);
      state.limits.set(axis.name, { low: inside.includes(0) || inside.includes(1) ? loosened(axis, low, -1) : low, high: inside.includes(0) || inside.includes(1) ? loosened(axis, high, 1) : high, absent });
    }
    changed();
  }

  // At an end of the axis rounding must not leave out the last value.
  const loosened = (axis, value, sign) => ([axis.low, axis.high].some((end) => Math.abs(end - value) <= 1e-9 * Math.abs(end)) ? value + sign * Math.abs(value) * 1e-6 : value);

  function changed() {
    inputs.forEach((fill) => fill());
    narrow();
  }

  function showHeld() {
    if (!box) return;
    for (const { axis, j, strip, held } of strips) {
      strip.classList.toggle("flat", flat);
      const half = 15;
      Object.assign(strip.style, flat
        ? { left: `${offset()}px`, width: `${length()}px`, top: `${across[j] - half}px`, height: `${2 * half}px` }
        : { top: `${offset()}px`, height: `${length()}px`, left: `${across[j] - half}px`, width: `${2 * half}px` });
      const limit = state.limits.get(axis.name);
      held.hidden = !limit;
      if (!limit) continue;
      const places = axis.ordinal ? [...limit.options].map((value) => along(axis.at(value))) : limit.low <= limit.high ? [limit.low, limit.high].map((value) => along(Math.max(0, Math.min(1, axis.score ? (axis.at(value, -1) === ABSENT_AT ? edge(axis, value) : axis.at(value, -1)) : axis.at(value))))) : [];
      if (limit.absent) places.push(along(ABSENT_AT));
      const [first, last] = [Math.min(...places), Math.max(...places)].map((each) => each - offset());
      held.hidden = !places.length;
      const pad = axis.ordinal || first === last ? 7 : 0;
      Object.assign(held.style, flat
        ? { left: `${first - pad}px`, width: `${last - first + 2 * pad}px`, top: "5px", height: `${2 * half - 10}px` }
        : { top: `${first - pad}px`, height: `${last - first + 2 * pad}px`, left: "7px", width: `${2 * half - 14}px` });
    }
    const inside = members.filter((row) => state.within[row]);
    left.textContent = inside.length === members.length ? "" : `${plural(inside.length, "network")} of ${number(members.length)}${inside.length ? `, the best ${ids[inside[0]]} with ${number(scores[inside[0]])}` : ""}`;
  }
  const edge = (axis, value) => ((value <= axis.low) === found.maximize ? 0 : 1);

  // The same limits by keyboard.
  const inputs = [];
  function limitRow(axis) {
    const name = axis.score ? `validation ${found.metric}` : axis.name;
    const none = () => (axis.ordinal ? { options: new Set(axis.options), absent: axis.absent } : { low: -Infinity, high: Infinity, absent: axis.absent });
    const set = (change) => {
      const limit = state.limits.get(axis.name) ?? none();
      change(limit);
      state.limits.set(axis.name, limit);
      changed();
    };
    const parts = [];
    if (axis.ordinal) {
      for (const value of axis.options) {
        const box = el("input", { type: "checkbox", "aria-label": `${name}: ${number(value, 3)}`, onchange: () => set((limit) => (box.checked ? limit.options.add(value) : limit.options.delete(value))) });
        inputs.push(() => { box.checked = state.limits.get(axis.name)?.options.has(value) ?? true; });
        parts.push(el("label", {}, box, number(value, 3)));
      }
    } else {
      for (const [end, word] of [["low", "from"], ["high", "to"]]) {
        const open = end === "low" ? -Infinity : Infinity;
        const box = el("input", { type: "number", step: "any", "aria-label": `${name} ${word}`, placeholder: String(Number(axis[end].toPrecision(3))), onchange: () => set((limit) => { limit[end] = box.value === "" ? open : Number(box.value); }) });
        inputs.push(() => { const held = state.limits.get(axis.name)?.[end]; box.value = Number.isFinite(held) ? Number(held.toPrecision(4)) : ""; });
        parts.push(el("label", {}, word, box));
      }
    }
    if (axis.absent) {
      const box = el("input", { type: "checkbox", "aria-label": `${name}: ${axis.score ? "off the scale" : "absent"}`, onchange: () => set((limit) => { limit.absent = box.checked; }) });
      inputs.push(() => { box.checked = state.limits.get(axis.name)?.absent ?? true; });
      parts.push(el("label", {}, box, axis.score ? "off the scale" : "absent"));
    }
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, el("div", { class: "controls" }, parts)));
  }
  made.append(el("details", {}, el("summary", {}, "Limits in numbers"), wide("Limits in numbers", el("table", { "aria-label": "Limits in numbers" }, el("tbody", {}, axes.map(limitRow))))));
  inputs.forEach((fill) => fill());
  made.append(el("p", { class: "small" }, el("a", { href: "#leaderboard" }, "The leaderboard"), " has the same numbers; it can show the networks within the limits alone."));

  plot.resized = () => requestAnimationFrame(showHeld); // after it is drawn
  listen((what) => {
    if (what === "within") { plot.draw(); showHeld(); } else plot.again();
  });
}
