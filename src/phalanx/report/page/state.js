// What was found, and what all plots and the table share: which members are lit, selected and within the limits.
const found = JSON.parse(document.getElementById("found").textContent);
const columns = new Map(found.board.map((column) => [column.name, column]));
const values = (name) => columns.get(name)?.values ?? [];
const ids = values("id"),
  kinds = values("kind");
const rowOf = new Map(ids.map((id, row) => [id, row]));
const members = ids.map((_, row) => row).filter((row) => kinds[row] === "member");
const scores = values(`valid_${found.metric}`);
const stopped = values("stopped");
const hasDiverged = (row) => stopped[row] === "diverged";
const place = new Map(members.map((row, order) => [row, order]));

const state = {
  lit: -1, // a row of the leaderboard
  selected: new Set(),
  limits: new Map(), // of each choice, by name
  within: new Uint8Array(ids.length).fill(1),
};

// A listener is told what has changed: "lit", "selected" or "within".
const listeners = [];
const listen = (listener) => listeners.push(listener);
const tell = (what) => listeners.forEach((listener) => listener(what));

function light(row) {
  if (state.lit === row) return;
  state.lit = row;
  tell("lit");
}

function select(row, chosen = !state.selected.has(row)) {
  if (kinds[row] === "baseline") return;
  for (const one of kinds[row] === "ensemble" ? voices : [row]) {
    if (chosen) state.selected.add(one);
    else state.selected.delete(one);
  }
  tell("selected");
}

// The members that a row stands for: of the ensemble those that have a share in it.
const voices = Object.keys(found.ensemble)
  .map((id) => rowOf.get(id))
  .filter((row) => row !== undefined);
const meant = (row) => (row < 0 ? [] : kinds[row] === "ensemble" ? voices : kinds[row] === "member" ? [row] : []);

const STYLES = 6;
const TOLD_APART = ["--one", "--two", "--three", "--four", "--five", "--six"];
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4]];
// How a selected member is drawn: its colour and dashes, by its place among those selected.
const styleOf = (row) => [...state.selected].indexOf(row) % STYLES;
