"""The types of the tables of names."""

from __future__ import annotations

from collections.abc import Mapping

Row = tuple[str, str]
"""What a name is called here, and an example of the call."""
Table = Mapping[str, Row]
