// The network as a picture: its units, what each says over the plane, and the weights as edges.

import { el, svg } from "../elements.js";
import { entries, rows } from "../numbers.js";
import { colour, fileOf, parts } from "../plots.js";

const text = (x) => x.toPrecision(3).replace("-", "−");

export class Diagram {
  #kind = "";
  #edges = [];
  #units = [];
  #small = document.createElement("canvas");

  constructor() {
    this.svg = svg("svg", { role: "img", "aria-label": "the network" });
    this.element = el("div", { class: "picture diagram" }, this.svg);
    new ResizeObserver(() => {
      this.#kind = "";
      if (this.shown && this.element.isConnected) this.show(...this.shown); // when its room is left, its size is 0
    }).observe(this.element);
  }

  /** Show the network: `sizes` of its layers, `edges` between them, `tiles` of the units; `inputs` and `outputs` are names. */
  show(diagram, inputs, outputs) {
    this.shown = [diagram, inputs, outputs];
    const kind = JSON.stringify([
      diagram.sizes,
      inputs,
      outputs,
      document.documentElement.dataset.theme,
      diagram.tiles === null,
    ]);
    if (kind !== this.#kind) this.#build(diagram, inputs, outputs);
    this.#kind = kind;
    const [low, middle, high] = ["blue", "card", "orange"].map(parts),
      ink = { "-1": colour("blue"), 1: colour("orange"), 0: colour("grey") };
    for (const { lines, from, to } of this.#edges) {
      const weights = rows(diagram.edges[from.layer]),
        signed = !diagram.whole[from.layer] && !diagram.whole[to.layer];
      const largest = Math.max(1e-9, ...weights.map((row) => Math.max(...row.map((w) => Math.abs(w) || 0))));
      for (const { element, title, i, j } of lines) {
        const w = weights[i][j],
          size = Math.abs(w);
        element.setAttribute("stroke", ink[signed ? Math.sign(w) || 0 : 0]);
        element.setAttribute("stroke-width", Number.isFinite(w) ? 0.4 + (4 * size) / Math.max(largest, 1.5) : 0.4);
        element.setAttribute("stroke-opacity", Number.isFinite(w) ? 0.25 + (0.65 * size) / largest : 0.2);
        element.setAttribute("stroke-dasharray", signed && w < 0 ? "5 3" : "none");
        title.textContent = `${from.name(i)} to ${to.name(j)}: ${signed ? "weight" : "norm of the weights"} ${text(w)}`;
      }
    }
    const tiles = diagram.tiles?.map((tile) => tile && rows(tile));
    for (const { layer, unit, image, title, name } of this.#units) {
      const tile = tiles?.[layer];
      if (image && tile) image.setAttribute("href", this.#tile(tile[unit], low, middle, high));
      const bias = diagram.biases[layer - 1];
      title.textContent = layer && bias ? `${name}: bias ${text(entries(bias)[unit])}` : name;
    }
  }

  /** How many edges are drawn. */
  get edges() {
    return this.#edges.reduce((sum, { lines }) => sum + lines.length, 0);
  }

  /** Say what the picture shows, for screen readers. */
  describe(label) {
    this.svg.setAttribute("aria-label", label);
  }

  #tile(values, low, middle, high) {
    const side = Math.round(Math.sqrt(values.length)),
      picture = new ImageData(side, side);
    values.forEach((v, k) => {
      const [one, part] = v < 0 ? [low, -v] : [high, v];
      for (let c = 0; c < 3; c++) picture.data[4 * k + c] = middle[c] + part * (one[c] - middle[c]);
      picture.data[4 * k + 3] = 255;
    });
    this.#small.width = this.#small.height = side;
    this.#small.getContext("2d").putImageData(picture, 0, 0);
    return this.#small.toDataURL();
  }

  #build({ sizes, whole, tiles }, inputs, outputs) {
    const { clientWidth: width, clientHeight: height } = this.element,
      top = 26,
      bottom = 12;
    const [left, right] = [inputs, outputs].map(
      (names) => 36 + 6.6 * Math.max(0, ...names.map((one) => short(one).length)),
    );
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const most = Math.max(...sizes.map((n, i) => (whole[i] ? 1 : n))),
      pitch = Math.min(46, (height - top - bottom) / most);
    const side = Math.max(6, Math.min(30, pitch - 6, (width - left - right) / sizes.length - 8)),
      last = sizes.length - 1;
    const x = (l) => left + ((width - left - right) * l) / last,
      middle = top + (height - top - bottom) / 2;
    const y = (l, i) => (whole[l] ? middle : middle + (i - (sizes[l] - 1) / 2) * pitch);
    const what = (l) => (l === 0 ? "input" : l === last ? "output" : `layer ${l}`);
    const name = (l) => (i) =>
      whole[l]
        ? `all of ${what(l)}`
        : l === 0
          ? `input ${inputs[i] ?? i + 1}`
          : l === last
            ? `output ${outputs[i] ?? i + 1}`
            : `unit ${i + 1} of layer ${l}`;
    this.#edges = sizes.slice(1).map((_, l) => {
      const lines = [],
        count = (k) => (whole[k] ? 1 : sizes[k]),
        bend = (x(l + 1) - x(l)) / 2;
      for (let i = 0; i < count(l); i++)
        for (let j = 0; j < count(l + 1); j++) {
          const title = svg("title"),
            [x0, y0, x1, y1] = [x(l) + side / 2, y(l, i), x(l + 1) - side / 2, y(l + 1, j)];
          lines.push({
            element: svg(
              "path",
              { d: `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`, fill: "none" },
              title,
            ),
            title,
            i,
            j,
          });
        }
      return { lines, from: { layer: l, name: name(l) }, to: { layer: l + 1, name: name(l + 1) } };
    });
    this.#units = [];
    const nodes = [],
      label = (at, up, words, more = {}) =>
        svg(
          "text",
          {
            x: at,
            y: up,
            fill: colour("text"),
            "font-size": 12,
            "font-family": "system-ui, sans-serif",
            "text-anchor": "middle",
            ...more,
          },
          words,
        );
    sizes.forEach((n, l) => {
      nodes.push(label(x(l), 14, whole[l] || l === 0 || l === last ? what(l) : String(n), { fill: colour("faint") }));
      if (whole[l]) {
        const title = svg("title"),
          tall = Math.min(height - top - bottom, 180);
        nodes.push(
          svg(
            "rect",
            {
              x: x(l) - side / 2,
              y: middle - tall / 2,
              width: side,
              height: tall,
              rx: 6,
              fill: colour("card"),
              stroke: colour("text"),
              "stroke-width": 1.5,
            },
            title,
          ),
          label(x(l), middle + 4, String(n)),
        );
        this.#units.push({ layer: l, unit: 0, title, name: `${what(l)}: ${n} units` });
        return;
      }
      for (let i = 0; i < n; i++) {
        const title = svg("title"),
          at = { x: x(l) - side / 2, y: y(l, i) - side / 2, width: side, height: side };
        const image = tiles ? svg("image", { ...at, preserveAspectRatio: "none" }) : null;
        const round = tiles ? 2 : side / 2;
        nodes.push(
          svg(
            "g",
            {},
            title,
            svg("rect", { ...at, rx: round, fill: colour("card") }),
            ...(image ? [image] : []),
            svg("rect", { ...at, rx: round, fill: "none", stroke: colour("text"), "stroke-width": 1.2 }),
          ),
        );
        this.#units.push({ layer: l, unit: i, image, title, name: name(l)(i) });
        if (l === 0 && inputs[i])
          nodes.push(label(x(l) - side / 2 - 5, y(l, i) + 4, short(inputs[i]), { "text-anchor": "end" }));
        if (l === last && outputs[i])
          nodes.push(label(x(l) + side / 2 + 5, y(l, i) + 4, short(outputs[i]), { "text-anchor": "start" }));
      }
    });
    this.svg.replaceChildren(
      svg("g", {}, ...this.#edges.flatMap(({ lines }) => lines.map(({ element }) => element))),
      svg("g", {}, ...nodes),
    );
  }

  /** The picture as an address of a file in this format, "svg" or "png". */
  image(format) {
    return fileOf(this.svg.cloneNode(true), this.element.clientWidth, this.element.clientHeight, format);
  }
}

const short = (words) => (words.length > 11 ? `${words.slice(0, 10)}…` : words);
