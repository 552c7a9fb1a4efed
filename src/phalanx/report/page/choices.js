// The choices of all members, and which members lie within limits.
function choices(section) {
  const score = axisOfScore(),
    shown = byImportance(varied()),
    axes = [...shown, ...(score ? [score] : [])];
  if (!shown.length || members.length < 2 || !score) return section.remove();
  const byName = new Map(axes.map((axis) => [axis.name, axis]));
  const { id, host, made } = figure(section, null, sentence());
  let top = 100;
  const share = el("input", {
    type: "range",
    min: 1,
    max: 100,
    value: 100,
    "aria-label": "show the best, in percent",
    oninput: () => best(Number(share.value)),
  });
  const told = el("output", {}, " 100%"),
    left = el("span", { role: "status", class: "quiet" });
  const clear = el(
    "button",
    {
      type: "button",
      class: "button",
      onclick: () => {
        state.limits.clear();
        share.value = 100;
        best(100);
      },
    },
    "Clear limits",
  );
  host.before(el("div", { class: "controls" }, el("label", {}, "Best", share, told), clear, left));
  const ramp = el("span", { class: "ramp", "aria-hidden": "true" });
  host.after(el("div", { class: "controls small quiet" }, el("span", {}, "best ", ramp, " worst by rank")));

  const { plot, view } = parallel(host, id, axes);
  const showHeld = brushes(host, axes, plot, view, narrow);
  const { fields, fill } = limitFields(axes, narrow);
  const link = el("a", { href: "#leaderboard" }, "The leaderboard");
  made.append(
    fields,
    el("p", { class: "small" }, link, " has the same numbers; it can show the networks within the limits alone."),
  );

  function sentence() {
    const off = members.filter((row) => score.at(scores[row], row) === ABSENT_AT).length,
      gone = members.filter(hasDiverged).length;
    return [
      "Each line is a network, each axis a choice, the last one what ranks, with the best at its end",
      Object.keys(found.importances).length ? ", and next to it what mattered most." : ".",
      shown.length < varied().length ? ` Of ${number(varied().length)} choices ${number(shown.length)} are shown.` : "",
      " Drag along an axis to keep those that pass there.",
      off
        ? ` ${plural(off, "network")} ${off === 1 ? "stands" : "stand"} off the scale${gone ? ` (${number(gone)} diverged)` : ""}.`
        : "",
    ].join("");
  }

  function best(percent) {
    top = percent;
    told.textContent = ` ${top}%`;
    narrow();
  }

  function narrow() {
    const most = Math.ceil((top / 100) * members.length);
    const keeps = (row) =>
      [...state.limits].every(([name, limit]) =>
        holds(byName.get(name), limit, byName.get(name).column.values[row], row),
      );
    members.forEach((row, order) => {
      state.within[row] = order < most && keeps(row) ? 1 : 0;
    });
    fill();
    const inside = members.filter((row) => state.within[row]),
      first = inside[0];
    const leader = inside.length ? `, the best ${ids[first]} with ${number(scores[first])}` : "";
    left.textContent =
      inside.length === members.length
        ? ""
        : `${plural(inside.length, "network")} of ${number(members.length)}${leader}`;
    tell("within");
  }

  plot.resized = () => requestAnimationFrame(showHeld); // after it is drawn
  listen((what) => {
    if (what !== "within") return plot.again();
    plot.draw();
    showHeld();
  });
}
