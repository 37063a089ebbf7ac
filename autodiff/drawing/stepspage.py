"""The page of `Steps`: it shows one frame at a time, and is one file that needs no other."""

from __future__ import annotations

import html
from collections.abc import Sequence

_STYLE = """
:root { color-scheme: light dark; }
body { background: white; color: #111111; margin: 1em; }
body { font-family: Verdana, "DejaVu Sans", sans-serif; font-size: 14px; }
#controls { display: flex; gap: 0.7em; align-items: center; margin-bottom: 0.6em; }
#slider { flex: 1; max-width: 40em; }
#caption { min-height: 2.6em; font-weight: bold; }
.frame { display: none; background: white; border: 1px solid #8888; padding: 6px; overflow: auto; }
.frame.shown { display: inline-block; max-width: 100%; box-sizing: border-box; }
pre { color: #111111; white-space: pre-wrap; }
@media (prefers-color-scheme: dark) { body { background: #111111; color: #eeeeee; } }
"""

_SCRIPT = """
const frames = document.querySelectorAll(".frame");
const slider = document.getElementById("slider");
const caption = document.getElementById("caption");
const count = document.getElementById("count");
const play = document.getElementById("play");
let current = 0, timer = null;
function show(i) {
  frames[current].classList.remove("shown");
  current = Math.max(0, Math.min(frames.length - 1, i));
  frames[current].classList.add("shown");
  slider.value = current;
  caption.textContent = frames[current].dataset.caption;
  count.textContent = (current + 1) + " / " + frames.length;
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
const wanted = parseInt(location.hash.slice(1), 10);
show(wanted > 0 ? wanted - 1 : 0);
"""


def page(captions: Sequence[str], bodies: Sequence[str]) -> str:
    """The HTML of a series of frames.

    Parameters
    ----------
    captions : sequence of str
        Text.
    bodies : sequence of str
        HTML or SVG of each frame.

    Returns
    -------
    str
        Keys: left and right, Home and End, the space bar to play. ``#7`` after the address opens the seventh frame.
    """
    frames = "\n".join(
        f'<div class="frame" data-caption="{html.escape(caption, quote=True)}">{body}</div>'
        for caption, body in zip(captions, bodies, strict=True)
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
{frames}
<script>{_SCRIPT}</script>
</body>
</html>
"""
