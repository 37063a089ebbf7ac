"""Backpropagation step by step: the frames' numbers, that nothing jumps, the files."""

import builtins
import html
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff.drawing import rendering, steps
from tests.pictures import shown
from tests.test_drawing_derivatives import FUNCTIONS, expression, tracked


def test_the_frames_of_a_small_expression():
    s = 1 - np.tanh(3.0) ** 2
    found = ad.draw_steps(expression()).frames
    assert [f.event for f in found] == [
        "values",
        "seed",
        *["ready", "product"],  # tanh
        *["ready", "product", "product"],  # add
        *["ready", "product"],  # square
        *["ready", "product", "product"],  # multiply
        "end",
    ]
    captions = [f.caption for f in found]
    assert captions[3] == f"tanh -> add: 1 · {s:.4g} = {s:.4g}; the sum so far is {s:.4g}."
    assert captions[8] == f"square -> b: {s:.4g} · -6 = {-6 * s:.4g}; the sum so far is {-6 * s:.4g}."
    assert captions[11] == f"multiply -> b: {s:.4g} · 2 = {2 * s:.4g}; the sum so far is {-4 * s:.4g}."
    assert captions[12] == f"Done: gradient of a {-3 * s:.4g}; gradient of b {-4 * s:.4g}."
    np.testing.assert_allclose([found[8].product, found[11].product], [-6 * s, 2 * s])


def test_what_is_passed_on_unchanged_is_no_step():
    """Multiplications by 1 and the aliases of transforms: the sums are right all the same, and masks pass."""
    a = tracked(2.0, "a")
    captions = [f.caption for f in ad.draw_steps(((np.sin(a) * 1.0) * a + a * 1.0) * 1.0).frames]
    assert not any("alias" in c or "· 1.0" in c for c in captions) and len(captions) == 11
    assert captions[4] == "add -> a: 1 · 1 = 1; the sum so far is 1."
    assert captions[-1] == f"Done: gradient of a {np.sin(2) + 2 * np.cos(2) + 1:.4g}."
    slope = ad.draw_steps(ad.grad(np.sin)(a) * a).frames
    assert len(slope) == 8 and slope[-1].caption == f"Done: gradient of a {np.cos(2) - 2 * np.sin(2):.4g}."
    x = tracked(np.array([0.0, 4.0]), "x")
    last = ad.draw_steps(np.where(x.data > 0, np.sqrt(x * 1.0) * 1.0, 0.0).sum()).frames[-1]
    assert last.caption == "Done: gradient of x [0, 0.25]."


def test_a_cotangent_is_complete_before_its_rule_runs():
    """In the frame `ready` every arrow out of the node has sent its product."""
    y = expression() * tracked(2.0, "c")
    found = ad.draw_steps(y).frames
    for i, frame in enumerate(found):
        if frame.event == "ready":
            later = [f for f in found[i:] if f.event == "product"]
            assert all(frame.node not in _receivers(f, found) for f in later), frame.caption


