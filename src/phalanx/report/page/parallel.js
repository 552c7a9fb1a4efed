// Members as lines across one axis for each choice, the last one what ranks.
// Returns the plot and where the axes are: `view.flat` says that they lie one below the other.
function parallel(host, describedBy, axes) {
  const view = {};
  let box, across, along, flat;

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
      const cut = text.lastIndexOf(".") + 1,
        first = text.slice(0, cut),
        last = text.slice(cut);
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
      if (flat && axis.ordinal && ticks.length > room * 1.5)
        ticks = ticks.filter((_, i) => i % Math.ceil(ticks.length / room) === 0);
      for (const [value, name] of ticks) {
        if (axis.at(value, -1) !== ABSENT_AT) tick(context, axis.at(value, -1), name, j);
      }
      if (axis.absent) tick(context, ABSENT_AT, axis.score ? "off" : "absent", j);
    });
  }

  function tick(context, at, text, j) {
    if (at > 1.001) return;
    const place = along(at),
      shown = shortened(text, 18);
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
    const { width, height } = like.canvas,
      drawn = `${width} ${height} ${colours.faint}`;
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
    describedBy,
    height,
    draw(context, width, tall) {
      prepare(context, width, tall);
      Object.assign(view, { box, across, along, flat });
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
        const chosen = state.selected.has(row),
          style = styleOf(row);
        context.setLineDash(chosen ? DASHES[style] : []);
        context.lineWidth = lit.includes(row) ? 3.5 : 2;
        context.strokeStyle = chosen ? colours.apart[style] : colours.ink;
        strand(context, row);
      }
      context.setLineDash([]);
    },
    places: () =>
      members.map((row) => {
        const [x, y] = spot(axes[axes.length - 1], axes.length - 1, row);
        const drawn = axes
          .slice(0, -1)
          .map(
            (axis) =>
              `${axis.name} ${axis.column.values[row] === null ? "absent" : number(axis.column.values[row], 3)}`,
          );
        return {
          x,
          y,
          row,
          lines: [
            `${ids[row]}, ${found.metric} ${number(scores[row])}${hasDiverged(row) ? ", diverged" : ""}`,
            ...drawn,
          ],
        };
      }),
    near: nearest,
  });

  // The member whose line is nearest to a point, among those within the limits.
  function nearest(x, y) {
    if (!box) return -1;
    const at = flat ? y : x,
      by = flat ? x : y;
    let j = across.findIndex((each) => each > at);
    j = j < 0 ? across.length - 1 : Math.max(1, j);
    const from = Math.max(0, Math.min(1, (at - across[j - 1]) / (across[j] - across[j - 1])));
    const eased = from * from * (3 - 2 * from);
    let best = -1,
      least = 12;
    members.forEach((row, i) => {
      if (!state.within[row]) return;
      const k = flat ? 0 : 1;
      const away = Math.abs(spot(axes[j - 1], j - 1, row)[k] * (1 - eased) + spot(axes[j], j, row)[k] * eased - by);
      if (away < least) [best, least] = [i, away];
    });
    return best;
  }

  return { plot, view };
}
