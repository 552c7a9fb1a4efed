// Strips on the axes that take a drag, with what is held on each. Returns what shows the limits that there are.
function brushes(host, axes, plot, view, changed) {
  const HALF = 15; // pixels of a strip on each side of its axis
  const before = () => (view.flat ? view.box.left - 44 : view.box.top - 10);
  const length = () => (view.flat ? view.box.right - view.box.left + 58 : view.box.bottom - view.box.top + 60);
  const strips = axes.map((axis) => {
    const held = el("div", { class: "held", hidden: true });
    const strip = el("div", { class: "brush", "aria-hidden": "true" }, held);
    let from = null;
    const placed = (event) => {
      const area = strip.getBoundingClientRect();
      return view.flat ? event.clientX - area.left : event.clientY - area.top;
    };
    strip.addEventListener("pointerdown", (event) => {
      from = placed(event);
      strip.setPointerCapture(event.pointerId);
    });
    strip.addEventListener("pointermove", (event) => {
      if (from === null) plot.canvas.dispatchEvent(new PointerEvent("pointermove", event));
      else if (Math.abs(placed(event) - from) > 3) keep(axis, from, placed(event));
    });
    strip.addEventListener("pointerup", (event) => {
      if (from !== null && Math.abs(placed(event) - from) <= 3) {
        state.limits.delete(axis.name);
        changed();
      }
      from = null;
    });
    strip.addEventListener("pointercancel", () => (from = null));
    strip.addEventListener("pointerleave", () => plot.canvas.dispatchEvent(new PointerEvent("pointerleave")));
    host.append(strip);
    return { axis, strip, held };
  });

  function keep(axis, from, to) {
    const { box, along, flat } = view;
    const ends = [from, to].map((each) => each + before()).sort((a, b) => a - b);
    const share = (at) =>
      flat ? (at - box.left) / (box.right - box.left) : (box.bottom - at) / (box.bottom - box.top);
    const [first, last] = ends.map(share).sort((a, b) => a - b);
    const lost = along(ABSENT_AT);
    const absent = axis.absent && lost >= ends[0] - 8 && lost <= ends[1] + 8;
    state.limits.set(axis.name, { ...part(axis, first, last), absent });
    changed();
  }

  // What an axis holds between two shares of it; rounding must not leave out a value at its end.
  function part(axis, first, last) {
    if (axis.ordinal) {
      const inside = (value) => axis.at(value) >= first - axis.spread && axis.at(value) <= last + axis.spread;
      return { options: new Set(axis.options.filter(inside)) };
    }
    if (last < 0 || first > 1) return { low: Infinity, high: -Infinity };
    const [low, high] = [Math.max(first, 0), Math.min(last, 1)].map(axis.back).sort((a, b) => a - b);
    return { low: low - 1e-9 * Math.abs(low), high: high + 1e-9 * Math.abs(high) };
  }

  const along = (from, to) => (view.flat ? { left: from, width: to - from } : { top: from, height: to - from });
  const beside = (from, to) => (view.flat ? { top: from, height: to - from } : { left: from, width: to - from });
  function put(element, ...where) {
    for (const [name, pixels] of Object.entries(Object.assign({}, ...where))) element.style[name] = `${pixels}px`;
  }

  return () => {
    strips.forEach(({ axis, strip, held }, j) => {
      strip.classList.toggle("flat", view.flat);
      put(strip, along(before(), before() + length()), beside(view.across[j] - HALF, view.across[j] + HALF));
      const limit = state.limits.get(axis.name),
        places = limit ? placesOf(axis, limit) : [];
      held.hidden = !places.length;
      const ends = [Math.min(...places) - before(), Math.max(...places) - before()];
      const pad = axis.ordinal || ends[0] === ends[1] ? 7 : 0;
      if (places.length) put(held, along(ends[0] - pad, ends[1] + pad), beside(7, 2 * HALF - 7));
    });
  };

  function placesOf(axis, limit) {
    const inside = (value) => axis.at(Math.max(axis.low, Math.min(axis.high, value)), -1);
    const shares = axis.ordinal
      ? [...limit.options].map(axis.at)
      : limit.low <= limit.high
        ? [limit.low, limit.high].map(inside)
        : [];
    return [...shares, ...(limit.absent ? [ABSENT_AT] : [])].map(view.along);
  }
}
