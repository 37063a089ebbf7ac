// The pictures of a network that learns, from what the engine sent: nothing is computed here but where to draw.

import { el, row, table } from "../elements.js";
import { entries, rows, shape, shown, value } from "../numbers.js";
import { colour, pale, parts } from "../plots.js";

const INKS = ["blue", "orange", "green", "purple", "red", "teal", "grey"]; // of classes and of layers, in turn
const SHAPES = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "x",
  "star",
  "pentagon",
  "hexagon",
  "triangle-down",
];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid"];

/** The layout of a plot that is not moved or zoomed. */
export const STILL = { dragmode: false, margin: { l: 70, r: 14, t: 34, b: 40 } };

const percent = (share) => `${Math.round(100 * value(share))} %`;

/** A number that changes many times a second, with four digits. */
export const brief = (x) =>
  Number.isFinite(x) && Math.abs(x) >= 1e-3 && Math.abs(x) < 1e6
    ? String(Number(x.toPrecision(4)))
    : x === 0
      ? "0"
      : shown(Number(x.toPrecision(4))).replace(/\.?0+·/, "·");

/** Paint what the network says over the plane: the likeliest class, paler where it is less certain, and the boundaries.
 *
 * `planes` hold the probabilities at a grid, of two classes those of the second alone; between its points they are
 * interpolated. A boundary is drawn where the lead of the winner, over the steepness of the lead, is about a pixel.
 */
export function paintPlane(context, side, planes, k, [low, high]) {
  const picture = context.createImageData(side, side),
    { data } = picture,
    n = Math.round(Math.sqrt(planes[0].length)),
    count = planes.length;
  const winners = new Int8Array(side * side),
    leads = new Float64Array(side * side),
    line = parts("text"),
    paper = parts("card"),
    inks = (k ? INKS : ["blue"]).map(parts);
  for (let row = 0, pixel = 0; row < side; row++) {
    const v = (1 - (row + 0.5) / side) * (n - 1),
      i = Math.min(n - 2, Math.floor(v)),
      up = v - i; // the first row of the planes is the lowest
    for (let column = 0; column < side; column++, pixel++) {
      const u = ((column + 0.5) / side) * (n - 1),
        j = Math.min(n - 2, Math.floor(u)),
        on = u - j,
        corner = i * n + j;
      let best = -Infinity,
        second = -Infinity,
        winner = 0;
      for (let c = 0; c < count; c++) {
        const z = planes[c],
          here =
            (1 - up) * ((1 - on) * z[corner] + on * z[corner + 1]) +
            up * ((1 - on) * z[corner + n] + on * z[corner + n + 1]);
        if (!(here <= best)) {
          second = best;
          best = here;
          winner = c;
        } else if (here > second) second = here;
      }
      let sure,
        lead = 1;
      if (k > 2) {
        lead = best - second;
        sure = (best - 1 / k) / (1 - 1 / k);
      } else if (k) {
        winner = best > 0.5 ? 1 : 0;
        lead = Math.abs(2 * best - 1);
        sure = lead;
      } else sure = (best - low) / (high - low || 1);
      winners[pixel] = winner;
      leads[pixel] = lead;
      let edge = 0;
      if (k && row && column) {
        const left = winners[pixel - 1] === winner ? -leads[pixel - 1] : leads[pixel - 1],
          above = winners[pixel - side] === winner ? -leads[pixel - side] : leads[pixel - side];
        edge = Math.max(0, Math.min(1, 1.7 - lead / Math.max(Math.abs(lead + left), Math.abs(lead + above), 1e-9)));
      }
      const part = 0.08 + 0.55 * Math.max(0, Math.min(1, sure)),
        ink = inks[winner % inks.length];
      for (let c = 0; c < 3; c++) {
        const back = paper[c] + part * (ink[c] - paper[c]);
        data[4 * pixel + c] = back + edge * (line[c] - back);
      }
      data[4 * pixel + 3] = Number.isFinite(sure) ? 255 : 0;
    }
  }
  context.putImageData(picture, 0, 0);
}

