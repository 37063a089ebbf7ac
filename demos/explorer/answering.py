"""From a request of the page to the answer of a room, as text on both sides.

This is what a worker process runs. An answer is always an object: with what the room computed, or with an error that
says what was wrong, and in which entry of the state. Arrays are sent as base64 of their bytes, which Plotly reads as
they are; so a gap in a curve (NaN) needs no special case.
"""

from __future__ import annotations

import base64
import json
import traceback
from typing import Any

import numpy as np

import autodiff as ad
from demos.explorer import rooms
from demos.explorer.state import StateError, decoded

Session = dict[str, Any]
"""What a page keeps between its requests, by room: the network in training."""


def encoded(value: Any) -> Any:
    """What `json` cannot write by itself: arrays as bytes, NumPy's numbers as numbers, NaN and infinities as text."""
    if isinstance(value, ad.Tensor):
        value = value.data
    if isinstance(value, np.ndarray) and value.ndim:
        kept = np.ascontiguousarray(value, np.int32 if value.dtype.kind in "iub" else np.float64)
        shape = ", ".join(map(str, kept.shape))
        return {"dtype": kept.dtype.str[1:], "bdata": base64.b64encode(kept.tobytes()).decode(), "shape": shape}
    if isinstance(value, np.ndarray | np.generic):
        return encoded(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): encoded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(part) for part in value]
    return value


def answer(text: str, session: Session) -> str:
    """The answer to a request, ``{"room": ..., "ask": ..., "state": {...}}``; it never raises for what was sent."""
    try:
        found = _answered(text, session)
    except StateError as error:
        found = {"error": {"entry": error.entry, "message": error.message, "column": error.column}}
    except ad.AutodiffError as error:  # its message is written for the user
        found = {"error": {"entry": "", "message": str(error).split("\n\n")[0], "column": None}}
    except MemoryError:
        found = {"error": {"entry": "", "message": "this needs more memory than a page may use", "column": None}}
    except RecursionError:
        found = {"error": {"entry": "", "message": "the request is nested too deeply", "column": None}}
    except Exception as error:  # a fault of ours: the page goes on, and the terminal has the details
        traceback.print_exc()
        message = f"the explorer failed here ({type(error).__name__}); the terminal that it runs in says more"
        found = {"error": {"entry": "", "message": message, "column": None}}
    return json.dumps(encoded(found), allow_nan=False)


def _answered(text: str, session: Session) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except ValueError:
        raise StateError("", "the message is not JSON") from None
    if not isinstance(request, dict) or set(request) != {"room", "ask", "state"}:
        raise StateError("", 'a message is an object with "room", "ask" and "state"')
    room = rooms.ROOMS.get(request["room"]) if isinstance(request["room"], str) else None
    if room is None:
        raise StateError("", f"there is no such room; the rooms are {', '.join(rooms.ROOMS)}")
    ask = room.ASKS.get(request["ask"]) if isinstance(request["ask"], str) else None
    if ask is None:
        raise StateError("", f"{request['room']} answers {', '.join(room.ASKS)} only")
    state = decoded(room.STATE, request["state"])
    with np.errstate(all="ignore"):  # a logarithm of a negative number is a gap in the curve
        result: dict[str, Any] = ask(state, session.setdefault(request["room"], {}))
    return result
