"""The runs of optimisers that are compared with torch: a small problem, and what is set for each."""

STEPS = 20
START = {"a": [0.5, -1.5, 2.0], "b": [[1.0, -0.5], [0.25, 0.75]]}
START_COMPLEX = {"z": [[0.5, -1.0], [1.5, 0.25]]}  # pairs of real and imaginary part

# name: the optimiser here, its options; the optimiser in torch, its options ("groups": those of single parameters)
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
    "adam decay": ("Adam", {"learning_rate": 0.05, "weight_decay": 0.3}, "Adam", {"lr": 0.05, "weight_decay": 0.3}),
    "amsgrad": (
        "Adam",
        {"learning_rate": 0.1, "betas": (0.8, 0.6), "amsgrad": True},
        "Adam",
        {"lr": 0.1, "betas": (0.8, 0.6), "amsgrad": True},
    ),
    "adamw": ("AdamW", {"learning_rate": 0.05}, "AdamW", {"lr": 0.05}),
    "adamw amsgrad": (
        "AdamW",
        {"learning_rate": 0.1, "betas": (0.8, 0.6), "weight_decay": 0.5, "amsgrad": True},
        "AdamW",
        {"lr": 0.1, "betas": (0.8, 0.6), "weight_decay": 0.5, "amsgrad": True},
    ),
    "descent decay": (
        "GradientDescent",
        {"learning_rate": 0.02, "weight_decay": 0.5},
        "SGD",
        {"lr": 0.02, "weight_decay": 0.5},
    ),
    "momentum decay": (
        "Momentum",
        {"learning_rate": 0.01, "momentum": 0.8, "weight_decay": 0.3, "dampening": 0.4},
        "SGD",
        {"lr": 0.01, "momentum": 0.8, "weight_decay": 0.3, "dampening": 0.4},
    ),
    "nesterov decay": (
        "Momentum",
        {"learning_rate": 0.01, "momentum": 0.8, "nesterov": True, "weight_decay": 0.3},
        "SGD",
        {"lr": 0.01, "momentum": 0.8, "nesterov": True, "weight_decay": 0.3},
    ),
    "adagrad": ("AdaGrad", {}, "Adagrad", {}),
    "adagrad options": (
        "AdaGrad",
        {"learning_rate": 0.2, "rate_decay": 0.1, "weight_decay": 0.3, "initial_sum": 0.5, "eps": 1e-3},
        "Adagrad",
        {"lr": 0.2, "lr_decay": 0.1, "weight_decay": 0.3, "initial_accumulator_value": 0.5, "eps": 1e-3},
    ),
    "rmsprop": ("RMSProp", {}, "RMSprop", {}),
    "rmsprop options": (
        "RMSProp",
        {"learning_rate": 0.02, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.3},
        "RMSprop",
        {"lr": 0.02, "alpha": 0.8, "eps": 1e-3, "weight_decay": 0.3},
    ),
    "rmsprop momentum": (
        "RMSProp",
        {"learning_rate": 0.005, "momentum": 0.7},
        "RMSprop",
        {"lr": 0.005, "momentum": 0.7},
    ),
    "rmsprop centered": (
        "RMSProp",
        {"learning_rate": 0.005, "centered": True},
        "RMSprop",
        {"lr": 0.005, "centered": True},
    ),
    "rmsprop all": (
        "RMSProp",
        {"learning_rate": 0.005, "momentum": 0.7, "centered": True, "alpha": 0.9, "weight_decay": 0.1},
        "RMSprop",
        {"lr": 0.005, "momentum": 0.7, "centered": True, "alpha": 0.9, "weight_decay": 0.1},
    ),
    "groups": (
        "AdamW",
        {"learning_rate": 0.05, "groups": {"b": {"learning_rate": 0.01, "betas": (0.5, 0.9), "weight_decay": 0.4}}},
        "AdamW",
        {"lr": 0.05, "groups": {"b": {"lr": 0.01, "betas": (0.5, 0.9), "weight_decay": 0.4}}},
    ),
}


def grouped(params, options):
    """What an optimiser takes first: the parameters, or a group for each; and the options without the key "groups"."""
    own = options.get("groups")
    rest = {k: v for k, v in options.items() if k != "groups"}
    if own is None:
        return list(params.values()), rest
    return [{"params": [p], **own.get(name, {})} for name, p in params.items()], rest


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
