// Methods that look for a minimum, from a start that is dragged.

import { el, numbers } from "../elements.js";
import { entries, shape, shown, value } from "../numbers.js";
import { colour, contours, Plot } from "../plots.js";

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
  const found = numbers({ value: "value at the start", steepness: "length of the gradient there" }, shown);
  const rate = numbers(
    { largest: "largest curvature L at the minimum", threshold: "descent diverges above 2/L =" },
    shown,
  );
  const table = el("div", { class: "card" });
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
  const said = el("output", { "data-number": "step" }),
    play = el("button", { type: "button", click: () => (timer ? pause() : start()) }, "Play");
  let step = Infinity,
    longest = 0,
    timer = null;

  async function threshold() {
    const answer = await room.ask("threshold");
    if (!answer) return;
    rate.show(answer.numbers);
    for (const [entry, sent] of Object.entries(answer.thresholds))
      room.controls[entry].mark(value(sent), `diverges above ${shown(sent)}`);
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }
  function start() {
    if (step >= longest) step = 0;
    play.textContent = "Pause";
    timer = setInterval(() => {
      step = Math.min(longest, step + Math.max(1, Math.round(longest / 100)));
      if (step >= longest) {
        pause();
        step = Infinity;
      }
      room.draw();
    }, 60);
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
      table,
      el(
        "div",
        { class: "pictures" },
        el("div", { class: "card" }, el("h3", {}, "Value above the lowest"), values.element),
        el("div", { class: "card" }, el("h3", {}, "Length of the gradient"), slopes.element),
      ),
    ],
    show(answer, state) {
      found.show(answer.numbers);
      room.whenAtRest(rate.element, threshold);
      const grid = room.also("grid", ["f", "left", "right", "bottom", "top"]);
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
      const pictures = [
        flat.show(traces, {
          x: { range: [state.left, state.right] },
          y: { range: [state.bottom, state.top], title: { text: "y" } },
          equal: true,
          uirevision: state.f,
        }),
      ];
      flat.describe(
        `contours of ${state.f} with the paths of ${Object.keys(paths)
          .map((name) => title[name])
          .join(", ")}`,
      );
      showTable(table, paths, at, title);
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
  const [n] = shape(path.points),
    flat = entries(path.points),
    every = (i) => Float64Array.from({ length: n }, (_, k) => flat[2 * k + i]);
  return {
    n,
    x: every(0),
    y: every(1),
    value: entries(path.value),
    steepness: entries(path.steepness),
    curvature: entries(path.curvature),
  };
}

const drawable = (at) => (Math.abs(at) < 1e20 ? at : NaN); // a path that is lost ends beyond what can be drawn

const lowest = (paths) => Math.min(...Object.values(paths).flatMap(({ value: v }) => [...v].filter(Number.isFinite)));

function showTable(card, paths, at, title) {
  const row = ([name, path]) => {
    const k = Math.min(at, path.n - 1),
      cell = (what) =>
        el("td", { "data-number": `${name}-${what}`, "data-value": path[what][k] }, shown(path[what][k]));
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, title[name]),
      el("td", {}, k < at ? `ended at ${k}` : k),
      cell("x"),
      cell("y"),
      cell("value"),
      cell("steepness"),
      cell("curvature"),
    );
  };
  card.replaceChildren(
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": "methods at the step that is shown" },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ...["method", "step", "x", "y", "value", "length of the gradient", "curvature along the step"].map((t) =>
              el("th", { scope: "col" }, t),
            ),
          ),
        ),
        el("tbody", {}, ...Object.entries(paths).map(row)),
      ),
    ),
  );
}

function showSolid(plot, grid, paths, at, state) {
  const [low, high] = grid.range,
    inside = (x, y) => x >= state.left && x <= state.right && y >= state.bottom && y <= state.top;
  const traces = [
    {
      type: "surface",
      x: grid.x,
      y: grid.y,
      z: grid.z,
      colorscale: [
        [0, colour("blue")],
        [1, colour("orange")],
      ],
      cmin: low,
      cmax: high,
      showscale: false,
      opacity: 0.85,
      hoverinfo: "skip",
    },
  ];
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
  const gap = 0.05 * (high - low);
  return plot.show(traces, {
    scene: {
      x: { range: [state.left, state.right] },
      y: { range: [state.bottom, state.top] },
      z: { range: [low - gap, high + gap] },
    },
    showlegend: false,
    margin: { l: 0, r: 0, t: 0, b: 0 },
  });
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
