// Pictures by Plotly, in the colours of the theme, with points that can be dragged by pointer and by keyboard.

import { el } from "./elements.js";
import { entries, rounded } from "./numbers.js";

/** A colour of the theme, by its name in the style sheet. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** The same as red, green and blue, 0 to 255. */
export const parts = (name) => [1, 3, 5].map((i) => parseInt(colour(name).slice(i, i + 2), 16));

/** A colour of the theme that lets `alpha` of itself through. */
export const pale = (name, alpha = 0.2) => `rgba(${parts(name).join(",")},${alpha})`;

/** A colour of the theme, thinned with the colour of the card to `share` of itself. */
function thin(name, share) {
  const card = parts("card");
  return `rgb(${parts(name)
    .map((c, i) => Math.round(share * c + (1 - share) * card[i]))
    .join(",")})`;
}

/** A scale of colours from blue over the card's colour to orange; for values of both signs it is centred on 0. */
export const diverging = (share) => [
  [0, thin("blue", share)],
  [0.5, colour("card")],
  [1, thin("orange", share)],
];

/** Contours of values on a grid, as the server sends it: x, y, z and the range of values that is shown. */
export function contours({ x, y, z, range }, more = {}) {
  return {
    type: "contour",
    x,
    y,
    z,
    zmin: range[0],
    zmax: range[1],
    autocontour: false,
    contours: { start: range[0], end: range[1], size: (range[1] - range[0]) / 18 },
    colorscale: diverging(0.6),
    line: { color: pale("text", 0.35), width: 0.8 },
    showscale: false,
    hoverinfo: "x+y+z",
    showlegend: false,
    ...more,
  };
}

/** The entries of a state that are its window. */
export const WINDOW = ["left", "right", "bottom", "top"];

const sides = ({ left, right, bottom, top }) => ({ x: { range: [left, right] }, y: { range: [bottom, top] } });

/** The layout of a picture of the window; it stays where it was moved to until `what` it shows is another. */
export function plane(state, what) {
  const { x, y } = sides(state);
  return { x, y: { ...y, title: { text: "y" } }, equal: true, uirevision: what };
}

/** The values of such a grid as a surface in space. */
export const surface = ({ x, y, z, range }, more) => ({
  type: "surface",
  x,
  y,
  z,
  colorscale: [
    [0, colour("blue")],
    [1, colour("orange")],
  ],
  cmin: range[0],
  cmax: range[1],
  showscale: false,
  ...more,
});

/** The layout of a picture in space over the window, for values in this range. */
export function space(state, [low, high]) {
  const gap = 0.05 * (high - low);
  return {
    scene: { ...sides(state), z: { range: [low - gap, high + gap] } },
    showlegend: false,
    margin: { l: 0, r: 0, t: 0, b: 0 },
  };
}

