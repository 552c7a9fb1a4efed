// The limits of choices as fields, for the keyboard. Returns the table, and what fills the fields with the limits there are.
function limitFields(axes, changed) {
  const inputs = [];
  function limitRow(axis) {
    const name = axis.score ? `validation ${found.metric}` : axis.name;
    const none = () =>
      axis.ordinal
        ? { options: new Set(axis.options), absent: axis.absent }
        : { low: -Infinity, high: Infinity, absent: axis.absent };
    const set = (change) => {
      const limit = state.limits.get(axis.name) ?? none();
      change(limit);
      state.limits.set(axis.name, limit);
      changed();
    };
    const parts = [];
    if (axis.ordinal) {
      for (const value of axis.options) {
        const box = el("input", {
          type: "checkbox",
          "aria-label": `${name}: ${number(value, 3)}`,
          onchange: () => set((limit) => (box.checked ? limit.options.add(value) : limit.options.delete(value))),
        });
        inputs.push(() => {
          box.checked = state.limits.get(axis.name)?.options.has(value) ?? true;
        });
        parts.push(el("label", {}, box, number(value, 3)));
      }
    } else {
      for (const [end, word] of [
        ["low", "from"],
        ["high", "to"],
      ]) {
        const open = end === "low" ? -Infinity : Infinity;
        const box = el("input", {
          type: "number",
          step: "any",
          "aria-label": `${name} ${word}`,
          placeholder: String(Number(axis[end].toPrecision(3))),
          onchange: () =>
            set((limit) => {
              limit[end] = box.value === "" ? open : Number(box.value);
            }),
        });
        inputs.push(() => {
          const held = state.limits.get(axis.name)?.[end];
          box.value = Number.isFinite(held) ? Number(held.toPrecision(4)) : "";
        });
        parts.push(el("label", {}, word, box));
      }
    }
    if (axis.absent) {
      const box = el("input", {
        type: "checkbox",
        "aria-label": `${name}: ${axis.score ? "off the scale" : "absent"}`,
        onchange: () =>
          set((limit) => {
            limit.absent = box.checked;
          }),
      });
      inputs.push(() => {
        box.checked = state.limits.get(axis.name)?.absent ?? true;
      });
      parts.push(el("label", {}, box, axis.score ? "off the scale" : "absent"));
    }
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, el("div", { class: "controls" }, parts)));
  }

  const fill = () => inputs.forEach((each) => each());
  fill();
  const title = "Limits in numbers";
  const table = el("table", { "aria-label": title }, el("tbody", {}, axes.map(limitRow)));
  return { fields: el("details", {}, el("summary", {}, title), wide(title, table)), fill };
}
