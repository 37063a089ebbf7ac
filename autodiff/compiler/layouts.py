"""Stub."""
from typing import Any
Layout = Any
