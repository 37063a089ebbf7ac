"""The runs of optimisers that are compared with torch: a small problem, and what is set for each."""

STEPS = 20
START = {"a": [0.5, -1.5, 2.0], "b": [[1.0, -0.5], [0.25, 0.75]]}
START_COMPLEX = {"z": [[0.5, -1.0], [1.5, 0.25]]}  # pairs of real and imaginary part

# name: the optimiser here, its options; the optimiser in torch, its options
RUNS = {
    "descent": ("GradientDescent", {"learning_rate": 0.02}, "SGD", {"lr": 0.02}),
    "momentum": ("Momentum", {"learning_rate": 0.01, "momentum": 0.9}, "SGD", {"lr": 0.01, "momentum": 0.9}),
    "momentum 0": ("Momentum", {"learning_rate": 0.02, "momentum": 0.0}, "SGD", {"lr": 0.02}),
    "nesterov": (
        "Momentum",
        {"learning_rate": 0.01, "momentum": 0.8, "nesterov": True},
        "SGD",
        {"lr": 0.01, "momentum": 0.8, "nesterov": True},
    ),
    "adam": ("Adam", {}, "Adam", {}),
    "adam, large steps": ("Adam", {"learning_rate": 0.1}, "Adam", {"lr": 0.1}),
    "adam, other options": (
        "Adam",
        {"learning_rate": 0.05, "betas": (0.5, 0.9), "eps": 1e-3},
        "Adam",
        {"lr": 0.05, "betas": (0.5, 0.9), "eps": 1e-3},
    ),
}


def rate(initial, step):
    """A schedule: the rate of step number `step`, from 0, in the runs marked "scheduled"."""
    return initial * (1.0 if step < 7 else 0.5 if step < 14 else 2.0)


def has_gradient(name, step):
    """In the runs marked "skipping", whether a parameter has a gradient at that step."""
    return name != "b" or step % 3 != 1


def real_loss(a, b):
    """A quartic in `a`, a matrix equation in `b`, and a product of both; NumPy's and torch's words agree on it."""
    return (a**4 / 4 - a).sum() + ((b @ b - 2.0) ** 2).sum() + a[0] * b[1, 0]


def complex_loss(z):
    """Real, of complex numbers, not analytic."""
    w = z * z + (1 - 2j)
    return (w.real**2 + 3 * w.imag**2).sum()
