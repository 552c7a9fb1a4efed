// How numbers read, and elements whose text is always set as text.
const NONE = "none";

function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return signed(value.toLocaleString("en-US"));
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return signed(value.toExponential(Math.max(digits - 2, 0)).replace("e+", "e"));
  if (size >= 10 ** digits) return signed(Math.round(value).toLocaleString("en-US"));
  return signed(String(Number(value.toPrecision(digits))));
}

const signed = (text) => text.replace("-", "−").replace("e-", "e−");
const percent = (share) => `${share > 0.995 && share < 1 ? (100 * share).toFixed(2) : Math.round(100 * share)}%`;
const plural = (count, what) => `${number(count)} ${what}${count === 1 ? "" : "s"}`;

// A column of numbers reads best with as many digits behind the point in every row.
function formatOf(list, significant = 4) {
  const known = list.filter((value) => typeof value === "number");
  const sizes = known.map(Math.abs).filter((size) => size > 0);
  const largest = Math.max(...sizes, 0),
    smallest = Math.min(...sizes, Infinity);
  if (!sizes.length || known.every(Number.isInteger) || largest >= 1e6 || largest < 1e-3 || largest / smallest >= 1e4) {
    return (value) => (value === null ? "" : number(value, 3));
  }
  const middle = sizes.sort((a, b) => a - b)[Math.floor(sizes.length / 2)];
  const digits = Math.max(0, Math.min(6, significant - 1 - Math.floor(Math.log10(middle))));
  return (value) => (value === null ? "" : signed(value.toFixed(digits)));
}

// Make an element: attributes as they are, those that begin with "on" as listeners, children as elements or text.
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  return filled(made, attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

// Make a table behind a toggle, for those who read.
function tableBehind(title, table) {
  return el("details", {}, el("summary", {}, title), wide(title, plainTable(table, title)));
}

const wide = (title, inside) => el("div", { class: "wide", tabindex: 0, role: "region", "aria-label": title }, inside);

function plainTable(table, title) {
  const body = el("tbody");
  const numeric = table.columns.map((_, j) => table.rows.some((row) => typeof row[j] === "number"));
  const formats = table.columns.map((_, j) => (numeric[j] ? formatOf(table.rows.map((row) => row[j])) : String));
  const shown = (value, j) => (value === null ? NONE : typeof value === "number" ? formats[j](value) : String(value));
  const align = (j) => (numeric[j] ? "number" : "words");
  body.append(
    ...table.rows.map((row) =>
      el(
        "tr",
        {},
        row.map((value, j) => el("td", { class: align(j) }, shown(value, j))),
      ),
    ),
  );
  const head = el(
    "tr",
    {},
    table.columns.map((name, j) => el("th", { scope: "col", class: numeric[j] ? "number" : null }, name)),
  );
  return el("table", { "aria-label": title }, el("thead", {}, head), body);
}

const inOrder = new Intl.Collator("en", { numeric: true }).compare;

// A sentence in which names stand in backticks.
const marked = (text) => text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));
// A name in parts, which may be broken after each point.
const breakable = (name) => name.split(/(?<=[._])/).flatMap((part, i) => (i ? [el("wbr"), part] : [part]));
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const shortened = (text, most) =>
  text.length <= most
    ? text
    : `${text.slice(0, Math.ceil(most / 2) - 1)}…${text.slice(text.length - Math.floor(most / 2))}`;
