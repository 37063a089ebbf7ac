"""The page of `Steps`: it shows one frame at a time, and is one file that needs no other."""

from __future__ import annotations

import html
from collections.abc import Sequence

_STYLE = """
:root { color-scheme: light dark; }
body { background: white; color: #111111; margin: 0; padding: 12px; box-sizing: border-box; }
body { height: 100vh; display: flex; flex-direction: column; }
body { font-family: Verdana, "DejaVu Sans", sans-serif; font-size: 14px; }
#controls { display: flex; gap: 0.7em; align-items: center; margin-bottom: 0.6em; }
#slider { flex: 1; max-width: 40em; }
#caption { min-height: 2.6em; font-weight: bold; }
#legend { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; margin-bottom: 0.6em; font-size: 12px; }
#legend span { border: 2px solid; color: #111111; padding: 1px 8px; }
.frame { display: none; background: white; border: 1px solid #8888; padding: 6px; overflow: auto; }
.frame.shown { display: block; min-height: 6em; }
.frame svg { display: block; margin: auto; }
pre { color: #111111; white-space: pre-wrap; }
@media (prefers-color-scheme: dark) { body { background: #111111; color: #eeeeee; } }
"""

_SCRIPT = """
const frames = document.querySelectorAll(".frame");
const slider = document.getElementById("slider");
const caption = document.getElementById("caption");
const count = document.getElementById("count");
const play = document.getElementById("play");
const READABLE = 0.7;
let current = 0, timer = null;
// The picture fits the window. Where it would be too small to read, it is larger, and the box at work is in the middle.
function fit() {
  const frame = frames[current], svg = frame.querySelector("svg");
  if (!svg) return;
  const [, , width, height] = svg.getAttribute("viewBox").split(/[ ,]+/).map(Number);
  const room = { width: frame.clientWidth - 12, height: window.innerHeight - frame.offsetTop - 28 };
  const natural = 4 / 3, whole = Math.min(room.width / width, room.height / height);
  const scale = Math.min(natural, Math.max(whole, READABLE * natural));
  svg.setAttribute("width", width * scale);
  svg.setAttribute("height", height * scale);
  const boxes = Array.from(svg.querySelectorAll("g.node"));
  const box = boxes.find((g) => g.querySelector("title").textContent === frame.dataset.node);
  if (!box) return;
  const inside = box.getBoundingClientRect(), outside = frame.getBoundingClientRect();
  frame.scrollLeft += inside.left + inside.width / 2 - outside.left - outside.width / 2;
  frame.scrollTop += inside.top + inside.height / 2 - outside.top - outside.height / 2;
}
function show(i) {
  const from = frames[current];
  const left = from.scrollLeft, top = from.scrollTop;
  from.classList.remove("shown");
  current = Math.max(0, Math.min(frames.length - 1, i));
  frames[current].classList.add("shown");
  slider.value = current;
  caption.textContent = frames[current].dataset.caption;
  count.textContent = (current + 1) + " / " + frames.length;
  frames[current].scrollLeft = left;
  frames[current].scrollTop = top;
  fit();
}
function stop() { clearInterval(timer); timer = null; play.textContent = "play"; }
function toggle() {
  if (timer) { stop(); return; }
  if (current === frames.length - 1) show(0);
  play.textContent = "stop";
  timer = setInterval(() => { show(current + 1); if (current === frames.length - 1) stop(); }, 1200);
}
slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
document.getElementById("back").addEventListener("click", () => { stop(); show(current - 1); });
document.getElementById("next").addEventListener("click", () => { stop(); show(current + 1); });
play.addEventListener("click", toggle);
document.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: frames.length - 1 };
  if (event.key === " ") { toggle(); event.preventDefault(); }
  else if (event.key in moves) { stop(); show(moves[event.key]); event.preventDefault(); }
});
window.addEventListener("resize", fit);
const wanted = parseInt(location.hash.slice(1), 10);
show(wanted > 0 ? wanted - 1 : 0);
"""


def page(
    captions: Sequence[str], bodies: Sequence[str], nodes: Sequence[str], legend: Sequence[tuple[str, str, str]]
) -> str:
    """The HTML of a series of frames.

    Parameters
    ----------
    captions : sequence of str
        Text.
    bodies : sequence of str
        HTML or SVG of each frame.
    nodes : sequence of str
        The title of the box at work in each frame, which stays in view; empty if there is none.
    legend : sequence of (str, str, str)
        Meanings, with the colours of the box and of its border.

    Returns
    -------
    str
        Keys: left and right, Home and End, the space bar to play. ``#7`` after the address opens the seventh frame.
    """
    frames = "\n".join(
        f'<div class="frame" data-caption="{html.escape(caption, quote=True)}" data-node="{node}">{body}</div>'
        for caption, body, node in zip(captions, bodies, nodes, strict=True)
    )
    meanings = "".join(
        f'<span style="background: {fill}; border-color: {line}">{meaning}</span>' for meaning, fill, line in legend
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Backpropagation step by step</title><style>{_STYLE}</style></head>
<body>
<div id="controls">
<button id="back" title="left arrow">back</button>
<button id="play" title="space bar">play</button>
<button id="next" title="right arrow">next</button>
<input id="slider" type="range" min="0" max="{len(captions) - 1}" value="0" aria-label="step">
<span id="count"></span>
</div>
<div id="caption" aria-live="polite"></div>
<div id="legend">{meanings} cotangent: the derivative of the result by a value; that of a leaf is its gradient</div>
{frames}
<script>{_SCRIPT}</script>
</body>
</html>
"""
