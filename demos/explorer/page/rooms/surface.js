// A function of two numbers, as contours and as a surface, with a point that is dragged over both.

import { el, numbers, row, table } from "../elements.js";
import { entries, rows, shown, value } from "../numbers.js";
import { arrow, colour, contours, pale, plane, Plot, space, surface, WINDOW } from "../plots.js";

const OVER = ["f", ...WINDOW]; // what all that is over the window follows from
const MARKS = {
  minimum: ["green", "circle"],
  maximum: ["red", "triangle-up"],
  saddle: ["purple", "x"],
  degenerate: ["grey", "square"],
};

export default function make(room) {
  const flat = new Plot({ label: "contours of f", window: (box) => room.set(box) });
  const solid = new Plot({ label: "surface of f" });
  const dial = new Plot({ label: "derivative by direction", small: true });
  flat.handle("p", { label: "the point", move: (x, y) => room.set({ x, y }) });
  flat.handle("v", {
    label: "the direction",
    look: "turn",
    move: (x, y) =>
      room.set({ angle: Math.round(((Math.atan2(y - room.state.y, x - room.state.x) * 180) / Math.PI + 360) % 360) }),
  });
  const found = numbers({
    value: "f(x, y)",
    along: "derivative in the direction",
    fx: "∂f/∂x",
    fy: "∂f/∂y",
    steepness: "length of the gradient",
    fxx: "∂²f/∂x²",
    fxy: "∂²f/∂x∂y",
    fyy: "∂²f/∂y²",
    low: "lower curvature",
    high: "higher curvature",
    kind: "here the surface is",
  });
  const critical = el("div", { class: "card", hidden: true, "data-part": "critical" });
  return {
    plots: [flat, solid, dial],
    groups: [
      { title: "Function", entries: ["f", "x", "y"] },
      { title: "Direction", entries: ["angle"] },
      { title: "Shown", entries: ["plane", "ellipse", "critical"] },
    ],
    body: [
      el(
        "div",
        { class: "pictures" },
        el("div", { class: "card" }, flat.element),
        el("div", { class: "card" }, solid.element),
      ),
      el("div", { class: "card" }, el("h3", {}, "At the point"), found.element),
      el("div", { class: "card" }, el("h3", {}, "The derivative in each direction"), dial.element),
      critical,
    ],
    show(answer, state) {
      found.show(answer.numbers);
      const grid = room.also("grid", OVER);
      const none = (note) => ({ points: [], note });
      const points = (state.critical && room.also("critical", OVER, none)) || none("looking for critical points …");
      if (!grid) return false;
      const n = Object.fromEntries(Object.entries(answer.numbers).map(([name, sent]) => [name, value(sent)]));
      const [cos, sin] = entries(answer.direction),
        reach = 0.16 * Math.min(state.right - state.left, state.top - state.bottom);
      const length = n.steepness > 0 ? reach / n.steepness : 0;
      const traces = [
        contours(grid),
        arrow([state.x, state.y], [n.fx * length, n.fy * length], "gradient", "red"),
        arrow([state.x, state.y], [cos * reach, sin * reach], "direction", "green"),
      ];
      if (state.ellipse) {
        const [x, y] = rows(answer.ellipse);
        traces.push({
          x,
          y,
          name: "curvature",
          mode: "lines",
          line: { color: colour("purple"), width: 2, dash: "dot" },
          hoverinfo: "skip",
        });
      }
      if (state.critical) traces.push(...marks(points.points));
      flat.put("p", [state.x, state.y], `x = ${state.x}, y = ${state.y}, f = ${shown(answer.numbers.value)}`);
      flat.put(
        "v",
        [state.x + cos * reach * 1.25, state.y + sin * reach * 1.25],
        `${state.angle} degrees, derivative ${shown(answer.numbers.along)}`,
      );
      const pictures = [flat.show(traces, plane(state, state.f))];
      flat.describe(
        `contours of f(x, y) = ${state.f}; at (${state.x}, ${state.y}) the value is ${shown(answer.numbers.value)} and the gradient (${shown(answer.numbers.fx)}, ${shown(answer.numbers.fy)})`,
      );
      listCritical(critical, points, state);
      pictures.push(showSolid(solid, grid, answer, n, state, points));
      const turns = Array.from({ length: 73 }, (_, i) => i * 5);
      pictures.push(
        dial.show(
          [
            {
              x: turns,
              y: answer.dial,
              name: "derivative",
              mode: "lines",
              line: { color: colour("blue"), width: 2.5 },
            },
            {
              x: [state.angle],
              y: [n.along],
              name: "direction",
              mode: "markers",
              marker: { color: colour("green"), size: 12, symbol: "square" },
            },
          ],
          {
            x: { range: [0, 360], title: { text: "direction in degrees" }, dtick: 45, fixedrange: true },
            y: { fixedrange: true, title: { text: "" } },
          },
        ),
      );
      return Promise.all(pictures);
    },
  };
}

function marks(points) {
  return Object.entries(MARKS)
    .map(([kind, [ink, symbol]]) => {
      const those = points.filter((p) => p.kind === kind);
      return {
        x: those.map((p) => p.x),
        y: those.map((p) => p.y),
        name: kind,
        mode: "markers",
        marker: { color: colour(ink), symbol, size: 12, line: { color: colour("card"), width: 1.5 } },
      };
    })
    .filter((trace) => trace.x.length);
}

function listCritical(card, { points, note }, state) {
  card.hidden = !state.critical;
  const cells = (p) => [p.x, p.y, p.value, ...p.eigenvalues].map((v) => el("td", { "data-value": v }, shown(v)));
  card.replaceChildren(
    el("h3", {}, "Critical points in the window"),
    table(
      "critical points",
      ["kind", "x", "y", "f", "lower curvature", "higher curvature"],
      points.map((p) => row(p.kind, cells(p), { "data-critical": p.kind })),
    ),
    el("p", { class: "note", role: "status" }, note || (points.length ? "" : "none")),
  );
}

function showSolid(plot, grid, answer, n, state, points) {
  const [low, high] = grid.range;
  const traces = [
    surface(grid, {
      opacity: 0.92,
      contours: { z: { show: true, color: pale("text", 0.4), width: 1 } },
      hoverinfo: "x+y+z",
    }),
  ];
  if (state.plane)
    traces.push({
      type: "surface",
      x: [state.left, state.right],
      y: [state.bottom, state.top],
      z: answer.plane,
      colorscale: [
        [0, colour("green")],
        [1, colour("green")],
      ],
      showscale: false,
      opacity: 0.45,
      hoverinfo: "skip",
    });
  traces.push({
    type: "scatter3d",
    x: [state.x],
    y: [state.y],
    z: [n.value],
    mode: "markers",
    marker: { color: colour("red"), size: 6 },
    hoverinfo: "x+y+z",
  });
  if (state.critical)
    traces.push({
      type: "scatter3d",
      x: points.points.map((p) => p.x),
      y: points.points.map((p) => p.y),
      z: points.points.map((p) => p.value),
      mode: "markers",
      marker: { color: points.points.map((p) => colour(MARKS[p.kind][0])), size: 5 },
      hoverinfo: "x+y+z",
    });
  plot.describe(
    `the surface of f over the window, from ${shown(low)} to ${shown(high)}, with its point and tangent plane`,
  );
  return plot.show(traces, space(state, grid.range));
}
