// A canvas that redraws when its size or the colours change, and whose places can be reached by pointer and by keys.
const charts = new Set();
let waiting = 0;

function repaint() {
  waiting ||= requestAnimationFrame(() => {
    waiting = 0;
    charts.forEach((chart) => chart.paint());
  });
}

let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = [
    "ink",
    "paper",
    "quiet",
    "line",
    "rule",
    "panel",
    "main",
    "other",
    "faint",
    "band",
    "shade",
    "best",
    "middle",
    "worst",
  ];
  colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  colours.apart = TOLD_APART.map((name) => style.getPropertyValue(name).trim());
  colours.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  colours.ramp = ramp();
}

// Colours by rank, the best first: from blue over grey to orange, told apart by colour-blind readers too.
function ramp() {
  const stops = [colours.best, colours.middle, colours.worst].map((hex) =>
    [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)),
  );
  return Array.from({ length: 64 }, (_, i) => {
    const at = (i / 63) * 2,
      from = Math.min(Math.floor(at), 1),
      share = at - from;
    return `rgb(${stops[from].map((value, k) => Math.round(value + share * (stops[from + 1][k] - value)))})`;
  });
}
const rankColour = (share) => colours.ramp[Math.min(63, Math.max(0, Math.round(63 * share)))];

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readColours();
  charts.forEach((chart) => chart.draw());
});

// On paper everything is light, and there is no frame to wait for.
matchMedia("print").addEventListener("change", () => {
  readColours();
  charts.forEach((chart) => {
    chart.draw();
    chart.paint();
  });
});

const tip = document.getElementById("tip"),
  told = document.getElementById("told");
function showTip(lines, x, y, aloud) {
  tip.textContent = lines.join("\n");
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(innerHeight - box.height - 4, y + 12))}px`;
  if (aloud) told.textContent = lines.join(", ");
}
const hideTip = () => {
  tip.hidden = true;
};

// `draw(context, width, height)` draws what stays, `over` what changes with the pointer; `height(width)` in pixels.
// `places()` are {x, y, lines, row}: what is told there, and the row of the leaderboard that it is about, if any.
function chart(host, { label, describedBy, height, draw, over, places, near }) {
  const canvas = el("canvas", { role: "img", "aria-label": label, "aria-describedby": describedBy, tabindex: 0 });
  const still = document.createElement("canvas");
  let width = 0,
    tall = 0,
    stale = true,
    reached = null,
    at = -1;
  host.append(canvas);

  function fit(target) {
    const ratio = window.devicePixelRatio || 1;
    if (target.width !== Math.round(width * ratio) || target.height !== Math.round(tall * ratio)) {
      target.width = Math.round(width * ratio);
      target.height = Math.round(tall * ratio);
    }
    const context = target.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, tall);
    context.font = colours.font;
    return context;
  }

  const self = {
    canvas,
    draw() {
      stale = true;
      repaint();
    },
    paint() {
      if (!width) return;
      if (stale) {
        draw(fit(still), width, tall);
        stale = false;
        reached = null;
        self.dirty = true;
      }
      if (!self.dirty) return;
      self.dirty = false;
      const context = fit(canvas);
      context.drawImage(still, 0, 0, width, tall);
      over?.(context, width, tall);
      const spot = at >= 0 ? spots()[at] : null;
      if (spot) ring(context, spot.x, spot.y);
    },
    again() {
      self.dirty = true;
      repaint();
    },
    moved() {
      reached = null;
    },
    dirty: true,
  };

  const spots = () => (reached ??= places ? places() : []);

  function nearest(x, y) {
    if (near) return near(x, y);
    let best = -1,
      least = 20 ** 2;
    spots().forEach((spot, i) => {
      const away = (spot.x - x) ** 2 + (spot.y - y) ** 2;
      if (away < least) [best, least] = [i, away];
    });
    return best;
  }

  function reach(i, aloud, event) {
    at = i;
    const spot = spots()[i];
    if (!spot) {
      hideTip();
      light(-1);
      self.again();
      return;
    }
    const box = canvas.getBoundingClientRect();
    showTip(spot.lines, event ? event.clientX : box.left + spot.x, event ? event.clientY : box.top + spot.y, aloud);
    if (spot.row !== undefined) light(spot.row);
    self.again();
  }

  function pointed(event) {
    const box = canvas.getBoundingClientRect();
    return nearest(event.clientX - box.left, event.clientY - box.top);
  }

  if (places) {
    canvas.addEventListener("pointermove", (event) => {
      const i = pointed(event);
      if (i !== at || i >= 0) reach(i, false, event);
    });
    canvas.addEventListener("pointerleave", () => reach(-1));
    canvas.addEventListener("click", (event) => {
      const i = pointed(event),
        spot = spots()[i];
      reach(i, false, event);
      if (spot?.row !== undefined) select(spot.row);
    });
    canvas.addEventListener("blur", () => reach(-1));
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
      const count = spots().length;
      if (step && count) reach(at < 0 ? (step > 0 ? 0 : count - 1) : Math.max(0, Math.min(count - 1, at + step)), true);
      else if (event.key === "Home" && count) reach(0, true);
      else if (event.key === "End" && count) reach(count - 1, true);
      else if (event.key === "Escape") reach(-1);
      else if ((event.key === "Enter" || event.key === " ") && spots()[at]?.row !== undefined) select(spots()[at].row);
      else return;
      event.preventDefault();
    });
  }

  new ResizeObserver(() => {
    const wide = Math.floor(host.clientWidth);
    if (!wide || wide === width) return;
    width = wide;
    tall = Math.round(height(width));
    canvas.style.height = `${tall}px`;
    self.draw();
    self.resized?.();
  }).observe(host);
  charts.add(self);
  return self;
}

function ring(context, x, y) {
  context.beginPath();
  context.arc(x, y, 6, 0, 2 * Math.PI);
  context.lineWidth = 2;
  context.strokeStyle = colours.ink;
  context.stroke();
}

// What stands beside a plot and its table: a heading, the sentence, and where it is drawn.
let figures = 0;
function figure(section, title, says, level = "h3") {
  const id = `figure-${(figures += 1)}`;
  const sentence = el("figcaption", { id, class: "says" }, marked(says));
  const host = el("div", { class: "plot" });
  const made = el("figure", { "aria-labelledby": id }, sentence, host);
  section.append(...(title ? [el(level, {}, title)] : []), made);
  return { id, host, made, sentence };
}
