// Methods that look for a minimum, from a start that is dragged.

import { el, numbers, player, row, table } from "../elements.js";
import { entries, rows, shown, value } from "../numbers.js";
import { colour, contours, plane, Plot, space, surface, WINDOW } from "../plots.js";

const LOOKS = {
  // of each method: colour, dash and the mark at its place
  gd: ["blue", "solid", "circle"],
  momentum: ["orange", "dash", "square"],
  nesterov: ["red", "dashdot", "diamond"],
  rmsprop: ["teal", "dot", "cross"],
  adam: ["green", "longdash", "triangle-up"],
  lbfgs: ["purple", "longdashdot", "star"],
  newton: ["text", "solid", "x"],
};
const RATES = { rate: ["gd"], rate_momentum: ["momentum", "nesterov"], rate_rmsprop: ["rmsprop"], rate_adam: ["adam"] };

export default function make(room) {
  const title = Object.fromEntries(room.kinds.methods.options);
  const flat = new Plot({ label: "paths on contours", window: (box) => room.set(box) }),
    solid = new Plot({ label: "paths on the surface" });
  const values = new Plot({ label: "value by step", small: true }),
    slopes = new Plot({ label: "size of the gradient by step", small: true });
  flat.handle("start", { label: "the start", move: (x, y) => room.set({ x, y }) });
  const found = numbers({ value: "value at the start", steepness: "length of the gradient there" });
  const rate = numbers({
    largest: "largest curvature L at the minimum",
    threshold: "descent diverges above 2/L =",
  });
  const methods = el("div", { class: "card" });
  const slider = el("input", {
    type: "range",
    min: 0,
    max: 100,
    value: 100,
    "aria-label": "step that is shown",
    input: () => {
      pause();
      step = Number(slider.value);
      room.draw();
    },
  });
  const said = el("output", { "data-number": "step" });
  let step = Infinity,
    longest = 0;
  const { button: play, pause } = player(
    60,
    () => {
      if (step >= longest) step = 0;
    },
    () => {
      step += Math.max(1, Math.round(longest / 100));
      if (step >= longest) {
        pause();
        step = Infinity;
      }
      room.draw();
    },
  );

  function marks(answer) {
    rate.show(answer.numbers);
    for (const [entry, those] of Object.entries(RATES)) {
      const marked = those.filter((name) => name in answer.thresholds),
        at = marked.map((name) => answer.thresholds[name]);
      const words = marked.map((name, i) => `${title[name]} diverges above ${shown(at[i])}`);
      if (marked.length) room.controls[entry].mark(Math.min(...at.map(value)), words.join(", "));
    }
  }

  return {
    plots: [flat, solid, values, slopes],
    leave: pause,
    groups: [
      { title: "Function", entries: ["f", "x", "y"] },
      { title: "Methods", entries: ["methods", "steps"] },
      ...Object.entries(RATES).map(([entry, those]) => ({
        title: those.map((name) => title[name]).join(", "),
        entries: [entry],
        when: (s) => s.methods.split(",").some((name) => those.includes(name)),
      })),
    ],
    body: [
      el(
        "div",
        { class: "pictures" },
        el("div", { class: "card" }, flat.element),
        el("div", { class: "card" }, solid.element),
      ),
      el("div", { class: "card row" }, play, el("label", { class: "row grow" }, "step ", said, slider)),
      el("div", { class: "card" }, found.element, rate.element),
      methods,
      el(
        "div",
        { class: "pictures" },
        el("div", { class: "card" }, el("h3", {}, "Value above the lowest"), values.element),
        el("div", { class: "card" }, el("h3", {}, "Length of the gradient"), slopes.element),
      ),
    ],
    show(answer, state) {
      found.show(answer.numbers);
      room.whenAtRest("threshold", ["f", "x", "y", "methods"], rate.element, marks);
      const grid = room.also("grid", ["f", ...WINDOW]);
      if (!grid) return false;
      const paths = Object.fromEntries(Object.entries(answer.paths).map(([name, path]) => [name, read(path)]));
      longest = Math.max(0, ...Object.values(paths).map(({ n }) => n - 1));
      const at = Math.min(step, longest);
      slider.max = longest;
      slider.value = at;
      said.textContent = at;
      const traces = [contours({ ...grid, z: grid.bands, range: [0, 1] }, { hoverinfo: "skip" })];
      for (const [name, { x, y, n }] of Object.entries(paths)) {
        const [ink, dash, symbol] = LOOKS[name],
          k = Math.min(at, n - 1);
        traces.push({
          x: x.slice(0, k + 1).map(drawable),
          y: y.slice(0, k + 1).map(drawable),
          name: title[name],
          legendgroup: name,
          mode: "lines",
          line: { color: colour(ink), dash, width: 2.5 },
          hoverinfo: "skip",
        });
        traces.push({
          x: [drawable(x[k])],
          y: [drawable(y[k])],
          name: title[name],
          legendgroup: name,
          showlegend: false,
          mode: "markers",
          marker: { color: colour(ink), symbol, size: 12, line: { color: colour("card"), width: 1.5 } },
          hoverinfo: "name+x+y",
        });
      }
      flat.put("start", [state.x, state.y], `x = ${state.x}, y = ${state.y}, value ${shown(answer.numbers.value)}`);
      const pictures = [flat.show(traces, plane(state, state.f))];
      flat.describe(
        `contours of ${state.f} with the paths of ${Object.keys(paths)
          .map((name) => title[name])
          .join(", ")}`,
      );
      showTable(methods, paths, at, title);
      pictures.push(
        series(values, paths, "value", lowest(paths), at, title),
        series(slopes, paths, "steepness", 0, at, title),
      );
      pictures.push(showSolid(solid, grid, paths, at, state));
      return Promise.all(pictures);
    },
  };
}

