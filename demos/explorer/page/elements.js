// Elements of the page, and the controls that a room's entries need.

import { shown, value as valueOf } from "./numbers.js";

let count = 0;

const maker =
  (space) =>
  (name, attributes = {}, ...children) => {
    const element = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(key, value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value != null) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };

/** An element with attributes and children; a function as an attribute listens to the event of that name. */
export const el = maker("http://www.w3.org/1999/xhtml");
/** The same of a drawing, and of a formula. */
export const svg = maker("http://www.w3.org/2000/svg");
export const mathml = maker("http://www.w3.org/1998/Math/MathML");

/** A table that can be scrolled where it is too wide: `heads` of its columns, and rows that start with their own. */
export const table = (label, heads, rows, attributes = {}) =>
  el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    el(
      "table",
      attributes,
      el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, ...rows),
    ),
  );

/** A row of a table: its head, and its cells. */
export const row = (head, cells, attributes = {}) => el("tr", attributes, el("th", { scope: "row" }, head), ...cells);

/** A button that plays a picture step by step: `begin` is called at its start, then `tick` so often. */
export function player(milliseconds, begin, tick) {
  let timer = null;
  function pause() {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  }
  function start() {
    begin();
    button.textContent = "Pause";
    timer = setInterval(tick, milliseconds);
  }
  const button = el("button", { type: "button", click: () => (timer ? pause() : start()) }, "Play");
  return { button, pause };
}

/** A control for one entry of a state: `element`, `show(value)`, `fail(error)` and, on sliders, `mark(value, text)`. */
export function control(name, kind, change) {
  const id = `entry-${name}-${++count}`,
    error = el("p", { class: "error", id: `${id}-error`, role: "alert" });
  const made = MAKERS[kind.control === "number" ? "number" : kind.kind](name, kind, id, change);
  for (const input of made.inputs) input.setAttribute("aria-describedby", error.id);
  const element = el("div", { class: `entry ${kind.kind}`, "data-entry": name }, ...made.children, error);
  return {
    element,
    show: made.show,
    mark: made.mark,
    fail(found) {
      for (const input of made.inputs)
        found ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid");
      error.replaceChildren();
      if (!found) return;
      if (found.column !== null && made.inputs[0].value) {
        error.append(el("pre", { "aria-hidden": "true" }, `${made.inputs[0].value}\n${" ".repeat(found.column)}▲`));
      }
      error.append(found.column === null ? found.message : `column ${found.column + 1}: ${found.message}`);
    },
  };
}

const untouched = (input) => document.activeElement !== input;

const MAKERS = {
  typed(name, kind, id, change) {
    const input = el("input", {
      type: "text",
      id,
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
      input: () => change(input.value),
    });
    return {
      inputs: [input],
      children: [el("label", { for: id }, kind.label), input],
      show: (value) => {
        if (untouched(input) || input.value === "") input.value = value;
      },
    };
  },
  text: (name, kind, id, change) => MAKERS.typed(name, kind, id, change),
  number(name, kind, id, change) {
    const box = el("input", {
      type: "number",
      id,
      min: kind.low,
      max: kind.high,
      step: "any",
      input: () => box.value !== "" && change(Number(box.value)),
      blur: () => {
        if (box.value === "") box.value = last; // emptied, and left so
      },
    });
    let last = kind.default;
    const label = el("label", { for: id }, kind.label);
    if (kind.control === "number")
      return {
        inputs: [box],
        children: [label, box],
        show: (value) => {
          last = value;
          if (untouched(box)) box.value = value;
        },
      };
    const log = kind.scale === "log",
      to = log ? Math.log10 : Number,
      from = log ? (v) => Number((10 ** v).toPrecision(3)) : Number;
    const slider = el("input", {
      type: "range",
      min: to(kind.low),
      max: to(kind.high),
      step: log ? 0.05 : kind.step,
      "aria-label": `${kind.label}, slider`,
      input: () => change(Math.min(kind.high, Math.max(kind.low, from(slider.value)))),
    });
    const mark = el("span", { class: "mark", hidden: true }),
      meaning = el("p", { class: "meaning" }),
      part = (at) => (to(at) - to(kind.low)) / (to(kind.high) - to(kind.low));
    return {
      inputs: [box, slider],
      children: [label, el("div", { class: "both" }, el("div", { class: "track" }, slider, mark), box), meaning],
      mark(at, text) {
        // a place on the slider, such as a rate that is too large
        mark.hidden = !(part(at) >= 0 && part(at) <= 1);
        mark.style.setProperty("--part", part(at));
        meaning.textContent = mark.hidden ? "" : text;
      },
      show(value) {
        last = value;
        if (untouched(box)) box.value = value;
        slider.value = to(value);
      },
    };
  },
  integer: (name, kind, id, change) => MAKERS.number(name, kind, id, change),
  flag(name, kind, id, change) {
    const input = el("input", { type: "checkbox", id, change: () => change(input.checked) });
    return {
      inputs: [input],
      children: [el("label", { for: id }, input, kind.label)],
      show: (value) => {
        input.checked = value;
      },
    };
  },
  choice(name, kind, id, change) {
    const input = el(
      "select",
      { id, change: () => change(input.value) },
      ...kind.options.map(([key, text]) => el("option", { value: key }, text)),
    );
    return {
      inputs: [input],
      children: [el("label", { for: id }, kind.label), input],
      show: (value) => {
        input.value = value;
      },
    };
  },
  several(name, kind, id, change) {
    const inputs = kind.options.map(([key]) =>
      el("input", {
        type: "checkbox",
        value: key,
        change: () =>
          change(
            inputs
              .filter((i) => i.checked)
              .map((i) => i.value)
              .join(","),
          ),
      }),
    );
    const labels = inputs.map((input, i) => el("label", {}, input, kind.options[i][1]));
    return {
      inputs,
      children: [
        el("span", { id }, kind.label),
        el("div", { class: "row", role: "group", "aria-labelledby": id }, ...labels),
      ],
      show: (value) => {
        const on = value.split(",");
        for (const input of inputs) input.checked = on.includes(input.value);
      },
    };
  },
};

/** Named numbers, or words: `show({name: value})` fills them; the full number stands in `data-value`. */
export function numbers(labels, written = shown) {
  const slots = {},
    element = el("dl", { class: "numbers" });
  for (const [name, label] of Object.entries(labels)) {
    const dd = el("dd", { "data-number": name });
    slots[name] = el("div", {}, el("dt", {}, label), dd);
    element.append(slots[name]);
  }
  return {
    element,
    show(values) {
      for (const [name, slot] of Object.entries(slots)) {
        slot.hidden = !(name in values);
        if (slot.hidden) continue;
        const sent = values[name];
        const isWord = typeof sent === "string" && sent !== "nan" && Number.isNaN(valueOf(sent));
        slot.lastChild.textContent = isWord ? sent : written(sent);
        slot.lastChild.dataset.value = sent;
      }
    },
  };
}