/** A drawing as an address of a file in this format, "svg" or "png"; a PNG has twice as many pixels, on `paper`. */
export async function fileOf(svg, width, height, format, paper = null) {
  for (const [key, one] of Object.entries({ xmlns: svg.namespaceURI, width, height })) svg.setAttribute(key, one);
  const address = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(svg))}`;
  if (format === "svg") return address;
  const picture = new Image(),
    canvas = el("canvas", { width: 2 * width, height: 2 * height }),
    ink = canvas.getContext("2d");
  picture.src = address;
  await picture.decode();
  if (paper) {
    ink.fillStyle = paper;
    ink.fillRect(0, 0, canvas.width, canvas.height);
  }
  ink.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}

/** An arrow as a line with a head at its end. */
export function arrow([x, y], [dx, dy], name, ink) {
  return {
    x: [x, x + dx],
    y: [y, y + dy],
    name,
    mode: "lines+markers",
    line: { color: colour(ink), width: 3.5 },
    marker: { color: colour(ink), size: [0, 13], symbol: "arrow", angleref: "previous", opacity: 1 },
    hoverinfo: "skip",
  };
}

// Of each picture the newest version waits to be drawn. While a point is dragged, drawing takes half of the time at
// most, so that the numbers follow at once, however slow the pictures are.
const waiting = new Map();
let drawing = false,
  dragging = false,
  moved = -Infinity; // when a point was dragged last
addEventListener("pointerup", () => {
  dragging = false;
});
addEventListener("pointercancel", () => {
  dragging = false;
});

/** Whether a point was dragged a moment ago; while pictures are drawn, nothing is heard of the pointer. */
export const isMoving = () => performance.now() - moved < 400;

function drawn(plot, draw) {
  return new Promise((resolve) => {
    const older = waiting.get(plot);
    waiting.set(plot, {
      draw,
      resolve: () => {
        older?.resolve();
        resolve();
      },
    });
    if (!drawing) drawAll();
  });
}

async function drawAll() {
  drawing = true;
  document.documentElement.toggleAttribute("data-drawing", true); // for tests
  while (waiting.size) {
    const [plot, { draw, resolve }] = waiting.entries().next().value;
    waiting.delete(plot);
    const start = performance.now();
    try {
      await draw();
    } catch (error) {
      console.error(error); // the pictures after it are drawn all the same
    } finally {
      resolve();
    }
    const took = performance.now() - start;
    if (dragging) await new Promise((done) => setTimeout(done, took));
  }
  drawing = false;
  document.documentElement.toggleAttribute("data-drawing", false);
}

function axis(title, more = {}) {
  return {
    title: { text: title, standoff: 6 },
    gridcolor: colour("line"),
    zerolinecolor: colour("grey"),
    linecolor: colour("line"),
    automargin: false,
    ...more,
  };
}

/** Whether a trace in space is anywhere; WebGL fails at a surface or a point that is not. */
const somewhere = ({ z }) => (z.bdata ? entries(z) : z).some(Number.isFinite);

export class Plot {
  #handles = new Map();
  #drawn = false;
  #onWindow = null;
  #onTouch = null;
  #under = null;

  /** A picture with a name for screen readers; `window(ranges)` is told when its axes were moved or zoomed. */
  constructor({ label, small = false, window = null }) {
    this.canvas = el("div", { class: "canvas", role: "img", "aria-label": label });
    this.element = el("div", { class: `picture${small ? " small" : ""}` }, this.canvas);
    this.#onWindow = window;
    new ResizeObserver(() => {
      // when its room is left it is shown no more, and its size is 0
      if (this.#drawn && this.canvas.getClientRects().length)
        Plotly.Plots.resize(this.canvas).then(() => this.#place());
    }).observe(this.element);
  }

  /** Say what the picture shows, for screen readers. */
  describe(text) {
    this.canvas.setAttribute("aria-label", text);
  }

  /** Show these traces; `layout` is Plotly's, with `x` and `y` (and `scene`) as short forms of the axes. */
  show(traces, layout = {}) {
    return drawn(this, () => this.#show(traces, layout));
  }

  /** Give back what the browser lends to pictures: it has sixteen WebGL contexts, and without a word of ours takes them
   *  back only when it collects garbage. */
  leave() {
    drawn(this, () => {
      const lent = [...this.canvas.querySelectorAll("canvas")].map((canvas) => canvas.getContext("webgl"));
      Plotly.purge(this.canvas);
      this.#drawn = false; // for what still waits, such as a change of its size
      for (const context of lent) context?.getExtension("WEBGL_lose_context")?.loseContext();
    });
  }

  async #show(traces, { x = {}, y = {}, scene = null, equal = false, ...layout }) {
    if (!this.canvas.isConnected) return; // its room was left meanwhile
    const font = { color: colour("text"), family: "inherit", size: 13 };
    const full = {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font,
      margin: { l: 52, r: 12, t: 12, b: 40 },
      showlegend: traces.some((t) => t.showlegend !== false && t.name),
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", bgcolor: "rgba(0,0,0,0)" },
      dragmode: "pan",
      hovermode: "closest",
      uirevision: "kept",
      ...layout,
    };
    if (scene) {
      traces = traces.filter(somewhere);
      const box = (title, more) => ({
        ...axis(title, more),
        title: { text: title, font: { family: "sans-serif", size: 14 } }, // WebGL inherits no font
        backgroundcolor: "rgba(0,0,0,0)",
      });
      full.scene = {
        xaxis: box("x", scene.x),
        yaxis: box("y", scene.y),
        zaxis: box("", scene.z),
        aspectmode: "manual",
        aspectratio: { x: 1, y: 1, z: 0.7 },
        camera: { eye: { x: 1.6, y: -1.6, z: 1.1 }, center: { x: 0, y: 0, z: -0.15 } }, // all labels are inside
      };
      full.dragmode = "orbit";
    } else {
      full.xaxis = axis("x", { ...x, ...(equal && { constrain: "domain" }) });
      full.yaxis = axis("y", { ...y, ...(equal && { scaleanchor: "x", constrain: "domain" }) }); // right angles look right
      if (full.showlegend && !layout.margin) full.margin.t = 40;
    }
    const config = { displayModeBar: false, scrollZoom: true, responsive: false, doubleClick: false };
    await Plotly.react(this.canvas, traces, full, config);
    if (!this.#drawn) {
      this.#drawn = true;
      this.canvas.on("plotly_relayout", () => this.#moved());
      this.canvas.on("plotly_relayouting", () => this.#place());
    }
    this.#place();
  }

  #moved() {
    this.#place();
    const { xaxis, yaxis } = this.canvas._fullLayout;
    if (!this.#onWindow || !xaxis) return;
    const [left, right] = xaxis.range,
      [bottom, top] = yaxis.range;
    this.#onWindow({
      left: rounded(left, right - left),
      right: rounded(right, right - left),
      bottom: rounded(bottom, top - bottom),
      top: rounded(top, top - bottom),
    });
  }

  /** Paint beneath the axes: `paint(context)` on so many pixels, which are stretched over the window; null clears it. */
  underlay(width, height, paint) {
    if (!this.#under) this.element.prepend((this.#under = el("canvas", { class: "under", "aria-hidden": "true" })));
    if (this.#under.width !== width || this.#under.height !== height) Object.assign(this.#under, { width, height });
    const context = this.#under.getContext("2d");
    context.clearRect(0, 0, width, height);
    paint?.(context);
    this.#place();
  }

  /** While `listener` is not null, it is told where the pointer presses the picture, and where it moves while pressed. */
  touch(listener) {
    if (this.#onTouch === null && listener) {
      const tell = (event, first) => {
        const box = this.canvas.getBoundingClientRect(),
          { xaxis, yaxis } = this.canvas._fullLayout;
        const across = event.clientX - box.left - xaxis._offset,
          down = event.clientY - box.top - yaxis._offset;
        if (across < 0 || down < 0 || across > xaxis._length || down > yaxis._length) return;
        this.#onTouch(
          rounded(xaxis.p2l(across), this.#span("xaxis")),
          rounded(yaxis.p2l(down), this.#span("yaxis")),
          first,
        );
      };
      this.canvas.addEventListener("pointerdown", (event) => {
        if (!this.#onTouch || event.button !== 0) return;
        this.canvas.setPointerCapture(event.pointerId); // from Plotly, which covers the page while a button is down
        tell(event, true);
      });
      this.canvas.addEventListener("pointermove", (event) => {
        if (this.#onTouch && event.buttons & 1) tell(event, false);
      });
    }
    if (listener || this.#onTouch) this.#onTouch = listener ?? false; // false: it listens already
    this.canvas.classList.toggle("touched", Boolean(listener));
  }

  /** A point that can be dragged: `move(x, y)` is told where to, `press()` that Enter was pressed on it; `along` is "x"
   * if it moves along that axis alone. */
  handle(name, { label, along = "both", move, press = null, look = "" }) {
    const element = el("div", {
      class: `handle ${look}`,
      role: "slider",
      tabindex: "0",
      "aria-label": label,
      "data-handle": name,
      hidden: true,
    });
    const at = { x: 0, y: 0 };
    const to = (x, y) => move(this.#within("xaxis", x), this.#within("yaxis", y));
    element.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      dragging = true;
      element.focus();
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      if (!element.hasPointerCapture(event.pointerId)) return;
      moved = performance.now();
      const box = this.canvas.getBoundingClientRect(),
        { xaxis, yaxis } = this.canvas._fullLayout;
      to(xaxis.p2l(event.clientX - box.left - xaxis._offset), yaxis.p2l(event.clientY - box.top - yaxis._offset));
    });
    element.addEventListener("keydown", (event) => {
      if (press && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        press();
        return;
      }
      const steps = {
        ArrowLeft: [-1, 0],
        ArrowRight: [1, 0],
        ArrowDown: along === "x" ? [-1, 0] : [0, -1],
        ArrowUp: along === "x" ? [1, 0] : [0, 1],
      }[event.key];
      if (!steps) return;
      event.preventDefault();
      const part = event.shiftKey ? 10 : 100;
      to(at.x + (steps[0] * this.#span("xaxis")) / part, at.y + (steps[1] * this.#span("yaxis")) / part);
    });
    this.element.append(element);
    this.#handles.set(name, { element, at });
  }

  /** A place on an axis, rounded; one beyond its end is the end, so that a point cannot be lost out of sight. */
  #within(which, at) {
    const [low, high] = this.canvas._fullLayout[which].range;
    return rounded(Math.min(high, Math.max(low, at)), high - low);
  }

  #span(which) {
    const [low, high] = this.canvas._fullLayout[which].range;
    return high - low;
  }

  /** Put a point where the state has it; null hides it. */
  put(name, point, text = "") {
    const { element, at } = this.#handles.get(name);
    element.hidden = point === null;
    if (point === null) return;
    [at.x, at.y] = point;
    element.setAttribute("aria-valuenow", at.x);
    element.setAttribute("aria-valuetext", text || `x = ${at.x}, y = ${at.y}`);
    this.#place();
  }

  #place() {
    const layout = this.canvas._fullLayout;
    if (!this.#drawn || !layout.xaxis) return;
    const { xaxis, yaxis } = layout;
    if (this.#under) {
      const places = { left: xaxis._offset, top: yaxis._offset, width: xaxis._length, height: yaxis._length };
      for (const [name, pixels] of Object.entries(places)) this.#under.style[name] = `${pixels}px`;
    }
    for (const { element, at } of this.#handles.values()) {
      const x = xaxis.l2p(at.x),
        y = Math.min(yaxis._length, Math.max(0, Number.isFinite(at.y) ? yaxis.l2p(at.y) : yaxis._length));
      element.style.visibility = x < -1 || x > xaxis._length + 1 ? "hidden" : "";
      element.style.left = `${xaxis._offset + x}px`;
      element.style.top = `${yaxis._offset + y}px`;
    }
  }

  /** The picture as an address of a file in this format, "svg" or "png". */
  image(format) {
    const { width, height } = this.canvas.getBoundingClientRect(),
      { data, layout } = this.canvas;
    const beneath = this.#under && {
      source: this.#under.toDataURL(),
      xref: "paper",
      yref: "paper",
      x: 0,
      y: 1,
      sizex: 1,
      sizey: 1,
      sizing: "stretch",
      layer: "below",
    };
    return Plotly.toImage(beneath ? { data, layout: { ...layout, images: [beneath] } } : this.canvas, {
      format,
      width,
      height,
      scale: format === "png" ? 2 : 1,
    });
  }
}
