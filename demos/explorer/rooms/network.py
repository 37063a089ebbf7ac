"""A network that learns before your eyes: its decisions, losses, gradients and weights; and why it may be stuck."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import nn
from demos.explorer.rooms import network_data, network_training
from demos.explorer.rooms.common import Array, finite
from demos.explorer.rooms.network_data import Data, Waiting
from demos.explorer.rooms.network_training import ACTIVATIONS, LOSSES, MOST_STEPS, OPTIMISERS, Training
from demos.explorer.state import Choice, Integer, Number, StateError, Text

TITLE = "Network"
ABOUT = "Choose data, build a network, and watch it learn. Every step is the engine's; what it does can be copied."
GRID, CURVE, TILE = 45, 201, 14
"""Points along each side of the picture, along a curve, and along each side of the small picture of a unit."""
MOST_UNITS = 16
"""A layer of more units is drawn as a whole, with the norms of its weights."""
IMAGES = 40
"""Digits that are shown with their predictions."""

STATE = {
    "data": Choice("data", "moons", network_data.DATA),
    "n": Integer("points", 400, 20, 2000, 20),
    "noise": Number("noise", 0.15, 0.0, 0.5, 0.01),
    "brush": Choice("class to paint", "0", (("0", "● blue"), ("1", "■ orange"), ("2", "▲ green"), ("3", "◆ purple"))),
    "points": Text("painted points", "", 5 * network_data.PAINTED + 500),
    "file": Text("file", "", 100),
    "table": Text("table", "", network_data.TABLE),
    "target": Text("column to predict", "", network_data.NAME),
    "reading": Choice(
        "predict it as", "auto", (("auto", "what it looks like"), ("classes", "classes"), ("number", "a number"))
    ),
    "drop": Text("columns left out", "", 20_000),
    "layers": Text("hidden layers", "8, 8", 60),
    "activation": Choice("activation", "tanh", tuple((key, label) for key, (label, _) in ACTIVATIONS.items())),
    "loss": Choice(
        "loss", "auto", (("auto", "the usual one for the data"), *((key, one.label) for key, one in LOSSES.items()))
    ),
    "optimiser": Choice("optimiser", "adam", tuple((key, label) for key, (label, _, _) in OPTIMISERS.items())),
    "rate": Number("learning rate", 0.01, 1e-5, 10.0, 0.01, scale="log"),
    "decay": Number("weight decay", 0.0, 0.0, 0.2, 0.001),
    "batch": Integer("batch size", 32, 1, 1000, 1),
    "share": Number("share of validation", 0.25, 0.0, 0.6, 0.05),
    "seed": Integer("seed", 0, 0, 999_999, 1, control="number"),
    "pace": Choice(
        "steps in a frame", "4", (("1", "1"), ("4", "4"), ("16", "16"), ("64", "64"), ("most", "as many as fit"))
    ),
}


# --- what is asked --------------------------------------------------------------------------------


def view(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """The data and the network as it is now; a new one if another was asked for."""
    began = time.perf_counter()
    try:
        training = _training(state, session)
    except Waiting as waiting:
        session.pop("training", None)
        return _empty(str(waiting), waiting.x, waiting.y)
    return _frame(training, 0, began) | {"data": _shown(training)}


def reset(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """The same network before its first step."""
    session.pop("training", None)
    return view(state, session)


def advance(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """Some steps, as many as a frame has time for; the picture after them."""
    most = MOST_STEPS if state.pace == "most" else int(state.pace)
    return _moved(state, session, most)


def step(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """One step."""
    return _moved(state, session, 1)


def why(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """What the monitor says: of the network, of each layer, and what to try."""
    try:
        training = _training(state, session)
    except Waiting as waiting:
        return {"verdict": {"state": "nothing to train on", "why": str(waiting), "remedy": ""}, "layers": []}
    if not training.monitor.batches:
        message = "no step has been taken yet; train for a while, then ask again"
        return {"verdict": {"state": "not known", "why": message, "remedy": ""}, "layers": []}
    verdict = training.monitor.verdict
    remedy = verdict.remedy
    if verdict.state == "healthy":
        remedy = _advice(training)
    return {
        "verdict": {"state": verdict.state, "why": verdict.why, "remedy": remedy},
        "ended": training.ended,
        "layers": [{"layer": path, **one._asdict()} for path, one in training.monitor.verdicts.items()],
    }


def columns(state: Any, session: dict[str, Any]) -> dict[str, Any]:
    """Keep the table that was sent; its columns."""
    return network_data.take(state, session)


def _training(state: Any, session: dict[str, Any]) -> Training:
    """The network in training, unless the state describes another one. Only the rate may change on the way."""
    data = network_data.load(state, session)
    key = (session.get("loads", 0), network_training.recipe(state, data))
    if "training" not in session or session["key"] != key:
        session.pop("training", None)
        session["training"] = Training(state, data)
        session["key"] = key
    training: Training = session["training"]
    training.set_rate(state.rate)
    return training


def _moved(state: Any, session: dict[str, Any], most: int) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        training = _training(state, session)
    except Waiting as waiting:
        raise StateError("", str(waiting)) from None
    taken = training.advance(most)
    return _frame(training, taken, began)


# --- what is shown --------------------------------------------------------------------------------


def _empty(message: str, x: Array, y: Array) -> dict[str, Any]:
    """A picture without a network: the points that are there, and what is to be done."""
    side = network_data.WINDOW
    points = {"x": x[:, 0], "y": x[:, 1], "label": y, "held": np.zeros(len(y), int)}
    data = {
        "picture": "plane",
        "classes": [str(k) for k in range(network_data.PAINTABLE)],
        "names": ["x", "y"],
        "window": [-side, side, -side, side],
        "points": points,
        "notes": [],
        "paintable": _paintable(),
    }
    return {"waiting": message, "data": data, "python": "# There is no network yet.\n", "numbers": {}}


def _shown(training: Training) -> dict[str, Any]:
    """What stays the same while the network learns."""
    data = training.data
    shown: dict[str, Any] = {
        "picture": data.picture,
        "classes": data.classes,
        "names": [name[:40] for name in data.names],
        "notes": data.notes,
        "window": _window(data),
        "range": [float(data.y.min()), float(data.y.max())],
        "rows": {part: len(rows[0]) for part, rows in training.parts.items()},
        "paintable": _paintable(),
        "rates": _RATES[type(training.optimizer)],
    }
    if data.picture in ("plane", "curve"):
        x = np.concatenate([rows[0] for rows in training.parts.values()]) * data.scale + data.centre
        y = np.concatenate([rows[1] for rows in training.parts.values()])
        held = np.repeat(np.arange(len(training.parts)), [len(rows[0]) for rows in training.parts.values()])
        shown["points"] = {"x": x[:, 0], "y": x[:, 1] if data.picture == "plane" else y[:, 0], "held": held}
        shown["points"]["label"] = y if data.classes else y[:, 0]
    if data.picture == "images":
        images, labels = _held(training)
        shown["images"] = {"ink": np.round(16 * images[:IMAGES]).astype(int), "label": labels[:IMAGES]}
    return shown


_RATES = {kind: f"{label} usually learns at rates of {rates}." for label, kind, rates in OPTIMISERS.values()}


def _paintable() -> dict[str, Any]:
    return {
        "side": network_data.WINDOW,
        "fine": network_data.FINE,
        "most": network_data.PAINTED,
        "digits": network_data.DIGITS,
    }


def _held(training: Training) -> tuple[Array, Array]:
    """The rows of the validation part, or, without one, those of the training part."""
    return training.parts.get("validation", training.parts["training"])


def _window(data: Data) -> tuple[float, float, float, float]:
    """The part of the plane that is shown: as the data have it, or the points and a margin."""
    if data.window is not None:
        return data.window
    x = data.x * data.scale + data.centre
    y = x[:, 1] if x.shape[1] > 1 else data.y[:, 0] if not data.classes else np.array([0.0, 1.0])
    (left, right), (bottom, top) = ((float(v.min()), float(v.max())) for v in (x[:, 0], y))
    across, up = 0.12 * (right - left or 1.0), 0.12 * (top - bottom or 1.0)
    return left - across, right + across, bottom - up, top + up


def _frame(training: Training, taken: int, began: float) -> dict[str, Any]:
    """Everything that changes while the network learns."""
    measured = training.measured
    numbers: dict[str, Any] = {"step": training.steps, "epoch": training.steps / training.batches_per_epoch}
    for part, name in (("training", ""), ("validation", "validation_")):
        for what, value in measured.get(part, {}).items():
            numbers[f"{name}{what}"] = value
    steps, losses, held, *gradients = (np.array(column) for column in zip(*training.course, strict=True))
    frame = {
        "numbers": numbers,
        "course": {"step": steps, "loss": losses, "validation_loss": held, "gradients": gradients},
        "diagram": _diagram(training),
        "layers": _layers(training.latest),
        "ended": training.ended,
        "python": training.program(),
        "taken": taken,
        **_surface(training),
    }
    numbers["milliseconds"] = 1000 * (time.perf_counter() - began)
    return frame


def _surface(training: Training) -> dict[str, Any]:
    """What the network says: over the plane, along the line, of the images, or as a table of confusion."""
    data = training.data
    left, right, bottom, top = _window(data)
    found: dict[str, Any] = {}
    if data.picture == "curve":
        across = np.linspace(left, right, CURVE)
        found["curve"] = {"x": across, "y": finite(training.outputs(_back(data, across[:, None]))[:, 0])}
    elif data.picture == "plane":
        found["surface"] = _over_plane(training, np.linspace(left, right, GRID), np.linspace(bottom, top, GRID))
    if data.picture == "images" or (data.picture == "table" and data.classes):
        x, y = _held(training)
        shares = training.outputs(x)
        found["confusion"] = nn.confusion_matrix(shares.argmax(axis=1), y, classes=len(data.classes))
        if data.picture == "images":
            found["predictions"] = {"label": shares[:IMAGES].argmax(axis=1), "share": shares[:IMAGES].max(axis=1)}
    return found


def _back(data: Data, shown: Array) -> Array:
    """The rows of coordinates as the network knows them."""
    return (shown - data.centre) / data.scale


def _over_plane(training: Training, across: Array, up: Array) -> Array:
    """The answers at a grid, from the lowest row up: (k, rows * columns), of two classes those of the second alone."""
    outputs = training.outputs(_back(training.data, np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)))
    return finite(outputs[:, -1:] if outputs.shape[1] <= 2 else outputs).T


def _diagram(training: Training) -> dict[str, Any]:
    """The network as a picture: for each layer its units, and the weights between two layers.

    A layer of many units is drawn as one; its weights are then the norms of what leads to or from all its units.
    """
    linear, data = training.linear, training.data
    sizes = [linear[0].in_features, *(layer.out_features for layer in linear)]
    edges = []
    for layer in linear:
        weights = np.asarray(layer.weight.data, float)
        if weights.shape[0] > MOST_UNITS:
            weights = np.linalg.norm(weights, axis=0, keepdims=True)
        if weights.shape[1] > MOST_UNITS:
            weights = np.linalg.norm(weights, axis=1, keepdims=True)
        edges.append(finite(weights))
    biases = [
        None if layer.bias is None or n > MOST_UNITS else finite(layer.bias) for layer, n in zip(linear, sizes[1:])
    ]
    return {
        "sizes": sizes,
        "whole": [n > MOST_UNITS for n in sizes],
        "edges": edges,
        "biases": biases,
        "tiles": _tiles(training, sizes) if data.picture == "plane" else None,
    }


def _tiles(training: Training, sizes: list[int]) -> list[Any]:
    """For each layer that is drawn unit by unit, what each unit says over the plane, scaled to at most 1 in size."""
    left, right, bottom, top = _window(training.data)
    plane = np.stack(np.meshgrid(np.linspace(left, right, TILE), np.linspace(top, bottom, TILE)), axis=-1)
    x = _back(training.data, plane.reshape(-1, 2))
    layers = [x, *training.hidden(x), training.outputs(x)]
    tiles: list[Any] = []
    for values, n, last in zip(layers, sizes, [False] * (len(layers) - 1) + [True], strict=True):
        if n > MOST_UNITS or not np.isfinite(values).all():
            tiles.append(None)
            continue
        if last and training.data.classes:
            values = 2 * values[:, -n:] - 1  # of two classes with one output, the probability of the second
        size = np.abs(values).max(axis=0)
        tiles.append((values / np.where(size > 0, size, 1)).T)
    return tiles


def _layers(monitor: nn.Monitor) -> list[dict[str, Any]]:
    """What the monitor measured of each layer at the latest watched batch."""
    names = ("weight", "gradient", "ratio", "mean", "spread", "dead", "saturated")
    return [
        {"layer": layer.path, "kind": layer.kind, **{name: getattr(layer.samples[-1], name) for name in names}}
        for layer in monitor.layers
        if layer.samples
    ]


def _advice(training: Training) -> str:
    """What to try where the monitor finds nothing wrong, from the losses alone."""
    loss = training.measured["training"]["loss"]
    held = training.measured.get("validation", {}).get("loss", np.nan)
    if held > 2 * loss and held > 0.1:
        return "the loss is much lower on the training part: use more data, weight decay, or a smaller network"
    return "if the loss is still high: train longer, raise the rate a little, or add units or layers"


ASKS = {"view": view, "advance": advance, "step": step, "reset": reset, "why": why, "columns": columns}
