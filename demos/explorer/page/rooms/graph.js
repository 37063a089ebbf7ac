// The computation graph of an expression, through which both sweeps are stepped.

import { el, mathml as m, numbers, player, svg as s } from "../elements.js";
import { shown } from "../numbers.js";
import { colour, fileOf } from "../plots.js";

const INCH = 92; // pixels

export default function make(room) {
  const picture = el("div", { class: "graph scroll", tabindex: "0", role: "region", "aria-label": "the graph" });
  const caption = el("p", { class: "caption", role: "status", "data-part": "caption" }),
    formula = el("p", { class: "formula", "data-part": "formula" });
  const program = el("pre", { class: "program", tabindex: "0", "aria-label": "the generated program" });
  const slider = el("input", {
      type: "range",
      min: 0,
      value: 0,
      "aria-label": "step",
      input: () => go(Number(slider.value)),
    }),
    count = el("output", { "data-number": "step" });
  const back = el("button", { type: "button", click: () => go(at() - 1) }, "Back"),
    next = el("button", { type: "button", click: () => go(at() + 1) }, "Next");
  const found = numbers({ value: "f(x, y)", x: "gradient, ∂f/∂x", y: "gradient, ∂f/∂y" }),
    note = el("p", { class: "note" });
  let last = 0,
    svg = null;

  const at = () => Math.min(room.state.step, last); // another expression may have fewer steps

  const { button: play, pause } = player(
    900,
    () => {
      if (room.state.step >= last) step(0);
    },
    () => (room.state.step >= last ? pause() : step(room.state.step + 1)),
  );
  function go(to) {
    pause();
    step(to);
  }
  function step(to) {
    room.keep({ step: Math.max(0, Math.min(last, to)) });
    room.draw();
  }
  const card = el(
    "div",
    {
      class: "card",
      keydown: (event) => {
        const moves = { ArrowLeft: at() - 1, ArrowRight: at() + 1, Home: 0, End: last };
        if (event.key in moves && event.target !== slider) {
          event.preventDefault();
          go(moves[event.key]);
        }
      },
    },
    el("div", { class: "row" }, back, play, next, el("label", { class: "row grow" }, "step ", count, slider)),
    caption,
    formula,
    picture,
  );

  return {
    plots: [{ element: picture, image: (format) => image(svg, format) }],
    leave: pause,
    groups: [
      { title: "Expression", entries: ["f"] },
      { title: "Point", entries: ["x", "y"] },
    ],
    side: [
      el(
        "p",
        { class: "note" },
        "Step 0 shows the inputs. The forward sweep fills in the values; the backward sweep fills in the cotangent of each value, the derivative of the result by it.",
      ),
    ],
    body: [
      card,
      el("div", { class: "card" }, el("h3", {}, "The gradient as a generated NumPy program"), program),
      el("div", { class: "card" }, el("h3", {}, "Result"), found.element, note),
    ],
    show(answer) {
      last = answer.steps.length;
      slider.max = last;
      const k = at(),
        now = k
          ? answer.steps[k - 1]
          : {
              event: "start",
              caption: "The inputs are given.",
              at: -1,
              known: answer.vertices.filter((v) => v.leaf).length,
              sums: {},
              done: [],
            };
      slider.value = k;
      count.textContent = `${k} of ${last}`;
      back.disabled = k === 0;
      next.disabled = k === last;
      caption.textContent = now.caption;
      formula.replaceChildren(...chainRule(now, k > 1 ? answer.steps[k - 2] : null, answer.vertices));
      found.show({ value: answer.value, ...answer.gradient });
      note.textContent = answer.note;
      svg = draw(answer, now);
      picture.replaceChildren(svg);
      follow(picture, svg.querySelector(".work"));
      showProgram(program, answer, now);
    },
  };
}

