"""The losses that torch has too: arguments and options, drawn from fixed seeds, for both libraries.

A case is (our name, torch's name, arguments, options); arguments are NumPy arrays, of which the first is
differentiated by. Options that torch calls otherwise are translated where torch is called.
"""

import numpy as np

RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(5, 3)).round(3), RNG.normal(size=(5, 3)).round(3)
P = RNG.uniform(0.02, 0.98, size=(5, 3)).round(3)
P_EDGE = np.array([[0.0, 1.0, 0.5]])
Y_EDGE = np.array([[0.0, 1.0, 0.0]])
SHARE = RNG.uniform(size=(5, 3)).round(3)
LOGITS, LABELS = RNG.normal(size=(6, 4)).round(3), np.array([0, 3, 1, 1, 2, 0])
SOME_LABELS = np.array([0, -100, 1, 1, -100, 0])
IMAGES, PIXELS = RNG.normal(size=(2, 4, 3, 2)).round(3), RNG.integers(4, size=(2, 3, 2))
WEIGHT = np.array([0.5, 1.0, 2.0, 0.25])
ROWS = RNG.uniform(0.1, 1.0, size=(6, 4))
ROWS /= ROWS.sum(axis=1, keepdims=True)
HARD_ROWS = np.eye(4)[LABELS]
LOG_Q = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
THREE = ("mean", "sum", "none")

RATE, STEPS = 0.01, 20
"""How training runs descend: slowly enough that probabilities stay probabilities."""

CASES = [
    *(("mse_loss", "mse_loss", (X, Y), {"reduction": r}) for r in THREE),
    *(("l1_loss", "l1_loss", (X, Y), {"reduction": r}) for r in THREE),
    *(("huber_loss", "huber_loss", (X, Y), {"reduction": r, "delta": 0.8}) for r in THREE),
    ("huber_loss", "huber_loss", (X, Y), {}),
    *(("binary_cross_entropy", "binary_cross_entropy", (P, SHARE), {"reduction": r}) for r in THREE),
    ("binary_cross_entropy", "binary_cross_entropy", (P, SHARE), {"weight": P * 2}),
    *(
        ("binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits", (X * 5, SHARE), {"reduction": r})
        for r in THREE
    ),
    (
        "binary_cross_entropy_with_logits",
        "binary_cross_entropy_with_logits",
        (X, SHARE),
        {"pos_weight": np.array([0.5, 1.0, 3.0]), "weight": P},
    ),
    *(("cross_entropy", "cross_entropy", (LOGITS, LABELS), {"reduction": r}) for r in THREE),
    *(("cross_entropy", "cross_entropy", (LOGITS, LABELS), {"reduction": r, "weight": WEIGHT}) for r in THREE),
    *(("cross_entropy", "cross_entropy", (LOGITS, LABELS), {"reduction": r, "label_smoothing": 0.1}) for r in THREE),
    *(
        (
            "cross_entropy",
            "cross_entropy",
            (LOGITS, SOME_LABELS),
            {"reduction": r, "label_smoothing": 0.2, "weight": WEIGHT},
        )
        for r in THREE
    ),
    ("cross_entropy", "cross_entropy", (LOGITS, SOME_LABELS), {}),
    ("cross_entropy", "cross_entropy", (LOGITS, LABELS), {"ignore_index": 1}),
    *(("cross_entropy", "cross_entropy", (IMAGES, PIXELS), {"reduction": r}) for r in THREE),
    ("cross_entropy", "cross_entropy", (LOGITS[0], np.array(2)), {}),
    *(("cross_entropy", "cross_entropy", (LOGITS, ROWS), {"reduction": r}) for r in THREE),
    ("cross_entropy", "cross_entropy", (LOGITS, ROWS), {"weight": WEIGHT, "label_smoothing": 0.1}),
    ("cross_entropy", "cross_entropy", (LOGITS, HARD_ROWS), {}),
    *(("nll_loss", "nll_loss", (LOG_Q, LABELS), {"reduction": r, "weight": WEIGHT}) for r in THREE),
    ("nll_loss", "nll_loss", (LOG_Q, SOME_LABELS), {}),
    *(("kl_div", "kl_div", (LOG_Q, ROWS), {"reduction": r}) for r in (*THREE, "batchmean")),
    ("kl_div", "kl_div", (LOG_Q, HARD_ROWS), {"reduction": "sum"}),
    ("kl_div", "kl_div", (LOG_Q, np.log(ROWS)), {"reduction": "batchmean", "log_target": True}),
]


def name_of(case):
    """What a case is called in the stored numbers."""
    ours, _, arguments, options = case
    number = next(i for i, c in enumerate(CASES) if c is case)
    shown = {k: np.asarray(v).tolist() if not isinstance(v, (str, bool, int, float)) else v for k, v in options.items()}
    return f"{ours}{[list(a.shape) for a in arguments]} {shown} #{number}"
