// The leaderboard: sorted, filtered, and a page of rows at a time.
const PAGE = 50,
  FEW_CHOICES = 6;
const SAID = { valid: "validation", test: "test" };
const said = (name) => {
  const column = columns.get(name);
  return SAID[column.part]
    ? `${SAID[column.part]} ${name.slice(column.part.length + 1).replaceAll("_", " ")}`
    : column.part === "choice"
      ? name
      : name.replaceAll("_", " ");
};

function leaderboard(section) {
  const main = [
    `valid_${found.metric}`,
    `valid_${found.metric}_mean`,
    `valid_${found.metric}_error`,
    `test_${found.metric}`,
  ];
  const others = [...columns.keys()].filter((name) => !["rank", "id", "kind"].includes(name));
  const optional = [...main.filter((name) => columns.has(name)), ...others.filter((name) => !main.includes(name))];
  const choices = varied().map((axis) => axis.name);
  const usual = [...main, "name", "rounds", "stopped", ...choices.slice(0, FEW_CHOICES)];
  const shown = new Set(optional.filter((name) => usual.includes(name)));
  const formats = new Map(
    [...columns].map(([name, column]) => [name, column.number ? formatOf(column.values) : (value) => value ?? ""]),
  );
  const texts = ids.map((_, row) =>
    [...columns.values()]
      .map((column) => column.values[row] ?? "")
      .join(" ")
      .toLowerCase(),
  );
  const bounds = limitsOf(members.map((row) => scores[row]));
  const order = { by: "rank", down: false, page: 0, words: "", only: "all" };

  const count = (kind) => kinds.filter((each) => each === kind).length;
  const plain = count("baseline");
  section.append(
    el(
      "p",
      { class: "says", id: "leaderboard-says" },
      [
        `${plural(members.length, "network")}${plain ? `, ${plural(plain, "plain model")}` : ""} and the ensemble, by validation ${found.metric}`,
        `, ${found.maximize ? "the higher" : "the lower"} the better. Test scores are of those alone that were to be tested, so that nothing was chosen by them.`,
      ].join(""),
    ),
  );

  const words = el("input", {
    type: "search",
    placeholder: "id, name, any value",
    oninput: () => {
      order.words = words.value.toLowerCase();
      again();
    },
  });
  const ways = [
    ["all", "everything"],
    ["member", "networks"],
    ["baseline", "plain models"],
    ["selected", "selected"],
    ["within", "within the limits of Choices"],
  ];
  const only = el(
    "select",
    {
      onchange: () => {
        order.only = only.value;
        again();
      },
    },
    ways.map(([value, text]) => el("option", { value }, text)),
  );
  const counted = el("span", { class: "quiet small", role: "status" });
  section.append(
    el("div", { class: "controls" }, el("label", {}, "Find", words), el("label", {}, "Show", only), chooser(), counted),
  );

  const head = el("tr"),
    body = el("tbody");
  const table = el(
    "table",
    { "aria-label": "Leaderboard", "aria-describedby": "leaderboard-says" },
    el("thead", {}, head),
    body,
  );
  section.append(wide("Leaderboard", table));
  const back = el("button", { type: "button", class: "button", onclick: () => turn(-1) }, "Previous");
  const next = el("button", { type: "button", class: "button", onclick: () => turn(1) }, "Next");
  const where = el("span");
  const pager = el("div", { class: "pager" }, back, where, next);
  section.append(pager);

  let listed = [],
    drawn = new Map(),
    current = -1;

  function chooser() {
    const box = (name) => {
      const input = el("input", {
        type: "checkbox",
        onchange: () => {
          if (input.checked) shown.add(name);
          else shown.delete(name);
          heads();
          rows();
        },
      });
      input.checked = shown.has(name);
      return el("label", { class: "small" }, input, said(name));
    };
    return el("details", {}, el("summary", {}, "Columns"), el("div", { class: "controls" }, optional.map(box)));
  }

  function heads() {
    const all = ["rank", "id", ...optional.filter((name) => shown.has(name))];
    head.replaceChildren(
      el("th", { scope: "col" }, el("span", { class: "unseen" }, "Selected")),
      ...all.map((name) => {
        const sort = order.by === name ? (order.down ? "descending" : "ascending") : "none";
        const button = el("button", { type: "button", onclick: () => by(name) }, breakable(said(name)));
        return el(
          "th",
          { scope: "col", "aria-sort": sort, class: columns.get(name).number ? "number" : null, "data-name": name },
          button,
        );
      }),
    );
  }

  function by(name) {
    const score = ["valid", "test"].includes(columns.get(name).part);
    order.down = order.by === name ? !order.down : score && columns.get(name).values === scores && found.maximize;
    order.by = name;
    order.page = 0;
    heads();
    again();
    head.querySelector(`[data-name="${CSS.escape(name)}"] button`).focus();
  }

  function passes(row) {
    if (order.words && !texts[row].includes(order.words)) return false;
    if (order.only === "selected") return state.selected.has(row);
    if (order.only === "within") return kinds[row] === "member" && state.within[row];
    return order.only === "all" || kinds[row] === order.only;
  }

  function again() {
    const { values: by, number: numeric } = columns.get(order.by),
      sign = order.down ? -1 : 1;
    listed = ids.map((_, row) => row).filter(passes);
    listed.sort((a, b) => {
      const missing = (by[a] === null) - (by[b] === null);
      if (missing || by[a] === null) return missing || a - b;
      return sign * (numeric ? by[a] - by[b] : inOrder(by[a], by[b])) || a - b;
    });
    order.page = Math.max(0, Math.min(order.page, Math.ceil(listed.length / PAGE) - 1));
    rows();
  }

  function turn(step) {
    order.page += step;
    rows();
  }

  function rows() {
    const first = order.page * PAGE,
      pages = Math.max(1, Math.ceil(listed.length / PAGE));
    const part = listed.slice(first, first + PAGE);
    if (!part.includes(current)) current = part[0] ?? -1;
    drawn = new Map(part.map((row) => [row, rowElement(row)]));
    body.replaceChildren(...drawn.values());
    counted.textContent =
      listed.length === ids.length ? "" : `${number(listed.length)} of ${plural(ids.length, "row")}`;
    where.textContent = `Page ${order.page + 1} of ${pages}`;
    back.disabled = order.page === 0;
    next.disabled = order.page >= pages - 1;
    pager.hidden = pages === 1;
    mark();
  }

  function rowElement(row) {
    const box =
      kinds[row] === "baseline"
        ? null
        : el("input", {
            type: "checkbox",
            "aria-label": `select ${ids[row]}`,
            tabindex: row === current ? 0 : -1,
            onchange: () => select(row, box.checked),
            onfocus: () => {
              current = row;
              light(row);
            },
            onblur: () => light(-1),
          });
    const share = found.ensemble[ids[row]];
    const tag =
      kinds[row] === "baseline"
        ? "plain model"
        : share !== undefined && share < 1
          ? `${percent(share)} of the ensemble`
          : null;
    const cells = optional
      .filter((each) => shown.has(each))
      .map((each) => {
        const column = columns.get(each),
          value = column.values[row];
        const text = each === "name" && value === ids[row] ? "" : formats.get(each)(value);
        const track = column.values === scores && value !== null ? trackOf(value) : null;
        return el("td", { class: column.number ? "number" : "words" }, text, track);
      });
    const line = el(
      "tr",
      { class: kinds[row], onpointerenter: () => light(row), onpointerleave: () => light(-1), onkeydown: keys },
      el("td", {}, box),
      el("td", { class: "number" }, String(values("rank")[row])),
      el("th", { scope: "row" }, ids[row], tag && el("span", { class: "tag" }, tag)),
      cells,
    );
    line.addEventListener("click", (event) => {
      if (event.target !== box && box) select(row);
    });
    return line;
  }

  function trackOf(value) {
    const worst = found.maximize ? bounds[0] : bounds[1],
      best = found.maximize ? bounds[1] : bounds[0];
    const share = best === worst ? 1 : Math.max(0, Math.min(1, (value - worst) / (best - worst)));
    const inside = el("i");
    inside.style.width = `${(100 * (0.04 + 0.96 * share)).toFixed(1)}%`;
    return el("span", { class: "track", "aria-hidden": "true" }, inside);
  }

  // One row can be reached by Tab, the others from it by the arrow keys.
  function keys(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const boxes = [...body.querySelectorAll("input")],
      at = boxes.indexOf(event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    const to = boxes[Math.max(0, Math.min(boxes.length - 1, at + step))];
    boxes[at].tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  }

  function mark() {
    const lit = new Set([state.lit, ...meant(state.lit)]);
    for (const [row, element] of drawn) {
      element.classList.toggle("lit", lit.has(row));
      const box = element.querySelector("input");
      if (box)
        box.checked =
          kinds[row] === "ensemble"
            ? voices.length > 0 && voices.every((voice) => state.selected.has(voice))
            : state.selected.has(row);
    }
  }

  listen((what) => {
    if ((what === "within" && order.only === "within") || (what === "selected" && order.only === "selected")) again();
    else if (what !== "within") mark();
  });
  heads();
  again();
}
