// A network that learns: its decisions, losses, gradients and weights, frame by frame; points can be painted.

import { el, numbers, row, table } from "../elements.js";
import { rows, shown, value } from "../numbers.js";
import { Plot } from "../plots.js";
import { Diagram } from "./network-diagram.js";
import {
  brief,
  paintCurve,
  paintPlane,
  points,
  showConfusion,
  showDiagram,
  showFlow,
  showImages,
  showLayers,
  showLosses,
  STILL,
} from "./network-pictures.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export default function make(room) {
  const plot = new Plot({ label: "decision boundary" }),
    losses = new Plot({ label: "losses", small: true }),
    flow = new Plot({ label: "gradients", small: true });
  const diagram = new Diagram(),
    brush = { x: 0, y: 0 };
  const found = numbers(
    {
      epoch: "epoch",
      loss: "loss",
      accuracy: "accuracy",
      milliseconds: "ms in the engine",
      step: "step",
      validation_loss: "validation loss",
      validation_accuracy: "validation accuracy",
      fps: "frames a second",
    },
    (sent) => brief(value(sent)),
  );

  // --- learning ---
  let running = false,
    loaded = null,
    drawnData = null,
    drawnAs = "";
  const drawnAt = new Map(); // when each of the other pictures was drawn
  let turn = 0,
    frame = 25,
    fps = null; // which run this is; milliseconds of a frame, on average; frames a second of the latest run
  const train = el(
    "button",
    { type: "button", class: "main", id: "train", click: () => (running ? pause() : run()) },
    "Train",
  );
  const stepper = el(
    "button",
    {
      type: "button",
      id: "step",
      click: () => {
        pause();
        once("step");
      },
    },
    "One step",
  );
  const again = el("button", { type: "button", id: "again", click: () => once("reset") }, "Start again");
  const stuck = el("button", { type: "button", id: "why", click: ask }, "Why is it stuck?");

  async function take(answer) {
    if (!answer) return;
    if (fps) answer.numbers.fps = fps;
    room.answer = { ...room.answer, waiting: "", ...answer };
    await room.draw();
  }

  async function once(what) {
    await take(await room.ask(what));
  }

  function pause() {
    running = false;
    train.textContent = "Train";
  }

  /** Ask for a frame while the one before is drawn, until there is a reason to stop. */
  async function run() {
    const mine = ++turn;
    running = true;
    train.textContent = "Pause";
    let began = performance.now(),
      last = began,
      frames = 0,
      coming = room.ask("advance");
    while (running && turn === mine) {
      const answer = await coming;
      if (!answer) break;
      if (running && !answer.ended) coming = room.ask("advance");
      if (++frames === 15) {
        [fps, frames, began] = [15000 / (performance.now() - began), 0, performance.now()];
      }
      if (answer.ended) pause();
      await take(answer);
      frame = 0.8 * frame + 0.2 * (performance.now() - last);
      last = performance.now();
      await new Promise((done) => (calm.matches ? setTimeout(done, 1000) : requestAnimationFrame(done)));
    }
    const late = running ? null : await coming;
    if (turn !== mine) return; // it was paused, and another run has begun
    pause();
    if (late)
      await take(late); // the last frame was asked for before the pause
    else if (room.answer && !room.answer.waiting) await room.draw();
  }

  // --- why is it stuck? ---
  const verdict = el("div", { class: "card", hidden: true, "aria-live": "polite", "data-part": "verdict" });
  let told = null; // the step at which the verdict was given
  async function ask() {
    const answer = await room.ask("why");
    if (!answer) return;
    verdict.hidden = false;
    told = value(room.answer.numbers.step);
    const { state: name, why, remedy } = answer.verdict;
    verdict.replaceChildren(
      el(
        "div",
        { class: "row" },
        el("h3", {}, "Why is it stuck? The monitor says"),
        el(
          "button",
          {
            type: "button",
            class: "end",
            "aria-label": "Close the verdict",
            click: () => {
              verdict.hidden = true;
              stuck.focus();
            },
          },
          "Close",
        ),
      ),
      el("p", { class: "verdict" }, el("b", { "data-part": "state" }, name), `: ${why}.`),
      el("p", { class: "verdict", "data-part": "remedy" }, remedy && `What to try: ${remedy}.`),
      ...(answer.ended ? [el("p", { class: "error" }, answer.ended)] : []),
      ...(answer.layers.length
        ? [
            table(
              "verdicts by layer",
              ["layer", "verdict", "why"],
              answer.layers.map((one) => row(one.layer, [el("td", {}, one.state), el("td", {}, one.why)])),
              { class: "words" },
            ),
          ]
        : []),
    );
    verdict.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
  }

  // --- painting ---
  function paint(x, y) {
    const { paintable } = room.answer.data,
      level = (v) =>
        Math.round((Math.max(-paintable.side, Math.min(paintable.side, v)) + paintable.side) * paintable.fine);
    const { digits } = paintable,
      code = (v) => digits[Math.floor(level(v) / digits.length)] + digits[level(v) % digits.length];
    if (room.state.points.length >= 5 * paintable.most) {
      room.fail({ entry: "points", message: `${paintable.most} points are the most; undo some to paint more` });
      return;
    }
    [brush.x, brush.y] = [x, y];
    room.set({ points: `${room.state.points}${code(x)}${code(y)}${room.state.brush}` });
  }
  let stroke = null; // where the last point of a stroke is
  const touched = (x, y, first) => {
    const side = room.answer.data.paintable.side;
    if (!first && (!stroke || Math.hypot(x - stroke[0], y - stroke[1]) < side / 12)) return;
    stroke = [x, y];
    paint(x, y);
  };
  plot.handle("brush", {
    label: "brush: move it with the arrow keys, paint with Enter",
    look: "brush",
    move: (x, y) => {
      [brush.x, brush.y] = [x, y];
      plot.put("brush", [x, y]);
    },
    press: () => paint(brush.x, brush.y),
  });
  const classes = room.kinds.brush.options.map(([key, label]) =>
    el("button", { type: "button", "data-brush": key, click: () => room.set({ brush: key }) }, label),
  );
  const painting = el(
    "div",
    { class: "card row", role: "group", "aria-label": "painting" },
    el("span", {}, "Paint"),
    ...classes,
    el(
      "button",
      { type: "button", id: "undo", click: () => room.set({ points: room.state.points.slice(0, -5) }) },
      "Undo",
    ),
    el("button", { type: "button", id: "clear", click: () => room.set({ points: "" }) }, "Clear"),
  );

  // --- tables ---
  const file = el("input", {
    type: "file",
    id: "file",
    accept: ".csv,.tsv,.txt,text/csv",
    change: () => file.files[0] && load(file.files[0]),
  });
  const target = el("select", {
    id: "target",
    change: () =>
      choose({
        target: target.value,
        drop: room.state.drop
          .split("\n")
          .filter((c) => c !== target.value)
          .join("\n"),
      }),
  });
  const kept = el("div", { class: "row", role: "group", "aria-label": "columns to learn from" });
  const tables = el(
    "div",
    { class: "card", "data-part": "table" },
    el(
      "div",
      { class: "row" },
      el("label", { for: "file" }, "CSV file"),
      file,
      el("label", { for: "target" }, "predict"),
      target,
    ),
    el("details", {}, el("summary", {}, "columns to learn from"), kept),
    el(
      "p",
      { class: "note" },
      "The file stays on this machine: the page sends it to the engine beside it, and it is no part of a link.",
    ),
  );

  const choose = (changes) => {
    room.set(changes);
    showTable(room.state);
  }; // also where the table cannot be used so

  async function load(one) {
    pause();
    const most = room.kinds.table.length;
    if (one.size > most) {
      room.fail({
        entry: "table",
        message: `${one.name} has ${one.size.toLocaleString("en")} bytes; at most ${most.toLocaleString("en")} can be loaded`,
      });
      return;
    }
    loaded = { text: await one.text(), name: one.name.slice(0, room.kinds.file.length) };
    file.value = ""; // so that the same file can be chosen again after a correction
    const answer = await send();
    if (answer) choose({ data: "table", file: loaded.name, target: answer.columns.at(-1), drop: "" });
  }

  async function send() {
    const answer = await room.ask("columns", { file: loaded.name, table: loaded.text });
    if (!answer) return null;
    loaded.columns = answer.columns;
    target.replaceChildren(...loaded.columns.map((name) => el("option", { value: name }, name)));
    return answer;
  }

  function showTable(s) {
    tables.hidden = s.data !== "table";
    target.disabled = !loaded?.columns;
    if (tables.hidden || !loaded?.columns) return;
    target.value = s.target;
    const state = JSON.stringify([loaded.columns, s.target, s.drop]);
    if (kept.dataset.state === state) return;
    kept.dataset.state = state;
    const dropped = s.drop.split("\n");
    kept.replaceChildren(
      ...loaded.columns
        .filter((name) => name !== s.target)
        .map((name) =>
          el(
            "label",
            {},
            el("input", {
              type: "checkbox",
              checked: !dropped.includes(name),
              "data-column": name,
              change: ({ target: box }) =>
                choose({
                  drop: (box.checked ? dropped.filter((c) => c !== name) : [...dropped, name])
                    .filter(Boolean)
                    .join("\n"),
                }),
            }),
            ` ${name}`,
          ),
        ),
    );
  }

  // --- showing ---
  const notes = el("p", { class: "note", role: "status", "data-part": "notes" }),
    usual = el("p", { class: "note" });
  const sheet = el("div", { class: "sheet" }),
    confusion = el("div", {}),
    layers = el("div", {});
  const hollow = el("p", { class: "note" }, "Hollow points are for validation: it does not learn from them.");
  const decisions = el("h3", {}),
    answersCard = el("div", { class: "card" }, decisions, plot.element, hollow, sheet),
    confusionCard = el("div", { class: "card" }, confusion);
  const networkCard = el(
    "div",
    { class: "card" },
    el("h3", {}, "Network"),
    diagram.element,
    el(
      "p",
      { class: "note" },
      "Orange edges are positive weights, blue dashed ones negative, grey ones norms of whole layers; point at one for its number.",
    ),
  );
  const toy = (s) => !["digits", "painted", "table"].includes(s.data);
  return {
    plots: [plot, diagram, losses, flow],
    groups: [
      { title: "Data", entries: ["data"] },
      { title: "Points", entries: ["n", "noise"], when: toy },
      { title: "Table", entries: ["reading"], when: (s) => s.data === "table" },
      { title: "Network", entries: ["layers", "activation"] },
      { title: "Learning", entries: ["rate", "pace", "optimiser", "loss", "decay", "batch"] },
      { title: "Chance", entries: ["share", "seed"] },
    ],
    side: [usual],
    body: [
      el("div", { class: "card bar" }, el("div", { class: "keys" }, train, stepper, again, stuck), found.element),
      verdict,
      painting,
      tables,
      notes,
      el(
        "div",
        { class: "pictures" },
        answersCard,
        confusionCard,
        networkCard,
        el("div", { class: "card" }, el("h3", {}, "Loss"), losses.element),
        el("div", { class: "card" }, el("h3", {}, "Gradient of each layer"), flow.element),
      ),
      el("div", { class: "card" }, el("h3", {}, "Layers at the latest watched batch"), layers),
    ],
    leave: pause,
    missing: (s) =>
      s.data === "table" && s.file
        ? `The table ${s.file} is no part of it: whoever opens it loads the file again.`
        : "",
    async show(answer, s) {
      const data = answer.data,
        empty = Boolean(answer.waiting),
        step = value(answer.numbers.step);
      if (empty || step < told || (told === 0 && step > 0)) verdict.hidden = true; // it was of another network
      if (empty && s.data === "table" && loaded && loaded.name === s.file && !loaded.again) {
        // the worker was replaced
        loaded.again = true;
        if (await send()) return room.refresh();
      } else if (loaded) loaded.again = false;
      for (const button of [train, stepper, again]) button.disabled = empty;
      if (empty) pause();
      painting.hidden = s.data !== "painted";
      for (const button of classes) button.setAttribute("aria-pressed", String(button.dataset.brush === s.brush));
      showTable(s);
      plot.touch(s.data === "painted" ? touched : null);
      notes.textContent = answer.waiting || answer.ended || data.notes.join(" ");
      usual.textContent = data.rates ?? "";
      found.show(answer.numbers);
      await showDecisions(answer, s);
      plot.put("brush", s.data === "painted" ? [brush.x, brush.y] : null);
      for (const card of [diagram, losses, flow]) card.element.parentElement.style.visibility = empty ? "hidden" : ""; // nothing moves under the brush
      layers.parentElement.hidden = empty || !answer.layers.length;
      if (empty) return;
      const others = [
        [Math.max(100, diagram.edges / 2), showDiagram, diagram],
        [300, showLosses, losses],
        [300, showFlow, flow],
        [200, showLayers, layers],
        ...(sheet.hidden ? [] : [[100, showImages, sheet]]),
        ...(confusionCard.hidden ? [] : [[150, showConfusion, confusion]]),
      ];
      const now = performance.now(),
        slow = Math.max(1, frame / 25);
      for (const [every, draw, where] of others) {
        // while it learns, one of them in a frame, each so often
        if (running && now - drawnAt.get(draw) < every * slow) continue;
        drawnAt.set(draw, now);
        await draw(where, answer);
        if (running) break;
      }
    },
  };

  async function showDecisions(answer, s) {
    const { data } = answer,
      empty = Boolean(answer.waiting),
      plane = data.picture === "plane" || data.picture === "curve";
    decisions.textContent =
      {
        plane: data.classes.length ? "Decision boundary" : "Prediction",
        curve: "Prediction",
        images: "Digits it has not learnt from",
      }[data.picture] ?? "Numbers of more than two columns: see the loss";
    plot.element.hidden = !plane;
    sheet.hidden = data.picture !== "images";
    confusionCard.hidden = !answer.confusion || plane;
    networkCard.style.gridColumn = sheet.hidden ? "" : "1 / -1";
    answersCard.hidden = !plane && sheet.hidden && !confusionCard.hidden;
    hollow.hidden = !plane || !(data.rows?.validation > 0);
    if (!plane) return;
    const [left, right, bottom, top] = data.window,
      k = data.classes.length;
    const drawn = JSON.stringify([data.picture, document.documentElement.dataset.theme, s.data]);
    if (data !== drawnData || drawn !== drawnAs) {
      // axes and points stay while it learns
      [drawnData, drawnAs] = [data, drawn];
      await plot.show(points(data, k), {
        ...STILL,
        x: {
          range: [left, right],
          title: { text: data.names[0] ?? "x" },
          fixedrange: true,
          showgrid: s.data === "painted",
          zeroline: false,
        },
        y: {
          range: [bottom, top],
          title: { text: data.names[1] ?? "y", standoff: 2 },
          fixedrange: true,
          showgrid: s.data === "painted",
          zeroline: false,
        },
        hovermode: s.data === "painted" ? false : "closest",
      });
    }
    const side = answer.surface ? (running ? 160 : 320) : 800;
    plot.underlay(
      side,
      side,
      empty
        ? null
        : (context) =>
            answer.surface
              ? paintPlane(context, side, rows(answer.surface), k, data.range)
              : paintCurve(context, side, answer.curve, data.window),
    );
    const { accuracy, validation_accuracy: held, loss } = answer.numbers;
    plot.describe(
      answer.waiting ||
        `${data.classes.length ? "decision boundary" : "prediction"} over ${data.names.join(", ")}; loss ${shown(loss)}${accuracy === undefined ? "" : `, training accuracy ${shown(accuracy)}`}${held === undefined ? "" : `, validation accuracy ${shown(held)}`}`,
    );
  }
}
