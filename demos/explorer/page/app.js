// The frame of the page: rooms, the state in the address, the tools. What a room shows is in rooms/.

import { control, el } from "./elements.js";
import { Link } from "./link.js";
import { isMoving } from "./plots.js";

const ROOMS = ["curve", "surface", "descent", "graph", "network", "fields"];
const main = document.querySelector("#room"),
  said = document.querySelector("#said"),
  nav = document.querySelector("#rooms");
const link = new Link(`ws://${location.host}/engine`);
const say = (message, bad = false) => {
  said.textContent = message;
  said.classList.toggle("bad", bad);
};
link.addEventListener("said", ({ detail }) => say(detail, detail !== ""));

let described,
  room = null; // what the server says of the rooms; the room that is shown

/** The state that an address holds: `#curve?f="x**2"&x=1`, each entry as JSON; what is not there has its default. */
function read(hash) {
  const [name, query = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const id = ROOMS.includes(name) && name in described ? name : ROOMS.find((known) => known in described);
  const state = Object.fromEntries(Object.entries(described[id].state).map(([entry, kind]) => [entry, kind.default]));
  for (const [entry, text] of new URLSearchParams(query)) {
    if (!Object.hasOwn(state, entry)) continue;
    state[entry] = text; // what is no JSON; and texts stay texts, as in f=5
    try {
      const given = JSON.parse(text);
      if (typeof given === "string" || typeof described[id].state[entry].default !== "string") state[entry] = given;
    } catch {
      /* a text */
    }
  }
  return [id, state];
}

function address(id, state) {
  const query = new URLSearchParams();
  for (const [entry, kind] of Object.entries(described[id].state)) {
    if (state[entry] !== kind.default) query.set(entry, JSON.stringify(state[entry]));
  }
  const text = query.toString();
  return `#${id}${text ? `?${text}` : ""}`;
}

let writing = null,
  here = null; // the address of what is shown; another one in the bar is one that is about to be entered
function write() {
  // browsers count how often an address changes
  writing ??= setTimeout(written, 250);
}
function written() {
  // also before the page or the room is left, so that Back and a reload lead to what was shown
  if (writing === null) return;
  clearTimeout(writing);
  writing = null;
  if (location.hash !== here) return;
  history.replaceState(null, "", address(room.id, room.state));
  here = location.hash;
}

/** What a room sees: its state, and the ways to change it and to ask the engine. */
class Room {
  controls = {};
  program = "";
  #kept = {};

  constructor(id, state, made) {
    this.id = id;
    this.state = state;
    this.kinds = described[id].state;
    this.made = made(this);
    const groups = this.made.groups.map(({ title, entries, when }) => {
      const children = entries.map(
        (entry) =>
          (this.controls[entry] = control(entry, this.kinds[entry], (value) => this.set({ [entry]: value }))).element,
      );
      return Object.assign(el("fieldset", {}, el("legend", {}, title), ...children), { when });
    });
    this.groups = groups;
    this.error = el("p", { class: "error", role: "alert", id: "room-error" });
    this.element = el(
      "div",
      {},
      el("h2", {}, described[id].title),
      el("p", { class: "about" }, described[id].about),
      el(
        "div",
        { class: "room" },
        el("div", { class: "side" }, el("div", { class: "card" }, ...groups), ...(this.made.side ?? [])),
        el("div", {}, this.error, ...this.made.body),
      ),
    );
    this.mirror();
  }

  /** Change entries of the state and show what follows. */
  set(changes) {
    Object.assign(this.state, changes);
    this.mirror();
    write();
    return this.refresh();
  }

  /** Change entries that nothing has to be computed for, such as the step that is shown. */
  keep(changes) {
    Object.assign(this.state, changes);
    write();
  }

  #key(entries) {
    return JSON.stringify(entries.map((entry) => this.state[entry]));
  }

  /** The answer to `what`, which follows from these entries alone. It is asked for when one of them has changed, and
   *  drawn when it is there; until then the answer before it is given, or null. If it is refused, `refused` makes an
   *  answer of the message; without it the error is shown until one of the entries changes. */
  also(what, entries, refused = null) {
    const key = this.#key(entries),
      kept = this.#kept[what];
    if (kept?.key === key) return kept.answer;
    this.#kept[what] = { key, answer: kept?.answer ?? null };
    link.ask(this.id, what, this.state).then((answer) => {
      const now = this.#kept[what];
      if (answer === null || room !== this || now.key !== key) return;
      if (!answer.error) now.answer = answer;
      else if (refused) now.answer = refused(answer.error.message);
      else this.#refuse(now, answer.error);
      this.draw();
    });
    return this.#kept[what].answer;
  }

  /** Ask for `what`, which takes longer and follows from these entries alone, if one of them has changed and then
   *  nothing for a moment; the answer is given to `show`, for which `element` waits. */
  whenAtRest(what, entries, element, show) {
    const now = { key: this.#key(entries) },
      state = { ...this.state }; // which may change before it is asked
    if (this.#kept[what]?.key === now.key) return;
    this.#kept[what] = now;
    element.setAttribute("aria-busy", "true");
    const current = () => room === this && this.#kept[what] === now;
    const rest = () =>
      setTimeout(async () => {
        if (!current()) return;
        if (isMoving()) return rest();
        const answer = await link.ask(this.id, what, state);
        if (answer === null || !current()) return;
        if (answer.error) this.#refuse(now, answer.error);
        else show(answer);
        element.setAttribute("aria-busy", "false");
      }, 150);
    rest();
  }

  /** Show why there is no answer, until it follows from other entries; one that was lost is asked for again. */
  #refuse(kept, error) {
    if (error.lost) kept.key = null;
    else kept.error = error;
    this.fail(error);
  }

  mirror() {
    for (const [entry, one] of Object.entries(this.controls)) one.show(this.state[entry]);
    for (const group of this.groups) group.hidden = group.when ? !group.when(this.state) : false;
  }

  /** Ask the engine for `what`; errors are shown where they belong. Null if there is nothing to show. */
  async ask(what, state = this.state) {
    const answer = await link.ask(this.id, what, state);
    if (answer === null || room !== this) return null;
    this.fail(answer.error ?? Object.values(this.#kept).find(({ error }) => error)?.error ?? null);
    if (what === "view") this.element.classList.toggle("stale", Boolean(answer.error)); // of what was there before
    if (answer.error) return null;
    if (answer.python) this.program = answer.python;
    return answer;
  }

  fail(error) {
    for (const [entry, one] of Object.entries(this.controls)) one.fail(error && error.entry === entry ? error : null);
    this.error.textContent = error && !(error.entry in this.controls) ? error.message : "";
  }

  async refresh() {
    const answer = await this.ask("view");
    if (answer && room === this) {
      this.answer = answer;
      await this.draw();
    }
  }

  async draw() {
    if (!this.answer || room !== this) return;
    if ((await this.made.show(this.answer, this.state)) === false) return; // something is still to come
    document.documentElement.dataset.shown = String(Number(document.documentElement.dataset.shown ?? 0) + 1); // for tests: a picture is complete
  }
}

async function enter() {
  const { hash } = location;
  const [id, state] = read(hash);
  if (room?.id === id && address(id, room.state) === address(id, state)) {
    here = hash;
    return;
  }
  const { default: made } = await import(`./rooms/${id}.js`);
  if (location.hash !== hash) return; // and this room was left before it was there
  room?.made.leave?.();
  const left = room?.made.plots ?? [];
  room = new Room(id, state, made);
  here = hash;
  document.title = `${described[id].title} · explorer of derivatives`;
  for (const a of nav.children)
    a.dataset.room === id ? a.setAttribute("aria-current", "page") : a.removeAttribute("aria-current");
  main.replaceChildren(room.element);
  for (const plot of left) plot.leave?.();
  await room.refresh();
}

function offer(name, address) {
  const a = el("a", { href: address, download: name });
  document.body.append(a);
  a.click();
  a.remove();
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied.`);
  } catch {
    prompt(`The browser does not allow copying; take the ${what.toLowerCase()} from here:`, text);
  }
}

async function save(format) {
  for (const [i, plot] of room.made.plots.entries()) {
    if (plot.element.hidden) continue;
    offer(`${room.id}${i ? `-${i + 1}` : ""}.${format}`, await plot.image(format));
  }
  say(`Saved as ${format.toUpperCase()}.`);
}

document.querySelector("#theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    /* not kept */
  }
  room?.draw();
});
document.querySelector("#link").addEventListener("click", async () => {
  await copy(location.origin + location.pathname + address(room.id, room.state), "Link");
  const missing = room.made.missing?.(room.state); // what a link cannot hold
  if (missing) say(`Link copied. ${missing}`);
});
document.querySelector("#python").addEventListener("click", () => copy(room.program, "Program"));
document.querySelector("#svg").addEventListener("click", () => save("svg"));
document.querySelector("#png").addEventListener("click", () => save("png"));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // its address would be that of a room
  main.focus();
  main.scrollIntoView();
});
nav.addEventListener("click", written);
addEventListener("pagehide", written);
addEventListener("hashchange", enter);

described = await (await fetch("rooms.json")).json();
nav.append(
  ...ROOMS.filter((id) => id in described).map((id) =>
    el("a", { href: `#${id}`, "data-room": id }, described[id].title),
  ),
);
await enter();
document.documentElement.dataset.ready = "";
performance.mark("ready");