function draw({ layout, vertices, steps }, now) {
  const [width, height] = layout.size.map((inches) => inches * INCH + 16),
    X = (x) => x * INCH + 8,
    Y = (y) => height - 8 - y * INCH;
  const svg = s("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": `graph: ${vertices
      .filter((v) => !v.leaf)
      .map((v) => `${v.name} = ${v.expression}`)
      .join(", ")}`,
  });
  svg.append(
    s(
      "defs",
      {},
      s(
        "marker",
        {
          id: "head",
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          markerWidth: 10,
          markerHeight: 10,
          markerUnits: "userSpaceOnUse",
          orient: "auto-start-reverse",
        },
        s("path", { d: "M0 0 8 4 0 8z", fill: "context-stroke", stroke: "none" }),
      ),
    ),
  );
  const used = {}; // of several arrows between two boxes the operands come in order
  const products = steps.filter((step) => step.event === "product");
  for (const { tail, head, path } of layout.edges) {
    const key = `${tail} ${head}`,
      nth = (used[key] = (used[key] ?? -1) + 1);
    const product = products.filter((step) => step.at === head && step.to === tail)[nth];
    const work = now.event === "product" && now.at === head && now.to === tail && now.operand === product?.operand,
      known = head < now.known;
    const points = Array.from({ length: path.length / 2 }, (_, i) => `${X(path[2 * i])} ${Y(path[2 * i + 1])}`);
    svg.append(
      s("path", {
        d: `M${points[0]}C${points.slice(1).join(" ")}`,
        class: `arrow${work ? " working" : ""}`,
        [work ? "marker-start" : "marker-end"]: "url(#head)",
      }),
    );
    if (known && product) {
      const m = (path.length / 4) | 0,
        mx = path[2 * m],
        my = path[2 * m + 1];
      svg.append(
        s(
          "text",
          { x: X(mx), y: Y(my) - 7, class: `partial${work ? " working" : ""}` },
          s("title", {}, `∂${vertices[head].name}/∂${vertices[tail].name} = ${product.partial}`),
          product.partial,
        ),
      );
    }
  }
  vertices.forEach((vertex, i) => {
    const [x, y, w, h] = layout.nodes[i],
      known = i < now.known,
      ct = now.sums[i];
    const state = i === now.at ? "work" : now.done.includes(i) ? "done" : "";
    const group = s("g", { class: `box ${vertex.leaf ? "leaf" : ""} ${state}`, "data-vertex": vertex.name });
    group.append(
      s("rect", {
        x: X(x) - (w * INCH) / 2,
        y: Y(y) - (h * INCH) / 2,
        width: w * INCH,
        height: h * INCH,
        rx: vertex.leaf ? 3 : 10,
      }),
    );
    const result = vertices.at(-1).name,
      lines = [
        vertex.leaf ? vertex.name : `${vertex.name} = ${vertex.expression}`,
        known ? shown(vertex.value) : "",
        ct === undefined ? "" : `∂${result}/∂${vertex.name} = ${shown(ct)}`,
      ];
    lines.forEach((line, k) => {
      const text = s("text", { x: X(x), y: Y(y) + (k - 1) * 18 + 5, class: ["name", "value", "ct"][k] }, line);
      if (line.length * 7.4 > w * INCH - 8) {
        text.setAttribute("textLength", w * INCH - 10);
        text.setAttribute("lengthAdjust", "spacingAndGlyphs");
      }
      group.append(text);
    });
    group.append(s("title", {}, `${vertex.name} = ${vertex.expression}`));
    svg.append(group);
  });
  return svg;
}

function follow(frame, box) {
  if (!box) return;
  const inside = box.getBoundingClientRect(),
    outside = frame.getBoundingClientRect();
  frame.scrollLeft += inside.left + inside.width / 2 - outside.left - outside.width / 2;
}

const math = (...children) => m("math", {}, ...children);
const partial = (of, by) =>
  m("mfrac", {}, m("mrow", {}, m("mo", {}, "∂"), m("mi", {}, of)), m("mrow", {}, m("mo", {}, "∂"), m("mi", {}, by)));
const op = (text) => m("mo", {}, text),
  num = (text) => m("mn", {}, text);

/** The chain rule of a step as mathematics, with its numbers. */
function chainRule(now, before, vertices) {
  const result = vertices.at(-1).name;
  if (now.event === "product") {
    const of = vertices[now.at].name,
      to = vertices[now.to].name,
      sum = now.sums[now.to],
      had = before?.sums[now.to];
    const sign = had === undefined ? [] : [num(shown(had)), op("+")],
      more = had === undefined ? "=" : "+=";
    return [
      math(
        partial(result, to),
        op(more),
        partial(result, of),
        op("·"),
        partial(of, to),
        op("="),
        ...sign,
        num(shown(now.sums[now.at])),
        op("·"),
        num(now.partial.startsWith("-") ? `(${now.partial})` : now.partial),
        op("="),
        num(shown(sum)),
      ),
    ];
  }
  if (now.event === "value") {
    const vertex = vertices[now.at];
    return [
      math(m("mi", {}, vertex.name), op("="), m("mtext", {}, vertex.expression), op("="), num(shown(vertex.value))),
    ];
  }
  if (now.event === "ready" || now.event === "seed")
    return [math(partial(result, vertices[now.at].name), op("="), num(shown(now.sums[now.at])))];
  return [];
}

function showProgram(pre, answer, now) {
  const block =
    answer.blocks[
      now.event === "value" ? "forward" : now.event === "ready" || now.event === "product" ? String(now.at) : ""
    ];
  pre.replaceChildren(
    ...answer.program.map((line, i) => el(block && i >= block[0] && i < block[1] ? "mark" : "span", {}, `${line}\n`)),
  );
}

/** The graph as an address of a file, with the colours that it has on the page. */
function image(svg, format) {
  const copy = svg.cloneNode(true),
    from = [svg, ...svg.querySelectorAll("*")],
    to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((element, i) => {
    const look = getComputedStyle(element);
    for (const name of ["fill", "stroke", "stroke-width", "font", "text-anchor"])
      to[i].style.setProperty(name, look.getPropertyValue(name));
  });
  const [width, height] = [svg.width, svg.height].map(({ baseVal }) => baseVal.value);
  return fileOf(copy, width, height, format, colour("card"));
}
