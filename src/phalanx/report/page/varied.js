// What members drew, each choice as an axis, and what became of them as the last.
const ABSENT = null,
  ABSENT_AT = -0.13;

// One axis: where a value is, from 0 to 1, below that what has none; `ticks` as [value, text], `back` from a place to
// a value.
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
    const places = new Map(
      sorted.map((value, i) => [
        value,
        sorted.length === 1 ? 0.5 : axis.spread + (i / (sorted.length - 1)) * (1 - 2 * axis.spread),
      ]),
    );
    axis.options = sorted;
    axis.at = (value) => (value === ABSENT ? ABSENT_AT : places.get(value));
    axis.ticks = () => sorted.map((value) => [value, number(value, 3)]);
    return axis;
  }
  const log = isLog(held),
    sorted = sortedNumbers(held);
  const of = scale(sorted[0], sorted[sorted.length - 1], 0, 1, { log });
  return Object.assign(axis, {
    log,
    low: of.low,
    high: of.high,
    at: (value) => (value === ABSENT ? ABSENT_AT : of(value)),
    back: of.back,
    ticks: of.ticks,
    spread: 0,
  });
}

let axesOfChoices = null;
function varied() {
  axesOfChoices ??= found.board
    .filter((column) => column.part === "choice")
    .map((column) => axisOf(column, members))
    .filter((axis) => axis.different > 1);
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
  return {
    name: column.name,
    column,
    absent,
    score: true,
    low,
    high,
    back: turned.back,
    ticks: turned.ticks,
    spread: 0,
    at: (value, row) => (off(value, row) ? ABSENT_AT : turned(value)),
  };
}

const holds = (axis, limit, value, row) => {
  const at = axis.at(value, row);
  if (at === ABSENT_AT) return limit.absent;
  return axis.ordinal ? limit.options.has(value) : value >= limit.low && value <= limit.high;
};

const MOST_AXES = 12;

// What matters most stands next to what ranks.
function byImportance(axes) {
  const order = Object.keys(found.importances),
    least = order.length;
  const place = ({ name }) => (order.includes(name) ? order.indexOf(name) : least);
  return [...axes].sort((a, b) => place(b) - place(a)).slice(-MOST_AXES);
}
