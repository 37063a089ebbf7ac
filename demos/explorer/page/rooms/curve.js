// A function of one number, with a point that is dragged along it.

import { el, numbers, row, table } from "../elements.js";
import { entries, shown, value } from "../numbers.js";
import { colour, pale, Plot } from "../plots.js";

const LINES = {
  // of each curve: its name in the legend, colour and dash
  f: ["f", "blue", "solid", 3],
  slope: ["f′", "green", "dash", 2],
  second: ["f″", "purple", "dot", 2],
  tangent: ["tangent", "orange", "solid", 2],
  parabola: ["parabola", "red", "dash", 2],
  taylor: ["Taylor polynomial", "teal", "longdash", 2.5],
  secant: ["secant", "grey", "dashdot", 2],
};

export default function make(room) {
  const plot = new Plot({ label: "graph of f", window: ({ left, right }) => room.set({ left, right }) });
  plot.handle("x", { label: "the point x", along: "x", move: (x) => room.set({ x }) });
  plot.handle("a", { label: "lower limit of the integral", along: "x", look: "limit", move: (a) => room.set({ a }) });
  plot.handle("b", { label: "upper limit of the integral", along: "x", look: "limit", move: (b) => room.set({ b }) });
  const found = numbers({
    value: "f(x)",
    slope: "f′(x)",
    second: "f″(x)",
    secant: "slope of the secant",
    secant_error: "its error",
    truncation: "expected from h: |f″ h / 2|",
    rounding: "expected from rounding",
  });
  const series = el("p", { class: "note", "data-part": "series" });
  const note = el("p", { class: "note", role: "status" });
  const sums = el("div", { class: "card", hidden: true });
  return {
    plots: [plot],
    groups: [
      { title: "Function", entries: ["f", "x"] },
      { title: "Shown", entries: ["tangent", "parabola", "slope", "second", "taylor", "secant", "sums"] },
      { title: "Taylor polynomial", entries: ["order"], when: (s) => s.taylor },
      { title: "Secant", entries: ["h"], when: (s) => s.secant },
      { title: "Integral", entries: ["a", "b", "n", "rule"], when: (s) => s.sums },
    ],
    body: [
      el("div", { class: "card" }, plot.element),
      el("div", { class: "card" }, el("h3", {}, "At the point"), found.element, series, note),
      sums,
    ],
    async show(answer, state) {
      found.show(answer.numbers);
      note.textContent = answer.note;
      series.textContent = state.taylor
        ? `Taylor coefficients: ${Array.from(entries(answer.coefficients))
            .slice(0, state.order + 1)
            .map(shown)
            .join(", ")}`
        : "";
      showSums(sums, answer.sums, state);
      const { x, ...curves } = answer.curves;
      const traces = answer.sums ? [area(answer.sums, state)] : [];
      for (const [name, [title, ink, dash, width]] of Object.entries(LINES)) {
        if (name in curves)
          traces.push({
            x,
            y: curves[name],
            name: title,
            mode: "lines",
            line: { color: colour(ink), dash, width },
            hoverinfo: "x+y",
          });
      }
      const y = value(answer.numbers.value);
      await plot.show(traces, {
        x: { range: [state.left, state.right] },
        y: { range: heights(curves), title: { text: "" } },
        uirevision: state.f,
      });
      plot.put("x", [state.x, y], `x = ${state.x}, f(x) = ${shown(y)}`);
      for (const limit of ["a", "b"])
        plot.put(limit, state.sums ? [state[limit], 0] : null, `${limit} = ${state[limit]}`);
      plot.describe(
        `graph of f(x) = ${state.f} from ${state.left} to ${state.right}; at x = ${state.x} the value is ${shown(y)} and the slope ${shown(answer.numbers.slope)}`,
      );
    },
  };
}

/** The range of heights of f and its derivatives; a pole does not flatten the rest. */
function heights(curves) {
  const all = [...entries(curves.f)].filter(Number.isFinite).sort((a, b) => a - b);
  if (!all.length) return [-1, 1];
  const cut = (part) => all[Math.round(part * (all.length - 1))];
  let low = cut(0),
    high = cut(1);
  const inner = cut(0.95) - cut(0.05);
  if (high - low > 12 * inner && inner > 0) [low, high] = [cut(0.05) - inner, cut(0.95) + inner];
  const margin = 0.12 * (high - low) || 1;
  return [Math.min(low, 0) - margin, Math.max(high, 0) + margin];
}

/** The shapes of a sum as one trace: rectangles, or trapezoids. */
function area(sums, state) {
  const edges = entries(sums.edges),
    tall = entries(sums.heights),
    ends = entries(sums.ends),
    x = [],
    y = [];
  for (let i = 0; i + 1 < edges.length; i++) {
    const [from, to] = state.rule === "trapezoid" ? [ends[i], ends[i + 1]] : [tall[i], tall[i]];
    x.push(edges[i], edges[i], edges[i + 1], edges[i + 1], null);
    y.push(0, from, to, 0, null);
  }
  return {
    x,
    y,
    name: `${state.rule} sum`,
    mode: "lines",
    fill: "toself",
    fillcolor: pale("green", 0.25),
    line: { color: colour("green"), width: 1 },
    hoverinfo: "skip",
  };
}

function showSums(card, sums, state) {
  card.hidden = !sums;
  if (!sums) return;
  const cell = (name, sent) => el("td", { "data-number": name, "data-value": sent }, shown(sent));
  card.replaceChildren(
    el(
      "h3",
      {},
      `Integral from ${state.a} to ${state.b}: `,
      el("span", { "data-number": "integral", "data-value": sums.integral }, shown(sums.integral)),
      sums.note ? "" : ` (error below ${shown(sums.integral_error)})`,
    ),
    table(
      "sums by rule",
      [`rule, n = ${state.n}`, "sum", "error"],
      sums.rows.map(({ rule, sum, error }) =>
        row(rule, [cell(`sum-${rule}`, sum), cell(`error-${rule}`, error)], {
          "aria-current": rule === state.rule ? "true" : null,
        }),
      ),
    ),
    el("p", { class: "note" }, sums.note),
  );
}