/** Paint the curve of a network of one number. */
export function paintCurve(context, side, { x, y }, [left, right, bottom, top]) {
  const xs = entries(x),
    ys = entries(y);
  context.beginPath();
  ys.forEach((v, i) => context.lineTo((side * (xs[i] - left)) / (right - left), (side * (top - v)) / (top - bottom)));
  context.lineWidth = 9;
  context.strokeStyle = colour("orange");
  context.stroke();
}

/** The points: of each class those that it learns from, filled, and those of validation, hollow. */
export function points({ points: p, classes, rows: counts }, k) {
  const [x, y, label, held] = [p.x, p.y, p.label, p.held].map(entries),
    traces = [];
  if (k === 0) {
    for (const part of [0, 1]) {
      const mine = [...held.keys()].filter((i) => held[i] === part);
      if (mine.length)
        traces.push({
          x: mine.map((i) => x[i]),
          y: mine.map((i) => y[i]),
          mode: "markers",
          name: part ? "validation" : "training",
          marker: { color: colour("blue"), size: 6, symbol: part ? "circle-open" : "circle", opacity: 0.45 },
          hoverinfo: "x+y",
        });
    }
    return traces;
  }
  for (let c = 0; c < k; c++) {
    for (const part of [0, 1]) {
      const mine = [...held.keys()].filter((i) => label[i] === c && held[i] === part),
        ink = colour(INKS[c % 7]);
      if (!mine.length) continue;
      const marker = part
        ? { color: "rgba(0,0,0,0)", symbol: SHAPES[c % 10], size: 6.5, line: { color: ink, width: 1.5 } }
        : { color: ink, symbol: SHAPES[c % 10], size: 7.5, line: { color: colour("card"), width: 1 } };
      traces.push({
        x: mine.map((i) => x[i]),
        y: mine.map((i) => y[i]),
        mode: "markers",
        name: `class ${classes[c]}${part ? ", validation" : ""}`,
        showlegend: k <= 4 && part === 0,
        marker,
        hoverinfo: "x+y+name",
      });
    }
  }
  return traces;
}

/** A logarithmic axis around all positive numbers, with labels that do not crowd. */
function logarithmic(title, series) {
  let low = Infinity,
    high = 0;
  for (const y of series)
    for (const v of entries(y)) if (v > 0 && v < Infinity) [low, high] = [Math.min(low, v), Math.max(high, v)];
  if (high === 0) [low, high] = [0.1, 1];
  const [bottom, top] = [Math.log10(low) - 0.1, Math.log10(high) + 0.1],
    spare = Math.max(0, 0.8 - (top - bottom)) / 2;
  return {
    type: "log",
    title: { text: title, standoff: 2 },
    fixedrange: true,
    range: [bottom - spare, top + spare],
    dtick: top - bottom > 2.2 ? Math.ceil((top - bottom) / 5) : "D2",
    tickformat: "~g",
  };
}

export function showDiagram(diagram, { diagram: sent, data }) {
  const { sizes } = sent,
    outputs = data.classes.length ? (sizes.at(-1) > 1 ? data.classes : [data.classes.at(-1)]) : [data.names.at(-1)];
  diagram.show(sent, data.names.length > 20 ? [] : data.names.slice(0, sizes[0]), outputs);
  diagram.describe(
    `network of ${sizes[0]} inputs, ${
      sizes
        .slice(1, -1)
        .map((n) => `${n} units`)
        .join(", ") || "no hidden layer"
    } and ${sizes.at(-1)} outputs`,
  );
}

export async function showLosses(plot, { course }) {
  const { step, loss, validation_loss: held } = course,
    lines = [
      {
        x: step,
        y: loss,
        name: "training",
        mode: "lines",
        line: { color: colour("blue"), width: 2 },
        hoverinfo: "x+y+name",
      },
    ];
  if ([...entries(held)].some(Number.isFinite))
    lines.push({
      x: step,
      y: held,
      name: "validation",
      mode: "lines",
      line: { color: colour("orange"), width: 2, dash: "dash" },
      hoverinfo: "x+y+name",
    });
  await plot.show(lines, {
    ...STILL,
    x: { title: { text: "step" }, fixedrange: true },
    y: logarithmic("loss", [loss, held]),
  });
  plot.describe(`losses by step on a logarithmic axis; the training loss is ${shown([...entries(loss)].at(-1))} now`);
}