function read(path) {
  const points = rows(path.points);
  return {
    n: points.length,
    x: points.map(([x]) => x),
    y: points.map(([, y]) => y),
    value: entries(path.value),
    steepness: entries(path.steepness),
    curvature: entries(path.curvature),
  };
}

const drawable = (at) => (Math.abs(at) < 1e20 ? at : NaN); // a path that is lost ends beyond what can be drawn

const lowest = (paths) => Math.min(...Object.values(paths).flatMap(({ value: v }) => [...v].filter(Number.isFinite)));

function showTable(card, paths, at, title) {
  const line = ([name, path]) => {
    const k = Math.min(at, path.n - 1),
      cell = (what) =>
        el("td", { "data-number": `${name}-${what}`, "data-value": path[what][k] }, shown(path[what][k]));
    const numbers = ["x", "y", "value", "steepness", "curvature"].map(cell);
    return row(title[name], [el("td", {}, k < at ? `ended at ${k}` : k), ...numbers]);
  };
  card.replaceChildren(
    table(
      "methods at the step that is shown",
      ["method", "step", "x", "y", "value", "length of the gradient", "curvature along the step"],
      Object.entries(paths).map(line),
    ),
  );
}

function showSolid(plot, grid, paths, at, state) {
  const [low, high] = grid.range,
    inside = (x, y) => x >= state.left && x <= state.right && y >= state.bottom && y <= state.top;
  const traces = [surface(grid, { opacity: 0.85, hoverinfo: "skip" })];
  for (const [name, { x, y, value: v, n }] of Object.entries(paths)) {
    const ks = Array.from({ length: Math.min(at, n - 1) + 1 }, (_, k) => k).filter((k) => inside(x[k], y[k]));
    traces.push({
      type: "scatter3d",
      mode: "lines+markers",
      x: ks.map((k) => x[k]),
      y: ks.map((k) => y[k]),
      z: ks.map((k) => v[k] + 0.01 * (high - low)),
      line: { color: colour(LOOKS[name][0]), width: 5 },
      marker: { color: colour(LOOKS[name][0]), size: ks.map((k) => (k === ks.at(-1) ? 5 : 1)) },
      hoverinfo: "skip",
    });
  }
  return plot.show(traces, space(state, grid.range));
}

/** One quantity of every path over the steps, on a logarithmic axis; the step that is shown is a line. */
function series(plot, paths, what, base, at, title) {
  const traces = Object.entries(paths).map(([name, path]) => {
    const [ink, dash] = LOOKS[name],
      y = Array.from(path[what], (v) => (v - base > 0 ? v - base : null));
    return { y, name: title[name], showlegend: false, mode: "lines", line: { color: colour(ink), dash, width: 2 } };
  });
  const shapes = [
    {
      type: "line",
      x0: at,
      x1: at,
      y0: 0,
      y1: 1,
      yref: "paper",
      line: { color: colour("grey"), width: 1, dash: "dot" },
    },
  ];
  return plot.show(traces, {
    x: { title: { text: "step" } },
    y: { type: "log", title: { text: "" }, exponentformat: "power" },
    shapes,
    margin: { l: 62, r: 12, t: 8, b: 38 },
  });
}
