"""The six rooms: for each its entries (`STATE`) and what it answers (`ASKS`), both read by the server alone."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from demos.explorer.rooms import curve, descent, fields, graph, network, surface
from demos.explorer.state import described as _described

ROOMS: dict[str, ModuleType] = {
    "curve": curve,
    "surface": surface,
    "descent": descent,
    "graph": graph,
    "network": network,
    "fields": fields,
}


def described() -> dict[str, Any]:
    """What the page has to know of the rooms: title, a line about each, and the entries with defaults and bounds."""
    return {
        name: {"title": room.TITLE, "about": room.ABOUT, "state": _described(room.STATE)}
        for name, room in ROOMS.items()
    }
