"""Write special_reached.json: how far SciPy's derivatives here are from the reference, rounded up with a margin.

usage: python -m tests.reference.make_special_reached
"""

import json
import math
import warnings

import numpy as np

from tests.special_checks import REFERENCE, rows, summary, title


def rounded_up(error):
    """A power of ten at least three times the error: the last digits differ between machines."""
    return 10.0 ** max(math.ceil(math.log10(3 * error)), -14) if 0 < error < math.inf else 1e-14 if error == 0 else None


def main():
    """Measure all."""
    lines = []
    for name, row in rows():
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            reached = [rounded_up(e) for e in summary(name, row)]
        if None in reached or reached[1] > 1e-5 or reached[0] > 1e-8:
            print(title(name, row), reached)
        lines.append(f"{json.dumps(title(name, row))}: {json.dumps(reached)}")
    (REFERENCE / "special_reached.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
