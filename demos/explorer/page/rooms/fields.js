// A vector field of the plane with a loop that is moved and reshaped.

import { el, numbers, row, table } from "../elements.js";
import { rows, shown } from "../numbers.js";
import { colour, contours, diverging, pale, plane, Plot, WINDOW } from "../plots.js";

const CORNERS = 6;

export default function make(room) {
  const plot = new Plot({ label: "the field", window: (box) => room.set(box) });
  plot.handle("centre", { label: "the centre of the loop", move: (x, y) => room.set({ x, y }) });
  for (let i = 0; i < CORNERS; i++) {
    plot.handle(`corner-${i}`, {
      label: `corner ${i + 1} of the loop`,
      look: "turn",
      move(x, y) {
        // along its ray from the centre
        const turn = (2 * Math.PI * i) / CORNERS,
          { x: cx, y: cy, radii } = room.state,
          all = radii.split(",");
        all[i] = Math.max(0.02, (x - cx) * Math.cos(turn) + (y - cy) * Math.sin(turn)).toFixed(3);
        room.set({ radii: all.join(",") });
      },
    });
  }
  const found = numbers({
    P: "P at the centre",
    Q: "Q at the centre",
    divergence: "divergence there",
    curl: "curl there",
    circulation: "circulation around the loop",
    flux: "flux out of the loop",
  });
  const note = el("p", { class: "note", role: "status" });
  const sides = el("div", { class: "card", "data-part": "green" });

  return {
    plots: [plot],
    groups: [
      { title: "Field", entries: ["P", "Q", "colour"] },
      { title: "Loop", entries: ["x", "y"] },
    ],
    side: [
      el(
        "p",
        { class: "note" },
        "A field to try: P = -y/(x^2+y^2), Q = x/(x^2+y^2). It has no curl anywhere, and yet it goes around its pole.",
      ),
    ],
    body: [
      el("div", { class: "card" }, plot.element),
      el("div", { class: "card" }, el("h3", {}, "Along the loop, and at its centre"), found.element, note),
      sides,
    ],
    show(answer, state) {
      found.show(answer.numbers);
      note.textContent = answer.note;
      const grid = room.also("grid", ["P", "Q", "colour", ...WINDOW]);
      if (!grid) return false;
      const [x, y] = rows(answer.loop),
        [across, up] = rows(answer.corners);
      const traces = [
        coloured(grid, state),
        ...arrows(grid, state),
        {
          x,
          y,
          name: "loop",
          mode: "lines",
          fill: "toself",
          fillcolor: pale("green", 0.18),
          line: { color: colour("green"), width: 3 },
          hoverinfo: "skip",
        },
      ];
      plot.put(
        "centre",
        [state.x, state.y],
        `centre (${state.x}, ${state.y}), circulation ${shown(answer.numbers.circulation)}`,
      );
      for (let i = 0; i < CORNERS; i++)
        plot.put(`corner-${i}`, [across[i], up[i]], `radius ${state.radii.split(",")[i]}`);
      plot.describe(
        `the field (${state.P}, ${state.Q}) with a loop; its circulation is ${shown(answer.numbers.circulation)} and its flux ${shown(answer.numbers.flux)}`,
      );
      room.whenAtRest("green", ["P", "Q", "x", "y", "radii"], sides, (theorem) => showSides(sides, theorem));
      return plot.show(traces, plane(state, state.P + state.Q));
    },
  };
}

function coloured(grid, state) {
  const [low, high] = grid.range,
    most = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const signed = state.colour !== "length";
  return contours(grid, {
    zmin: signed ? -most : 0,
    zmax: most,
    contours: { coloring: "heatmap", showlines: false },
    colorscale: diverging(0.65),
    showscale: true,
    colorbar: { title: { text: state.colour, side: "right" }, thickness: 12, outlinewidth: 0 },
  });
}

/** All arrows as one trace of lines and one of heads; the longest fills its cell. */
function arrows(grid, state) {
  const [across, up] = rows(grid.at),
    [P, Q] = rows(grid.arrows),
    n = P.length,
    cell = Math.min(state.right - state.left, state.top - state.bottom) / Math.sqrt(n);
  const lengths = Array.from({ length: n }, (_, i) => Math.hypot(P[i], Q[i]));
  const sorted = lengths.filter(Number.isFinite).sort((a, b) => a - b),
    most = sorted[Math.floor(0.9 * (sorted.length - 1))] || 1;
  const x = [],
    y = [],
    heads = [];
  for (let i = 0; i < n; i++) {
    if (!(lengths[i] > 0)) continue;
    const scale = (cell * Math.min(1, Math.sqrt(lengths[i] / most))) / lengths[i];
    x.push(across[i], across[i] + scale * P[i], null);
    y.push(up[i], up[i] + scale * Q[i], null);
    heads.push(0, 8, 0);
  }
  return [
    {
      x,
      y,
      name: "field",
      mode: "lines+markers",
      line: { color: colour("text"), width: 1.3 },
      marker: { color: colour("text"), size: heads, symbol: "arrow", angleref: "previous", line: { width: 0 } },
      hoverinfo: "skip",
    },
  ];
}

function showSides(card, answer) {
  const cell = (name, sent) => el("td", { "data-number": name, "data-value": sent }, shown(sent));
  const line = (name, sides) => {
    const { note, left, right, difference, holds } = answer[name];
    const said = holds ? "equal within their errors" : `differ by ${shown(difference)}`;
    return row(
      sides,
      note
        ? [el("td", { colspan: 3 }, note)]
        : [cell(`${name}-left`, left), cell(`${name}-right`, right), el("td", {}, said)],
    );
  };
  card.replaceChildren(
    el("h3", {}, "Green's theorem"),
    table(
      "both sides of Green's theorem",
      ["", "along the loop", "over what it encloses", ""],
      [line("circulation", "∮ P dx + Q dy = ∬ curl"), line("flux", "∮ P dy − Q dx = ∬ divergence")],
    ),
  );
}
