"""Which profile runs: what is too slow for every day asks here."""

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or "quick"
EVERY_DAY = PROFILE == "quick"