def _receivers(frame, frames):
    """Keys whose cotangent this product changed."""
    before = frames[frames.index(frame) - 1].cotangents
    return {k for k, ct in frame.cotangents.items() if k not in before or np.any(before[k] != ct)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_last_frame_holds_the_gradients(name):
    rng = np.random.default_rng(0)
    x, y = tracked(rng.normal(size=(3, 3)), "x"), tracked(rng.normal(size=(3, 3)), "y")
    z = FUNCTIONS[name](x, y)
    last = ad.draw_steps(z).frames[-1].cotangents
    for t in (x, y):
        key = f"n{t._node.number}"
        want = ad.gradients(z, [t])[0].data
        np.testing.assert_allclose(last.get(key, np.zeros_like(want)), want, rtol=1e-12)


def test_nothing_jumps_from_frame_to_frame():
    found = ad.draw_steps(expression())
    pictures = [shown(found.picture(i).pipe(format="svg")) for i in range(len(found))]
    first = pictures[0]
    where = [(b.name, b.left, b.top, b.right, b.bottom) for b in first.boxes]
    for p in pictures[1:]:
        assert [(b.name, b.left, b.top, b.right, b.bottom) for b in p.boxes] == where
        assert (p.width, p.height) == (first.width, first.height)
    assert len({tuple(tuple(b.lines) for b in p.boxes) for p in pictures}) > 5


def test_a_frame_shows_the_running_sum_and_what_is_at_work():
    found = ad.draw_steps(expression())
    boxes = {b.lines[0]: b for b in shown(found.picture(8).pipe(format="svg")).boxes}
    s = 1 - np.tanh(3.0) ** 2
    assert boxes["b"].lines == ["b", "value -3", f"gradient {-6 * s:.4g}"]
    assert boxes["a"].lines == ["a", "value 2", "gradient"]
    assert boxes["square"].border == steps._WORK.lower()
    assert boxes["tanh"].border == boxes["add"].border == steps._READY.lower()
    source = found.picture(8).source
    (arrow,) = [line for line in source.splitlines() if "->" in line and steps._WORK in line]
    assert "dir=back" in arrow and "-6" in arrow


class Page(HTMLParser):
    """Frames, captions and addresses of a page."""

    def __init__(self):
        super().__init__()
        self.captions, self.ids, self.links, self.sliders = [], [], [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if values.get("class") == "frame":
            self.captions.append(values["data-caption"])
        if "id" in values:
            self.ids.append(values["id"])
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href")]
        if tag == "input":
            self.sliders.append(values)


def test_the_page_is_one_file_that_needs_nothing(tmp_path):
    found = ad.draw_steps(expression())
    path = found.html(tmp_path / "steps.html")
    text = Path(path).read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.captions == [f.caption for f in found.frames]
    assert text.count("<svg") == len(found)
    assert len(set(page.ids)) == len(page.ids)
    assert page.links == [] and "@import" not in text and "url(" not in text
    assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert page.sliders[0]["type"] == "range" and page.sliders[0]["max"] == str(len(found) - 1)
    for key in ("ArrowLeft", "ArrowRight", "Home", "End"):
        assert key in text
    assert found._repr_mimebundle_()["text/plain"].splitlines()[-1].endswith(found.frames[-1].caption)


def test_the_page_shows_one_caption_and_finds_the_box_at_work():
    found = ad.draw_steps(expression())
    text = found.to_html()
    frames = [part.split("</svg>")[0] for part in text.split('<div class="frame"')[1:]]
    for frame, part in zip(found.frames, frames, strict=True):
        start, svg = part.split("<svg", 1)
        assert frame.caption not in html.unescape(svg).replace("\xa0", " ")  # only above the picture
        (key,) = re.findall(r'data-node="(.*?)"', start)
        assert key == frame.node or frame.event in ("seed", "end")
        assert not key or f"<title>{key}</title>" in svg
        assert 'viewBox="' in svg  # from which the script takes the size
    assert text.count(">at work<") == 1
    assert text.count("cotangent complete") == 1


def test_the_legend_of_a_page_has_the_kinds_that_occur():
    y = tracked(np.ones(2), "a") * np.array([2.0, 3.0])
    for steps_, kinds in ((ad.draw_steps(y.sum()), ["parameter", "constant", "operation", "result"]),
                          (ad.draw_steps(np.sin(tracked(1.0))), ["parameter", "result"])):  # fmt: skip
        found = re.findall(r'<span style="[^"]*">([^<]*)</span>', steps_.to_html())
        assert found == ["at work", "cotangent complete", *kinds]


def test_an_animation_and_a_file_a_frame(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    found = ad.draw_steps(expression())
    with image.open(found.gif(tmp_path / "steps.gif", seconds=0.5)) as animation:
        assert animation.n_frames == len(found)
        durations = []
        for i in range(animation.n_frames):
            animation.seek(i)
            durations.append(animation.info["duration"])
        assert durations == [500] * (len(found) - 1) + [1000] and animation.info["loop"] == 0
    paths = found.svg(tmp_path / "frames")
    assert [Path(p).name for p in paths] == [f"step_{i:02d}.svg" for i in range(1, len(found) + 1)]
    for i, p in enumerate(paths):
        texts = [t.text or "" for t in ElementTree.parse(p).getroot().iter("{http://www.w3.org/2000/svg}text")]
        assert any(found.frames[i].caption in t.replace("\xa0", " ").replace("  ", " ") for t in texts)


def test_without_pillow_the_extra_is_named(monkeypatch, tmp_path):
    real = builtins.__import__

    def no_pillow(name, *args, **kwargs):
        if name == "PIL":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pillow)
    with pytest.raises(ad.MissingExtraError, match=r'pip install "wengert\[plot\]"'):
        ad.draw_steps(expression()).gif(tmp_path / "x.gif")


def test_without_a_renderer_the_page_has_captions_and_advice(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(rendering.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(rendering.sysconfig, "get_path", lambda *_, **__: str(tmp_path))
    found = ad.draw_steps(expression())
    page = Page()
    page.feed(found.to_html())
    assert page.captions[1] == "The cotangent of the result is 1." and "pip install graphviz-pure" in found.to_html()
    with pytest.raises(rendering.RendererNotFound, match="pip install graphviz-pure"):
        found.svg(tmp_path / "frames")


def test_hostile_names_stay_text():
    x = tracked(2.0, '<script>alert("x")</script>\\N \n{|} 权重')
    found = ad.draw_steps(x * 3.0)
    page = Page()
    page.feed(found.to_html())
    assert len(page.captions) == len(found) and found.to_html().count("<script>") == 1
    assert any('<script>alert("x")</script>\\N' in line for b in shown(found.picture(0).pipe(format="svg")).boxes
               for line in b.lines)  # fmt: skip
    long = ad.draw_steps(tracked(1.0, "y" * 10_000) * 2.0)
    assert shown(long.picture(-1).pipe(format="svg")).width < 3000


def test_what_is_too_large_or_has_no_graph_is_refused():
    x = tracked(1.0)
    y = x
    for _ in range(70):
        y = np.sin(y)
    with pytest.raises(ValueError, match=r"71 vertices; up to 60.*ad\.draw"):
        ad.draw_steps(y)
    with pytest.raises(ad.GradientError, match="not tracked"):
        ad.draw_steps(ad.tensor(1.0))
    with pytest.raises(ValueError, match="seconds"):
        ad.draw_steps(x * 2).gif("x.gif", seconds=0)