export async function showFlow(plot, { course }) {
  const seen = course.gradients.map((g) => [...entries(g)]),
    any = seen.some((g) => g.some(Number.isFinite));
  const lines = seen.map((y, i) => ({
    x: course.step,
    y,
    name: `layer ${i + 1}`,
    mode: "lines",
    line: { color: colour(INKS[i % 7]), width: 2, dash: DASHES[i % 7] },
    hoverinfo: "x+y+name",
  }));
  await plot.show(lines, {
    ...STILL,
    x: { title: { text: "step" }, fixedrange: true },
    y: logarithmic("norm of the gradient", course.gradients),
    annotations: any
      ? []
      : [{ text: "no gradients were seen yet", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }],
  });
  plot.describe(
    `norm of the gradient of each layer by step: ${seen.map((g, i) => `layer ${i + 1} ${shown(g.at(-1))}`).join(", ")}`,
  );
}

const COLUMNS = {
  weight: "weights",
  gradient: "gradient",
  ratio: "update / weight",
  mean: "mean output",
  spread: "spread",
  dead: "dead",
  saturated: "saturated",
};

export function showLayers(box, { layers }) {
  const cell = (one, name) => {
    const x = value(one[name]),
      text = Number.isNaN(x)
        ? ""
        : name === "dead" || name === "saturated"
          ? percent(x)
          : brief(Number(x.toPrecision(3)));
    return el("td", { "data-number": `${name}-${one.layer}`, "data-value": one[name] }, text);
  };
  const line = (one) =>
    row(
      `${one.layer} ${one.kind}`,
      Object.keys(COLUMNS).map((name) => cell(one, name)),
    );
  box.replaceChildren(table("measurements by layer", ["layer", ...Object.values(COLUMNS)], layers.map(line)));
}

/** Some images with what the network says of them; drawn once, the words change. */
export function showImages(
  box,
  {
    data: {
      images: { ink, label },
    },
    predictions,
  },
) {
  const labels = entries(label),
    said = entries(predictions.label),
    sure = entries(predictions.share),
    [n, side] = shape(ink),
    pixels = entries(ink);
  if (box.dataset.of !== ink.bdata.slice(0, 400)) {
    box.dataset.of = ink.bdata.slice(0, 400);
    box.replaceChildren(
      ...Array.from({ length: n }, (_, i) => {
        const canvas = el("canvas", { width: Math.sqrt(side), height: Math.sqrt(side), "aria-hidden": "true" }),
          picture = new ImageData(Math.sqrt(side), Math.sqrt(side));
        for (let k = 0; k < side; k++)
          picture.data.set([0, 1, 2].map(() => 255 - Math.min(255, 16 * pixels[i * side + k])).concat(255), 4 * k);
        canvas.getContext("2d").putImageData(picture, 0, 0);
        return el("figure", {}, canvas, el("figcaption"));
      }),
    );
  }
  [...box.children].forEach((figure, i) => {
    const words = figure.lastChild,
      right = said[i] === labels[i];
    words.textContent = right ? `${said[i]} ✓` : `${said[i]} ✗`;
    words.className = right ? "" : "wrong";
    figure.title = `a ${labels[i]}, taken for a ${said[i]} with ${percent(sure[i])}`;
  });
}

export function showConfusion(box, { confusion: sent, data: { classes } }) {
  const counts = rows(sent),
    sums = counts.map((row) => row.reduce((a, b) => a + b, 0) || 1);
  const cell = (n, i, j) =>
    el(
      "td",
      {
        "data-number": `confusion-${i}-${j}`,
        "data-value": n,
        style: n ? `background: ${pale(i === j ? "blue" : "orange", 0.12 + (0.55 * n) / sums[i])}` : null,
      },
      n ? String(n) : "·",
    );
  box.replaceChildren(
    el("h3", {}, "Confusion"),
    table(
      "confusion: right classes by row, predictions by column",
      ["is \\ said", ...classes],
      counts.map((line, i) =>
        row(
          classes[i],
          Array.from(line, (n, j) => cell(n, i, j)),
        ),
      ),
    ),
  );
}
