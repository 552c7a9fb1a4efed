// Scales, from values to places, and the frame of a plot.
function quantile(sorted, share) {
  if (!sorted.length) return NaN;
  const at = share * (sorted.length - 1),
    low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}
const sortedNumbers = (list) => Float64Array.from(list.filter((value) => typeof value === "number")).sort();

// The ends between which all values lie, but for those far from most: beyond three times the middle half of them.
function limitsOf(list) {
  const sorted = sortedNumbers(list);
  if (!sorted.length) return [0, 1];
  const low = quantile(sorted, 0.25),
    high = quantile(sorted, 0.75),
    reach = 3 * (high - low);
  const inside = reach > 0 ? sorted.filter((value) => value >= low - reach && value <= high + reach) : sorted;
  return [inside[0], inside[inside.length - 1]];
}

// Values that are spread evenly in their logarithm rather than as they are belong on a logarithmic axis.
const isLog = (list) => {
  const sorted = sortedNumbers(list),
    low = sorted[0],
    high = sorted[sorted.length - 1],
    middle = quantile(sorted, 0.5);
  if (!(low > 0) || high / low < 5) return false;
  const even = Math.abs((middle - low) / (high - low) - 0.5),
    bent = Math.abs(Math.log(middle / low) / Math.log(high / low) - 0.5);
  return bent < even / 2;
};

function scale(low, high, from, to, { log = false, dates = false, whole = false } = {}) {
  if (!(high > low)) {
    const room = Math.abs(low) * 0.05 || 0.5;
    [low, high] = log ? [low / 1.1, low * 1.1] : [low - room, low + room];
  }
  const bent = log ? Math.log10 : (value) => value,
    back = log ? (value) => 10 ** value : (value) => value;
  const [a, b] = [bent(low), bent(high)];
  const of = (value) => from + ((bent(value) - a) / (b - a)) * (to - from);
  of.back = (spot) => back(a + ((spot - from) / (to - from)) * (b - a));
  of.low = low;
  of.high = high;
  of.ticks = (count) =>
    dates ? dateTicks(low, high, count) : log ? logTicks(low, high, count) : evenTicks(low, high, count, whole);
  return of;
}

function evenTicks(low, high, count, whole) {
  const rough = Math.max((high - low) / Math.max(count, 1), whole ? 1 : 0),
    power = 10 ** Math.floor(Math.log10(rough));
  const step = (whole ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10])
    .map((each) => each * power)
    .find((each) => each >= rough * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0));
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) {
    const value = i * step,
      large = Math.abs(value) >= 1e6 || (step < 1e-5 && value !== 0);
    ticks.push([
      value,
      large
        ? number(value, 3)
        : signed(
            Number(value.toFixed(digits)).toLocaleString("en-US", {
              minimumFractionDigits: Math.min(digits, 10),
              maximumFractionDigits: 10,
            }),
          ),
    ]);
  }
  return ticks;
}

function logTicks(low, high, count) {
  const decades = Math.log10(high / low);
  const each = decades > 2.2 ? [1] : decades > 0.9 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const times of each) {
      const value = times * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push([value, number(value, 2)]);
    }
  }
  const every = Math.ceil(ticks.length / Math.max(count + 1, 2));
  return ticks.length < 2
    ? [
        [low, number(low, 2)],
        [high, number(high, 2)],
      ]
    : ticks.filter((_, i) => i % every === 0);
}

const SPANS = [1, 10, 60, 600, 3600, 10800, 43200, 86400, 172800, 604800].map((seconds) => seconds * 1000);
function dateTicks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1),
    day = 86400000;
  const at = (time) => new Date(time).toISOString();
  const ticks = [];
  const span = SPANS.find((each) => each >= rough);
  if (span) {
    for (let time = Math.ceil(low / span) * span; time <= high; time += span) {
      ticks.push([time, span < day ? at(time).slice(11, span < 60000 ? 19 : 16) : at(time).slice(0, 10)]);
    }
    return ticks;
  }
  const months = [1, 3, 6, 12, 24, 60, 120, 240, 600, 1200].find((each) => each * 30.4 * day >= rough) ?? 6000;
  const first = new Date(low);
  for (let month = first.getUTCFullYear() * 12 + first.getUTCMonth(); ; month += 1) {
    const time = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (time > high) return ticks;
    if (time >= low && month % months === 0) ticks.push([time, at(time).slice(0, months >= 12 ? 4 : 7)]);
  }
}

// Draw the frame of a plot: quiet lines at the ticks, and what the axes are. `box`: left, top, right, bottom.
function frame(context, box, x, y, labels) {
  context.font = colours.font;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const [value, text] of y.ticks(tickCount(box.bottom - box.top))) {
    const at = Math.round(y(value)) + 0.5;
    if (at < box.top - 1 || at > box.bottom + 1) continue;
    line(context, box.left, at, box.right, at, colours.line);
    context.fillStyle = colours.quiet;
    context.fillText(text, box.left - 8, at);
  }
  context.textBaseline = "top";
  context.textAlign = "center";
  for (const [value, text] of x.ticks(Math.max(2, Math.round((box.right - box.left) / 90)))) {
    const at = Math.round(x(value)) + 0.5;
    line(context, at, box.bottom, at, box.bottom + 4, colours.rule);
    context.fillStyle = colours.quiet;
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.max(box.left - 30 + half, Math.min(box.right + 8 - half, at)), box.bottom + 8);
  }
  line(context, box.left, box.bottom + 0.5, box.right, box.bottom + 0.5, colours.rule);
  context.fillStyle = colours.ink;
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
  context.fillText(fitted(context, labels.y, box.right - 4), 2, box.top - 12);
  context.textAlign = "right";
  context.fillText(fitted(context, labels.x, box.right - box.left), box.right, box.bottom + 38);
}

const tickCount = (length) => Math.max(2, Math.round(length / 56));

// The box of a plot, with room for the ticks of y.
function boxOf(context, width, height, y, { right = 12, below = 44, above = 28 } = {}) {
  const wide = Math.max(
    ...y.ticks(tickCount(height - below - above)).map(([, text]) => context.measureText(text).width),
    12,
  );
  return { left: Math.ceil(wide) + 12, top: above, right: width - right, bottom: height - below };
}

function line(context, x1, y1, x2, y2, colour) {
  context.strokeStyle = colour;
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

function fitted(context, text, wide) {
  let shown = String(text),
    most = shown.length;
  while (most > 2 && context.measureText(shown).width > wide) shown = shortened(String(text), (most -= 1));
  return shown;
}

// Draw a line through points, left out where a value is missing.
function path(context, xs, ys) {
  let drawn = false;
  context.beginPath();
  xs.forEach((x, i) => {
    if (ys[i] === null || !Number.isFinite(ys[i]) || !Number.isFinite(x)) {
      drawn = false;
      return;
    }
    if (drawn) context.lineTo(x, ys[i]);
    else context.moveTo(x, ys[i]);
    drawn = true;
  });
  context.stroke();
}

function clipped(context, box, body) {
  context.save();
  context.beginPath();
  context.rect(box.left, box.top - 2, box.right - box.left + 1, box.bottom - box.top + 3);
  context.clip();
  body();
  context.restore();
}
