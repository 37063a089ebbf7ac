"""Random training runs are drawn here: a model, an optimiser, a step, and up to forty events between the steps.

All of it is Python source, line by line, so that a run can be read, replayed and made smaller.
"""

from dataclasses import dataclass

import numpy as np

CLASSES = """\
class Residue(nn.Module):
    def __init__(self, inner, scale):
        super().__init__()
        self.inner = inner
        self.scale = scale
        self.shift = nn.Parameter(np.zeros(inner.weight.shape[1], inner.weight.dtype))
        self.seen = nn.Buffer(np.zeros(inner.weight.shape[1], inner.weight.dtype))

    def forward(self, x):
        y = np.tanh(self.inner(x)) * self.scale + self.shift
        if self.training:
            self.seen.assign_(self.seen * 0.5 + y.mean(axis=0).detach())
        return y


class Counting(nn.Module):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return x * 1.5


class Tied(nn.Module):
    def __init__(self, size, inner, dtype):
        super().__init__()
        self.first = nn.Linear(size, inner, dtype=dtype)
        self.bias = nn.Parameter(np.zeros(size, dtype))

    def forward(self, x):
        return nn.tanh(self.first(x)) @ self.first.weight.T + self.bias
"""

OPTIMIZERS = """
GradientDescent(_, 0.05) | GradientDescent(_, 0.05, weight_decay=0.01) | Momentum(_, 0.02, 0.9)
Momentum(_, 0.02, 0.8, True) | Momentum(_, 0.02, 0.9, weight_decay=0.1, dampening=0.1) | AdaGrad(_, 0.05)
AdaGrad(_, 0.05, rate_decay=0.1, initial_sum=0.1) | RMSProp(_, 0.01) | RMSProp(_, 0.01, momentum=0.5, centered=True)
Adam(_, 0.01) | Adam(_, 0.02, (0.8, 0.99), weight_decay=0.01) | Adam(_, 0.01, amsgrad=True) | AdamW(_, 0.01)
AdamW(_, 0.02, weight_decay=0.1, amsgrad=True)
"""
CLOSURES = ["LBFGS(_, max_iter=3)", "Newton(_)"]
SCHEDULES = """
StepDecay(optimizer, 2, 0.5) | MultiStepDecay(optimizer, [1, 3], 0.3) | ExponentialDecay(optimizer, 0.8)
CosineDecay(optimizer, 10) | CosineRestarts(optimizer, 3) | LinearWarmup(optimizer, 4)
ReduceOnPlateau(optimizer, patience=0, factor=0.5) | OneCycle(optimizer, 0.05, 60)
SequentialSchedule([optim.LinearWarmup(optimizer, 3), optim.ExponentialDecay(optimizer, 0.9)], [2])
ChainedSchedule([optim.LinearWarmup(optimizer, 3), optim.StepDecay(optimizer, 2, 0.5)])
"""
SETTINGS = {
    "learning_rate": ["0.03", "0.001", "0.0"],
    "weight_decay": ["0.0", "0.05"],
    "momentum": ["0.5", "0.0", "0.9"],
    "betas": ["(0.7, 0.9)", "(0.9, 0.999)"],
    "eps": ["1e-6", "1e-8"],
    "alpha": ["0.9", "0.99"],
}


EVENTS = {
    "step": 40,
    "freeze": 5,
    "setting": 5,
    "schedule": 4,
    "save": 3,
    "load": 3,
    "mode": 5,
    "assign": 5,
    "hook": 2,
    "grad": 2,
    "copy": 1,
    "predict": 4,
    "outside": 2,
    "attribute": 3,
    "reseed": 1,
}
OPTIONS = {  # besides the learning rate
    "GradientDescent": ["weight_decay"],
    "Momentum": ["weight_decay", "momentum"],
    "AdaGrad": ["weight_decay", "eps"],
    "RMSProp": ["weight_decay", "eps", "alpha"],
    "Adam": ["weight_decay", "betas", "eps"],
    "AdamW": ["weight_decay", "betas", "eps"],
}


@dataclass(frozen=True)
class Training:
    """A run: lines before, the lines of the step, events."""

    seed: int
    setup: tuple[str, ...]
    step: tuple[str, ...]
    events: tuple[str, ...]
    kind: str = "training"
    hard: int = 0


class Drawing:
    """What is drawn of one run so far."""

    def __init__(self, seed, attempt):
        self.rng = np.random.default_rng([seed, attempt, 5])
        self.seed = seed
        self.dtype = self.of(["float32", "float32", "float64"])
        self.features, self.outputs = self.of([2, 3, 5]), self.of([1, 2, 3])
        self.paths = []  # of layers, with what can be asked of them
        self.schedule = None
        self.hooks = 0

    def of(self, things):
        return things[int(self.rng.integers(len(things)))]

    def chance(self, p):
        return bool(self.rng.random() < p)

    def weighted(self, weights):
        names = list(weights)
        edges = np.cumsum([weights[k] for k in names])
        return names[int(np.searchsorted(edges, self.rng.integers(edges[-1]), side="right"))]

    def seeded(self):
        return int(self.rng.integers(1000, 100000))

    # --- the model

    def model(self):
        layers, width = [], self.features
        for _ in range(self.of([1, 2, 2, 3])):
            wide = self.of([2, 4, 6])
            kind = self.of(["Linear", "Linear", "Residue", "Tied"])
            if kind == "Linear":
                layers.append(
                    f"nn.Linear({width}, {wide}{', bias=False' if self.chance(0.2) else ''}, dtype=np.{self.dtype})"
                )
            elif kind == "Residue":
                layers.append(f"Residue(nn.Linear({width}, {wide}, dtype=np.{self.dtype}), {self.of(['0.5', '1.5'])})")
            else:
                layers.append(f"Tied({width}, {wide}, np.{self.dtype})")
                wide = width
            width = wide
            layers += [self.between(width) for _ in range(self.of([0, 1, 1, 2]))]
        if self.chance(0.03):
            layers.append("Counting()")
        if self.chance(0.15):
            inner = ", ".join([f"nn.Linear({width}, {width}, dtype=np.{self.dtype})", "nn.Tanh()"])
            layers.append(f"nn.Residual(nn.Sequential({inner}))")
        layers.append(f"nn.Linear({width}, {self.outputs}, dtype=np.{self.dtype})")
        self.layers = layers
        return f"model = nn.Sequential({', '.join(layers)})"

    def between(self, width):
        drop = f", rng=np.random.default_rng({self.seeded()})" if self.chance(0.5) else ""
        norm = self.of(["", "", ", momentum=None", ", affine=False"])
        return self.of(
            ["nn.Tanh()", "nn.ReLU()", "nn.Sigmoid()", "nn.GELU()", "nn.LeakyReLU()", "nn.SiLU()"]
            + [f"nn.Dropout(0.3{drop})"] * 3
            + [f"nn.BatchNorm1d({width}{norm}, dtype=np.{self.dtype})"] * 3
            + [f"nn.LayerNorm({width}, dtype=np.{self.dtype})", f"nn.RMSNorm({width}, dtype=np.{self.dtype})"]
        )

    # --- optimiser and step

    def optimizer(self):
        tables = [c.strip() for line in OPTIMIZERS.strip().splitlines() for c in line.split(" | ")]
        chosen = self.of(tables) if not self.chance(0.04) else self.of(CLOSURES)
        self.closure = chosen in CLOSURES
        self.method = chosen.partition("(")[0]
        parameters = "model.parameters()"
        if self.chance(0.15) and not self.closure:
            parameters = (
                "[{'params': model[0].parameters()}, {'params': model[-1].parameters(), 'learning_rate': 0.02}]"
            )
        return f"optimizer = optim.{chosen.replace('_', parameters, 1)}"

    def scheduled(self):
        tables = [c.strip() for line in SCHEDULES.strip().splitlines() for c in line.split(" | ")]
        self.schedule = self.of(tables)
        without_momentum = self.method in ("GradientDescent", "AdaGrad", "RMSProp")
        if self.closure or ("OneCycle" in self.schedule and without_momentum):
            self.schedule = "ExponentialDecay(optimizer, 0.9)"
        return f"schedule = optim.{self.schedule}"

    def body(self):
        loss = self.of(["nn.mse_loss", "nn.mse_loss", "nn.l1_loss", "nn.huber_loss"])
        self.labels = self.outputs > 1 and self.chance(0.4)
        loss = "nn.cross_entropy" if self.labels else loss
        value = f"{loss}(model(x), y)"
        if self.chance(0.1):
            value += " + 0.01 * sum((p * p).sum() for p in model.parameters())"
        if self.closure or self.chance(0.1):
            return ["loss = optimizer.step(lambda: " + value + ")", "return loss"]
        lines = [f"loss = {value}"]
        zero, back, move = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"
        lines = self.of([[zero, *lines, back], [*lines, zero, back], [*lines, zero, back], [*lines, back]])
        if self.chance(0.15):
            lines.append(
                self.of(
                    ["optim.clip_grad_norm(model.parameters(), 0.3)", "optim.clip_grad_value(model.parameters(), 0.05)"]
                )
            )
        if self.chance(0.05):
            lines.append("model[-1].weight.grad = model[-1].weight.grad * 0.5")
        lines.append(move)
        if self.chance(0.08):
            lines.append("average.assign_(average * 0.75 + model[-1].weight.detach() * 0.25)")
        if lines[0] != zero and zero not in lines and self.chance(0.6):
            lines.append(zero)
        if self.schedule and "Plateau" not in self.schedule and self.chance(0.12):
            lines.append("schedule.step()")
        elif self.chance(0.05):
            lines.append("optimizer.learning_rate = optimizer.learning_rate * 0.9")
        if self.chance(0.15):
            return [*lines, "return loss, model[0].parameters()[0].grad"]
        return [
            *lines,
            "return {'loss': loss, 'norm': np.sum(model[-1].weight ** 2)}" if self.chance(0.1) else "return loss",
        ]

    # --- events

    def batch(self):
        n = self.of([4, 4, 4, 4, 7, 2])
        x = f"values({self.seeded()}, ({n}, {self.features}), 'float32')"
        if self.labels:
            y = f"np.random.default_rng({self.seeded()}).integers(0, {self.outputs}, {n})"
        else:
            y = f"values({self.seeded()}, ({n}, {self.outputs}), {self.dtype!r})"
        return x, y

    def event(self):
        p = f"model.parameters()[{int(self.rng.integers(50))} % len(model.parameters())]"
        k = int(self.rng.integers(len(self.layers)))
        kind = self.weighted(EVENTS)
        x, y = self.batch()
        if kind == "step":
            return f"answer = trained({x}, {y})"
        if kind == "predict":
            return f"answer = predicted({x})"
        if kind == "freeze":
            on = self.of(["True", "False"])
            return self.of(
                [f"{p}.requires_grad_({on})", f"model[{k}].requires_grad_({on})", "model.requires_grad_(True)"]
            )
        if kind == "setting":
            name = self.of(["learning_rate", *OPTIONS.get(self.method, [])])
            where = self.of(["optimizer", "optimizer", "optimizer.groups[-1]"])
            return f"{where}.{name} = {self.of(SETTINGS[name])}"
        if kind == "schedule":
            if not self.schedule:
                return None
            more = ["saved_s = schedule.state_dict()", "schedule.load_state_dict(saved_s)"] if self.chance(0.2) else []
            return self.of([f"schedule.step({'0.5' if 'Plateau' in self.schedule else ''})", *more])
        if kind == "save":
            return self.of(["saved_m = model.state_dict()", "saved_o = optimizer.state_dict()"])
        if kind == "load":
            return self.of(["model.load_state_dict(saved_m)", "optimizer.load_state_dict(saved_o)"])
        if kind == "mode":
            return self.of(
                ["model.train()", "model.train()", "model.eval()", f"model[{k}].eval()", f"model[{k}].train()"]
            )
        if kind == "assign":
            new = f"values({self.seeded()}, {p}.shape, {p}.dtype)"
            ways = [f"{p}.assign_({new})", f"{p}.data = {new}", f"{p}.data[...] = {new}", f"{p}.assign_({p} * 0.5)"]
            return self.of([*ways, "[b.assign_(b * 0.5) for b in model.buffers() if b.dtype.kind == 'f']"])
        if kind == "hook":
            if self.hooks and self.chance(0.5):
                return f"hook_{int(self.rng.integers(self.hooks))}.remove()"
            self.hooks += 1
            hook = self.of(["lambda m, i, o: o * 0.5", "lambda m, i, o: None", "lambda m, i, o: o + 1"])
            return f"hook_{self.hooks - 1} = model.register_hook('{k}', {hook})"
        if kind == "grad":
            return self.of(
                ["optimizer.zero_grad()", f"{p}.zero_grad()", "model.zero_grad()", f"set_grad({p}, {self.seeded()})"]
            )
        if kind == "copy":
            names = "model, optimizer, schedule" if self.schedule else "model, optimizer"
            again = self.of(["", "; trained, predicted = compiled(plain_step), compiled(plain_predict)"])
            return f"{names} = copy.deepcopy(({names})){again}"
        if kind == "outside":
            return self.of(["optimizer.step()", f"answer = plain_step({x}, {y})"]) if not self.closure else None
        if kind == "attribute":
            layer = self.layers[k]
            if layer.startswith("nn.Dropout"):
                return f"model[{k}].p = {self.of(['0.5', '0.0', '0.2'])}"
            if layer.startswith("Residue"):
                return f"model[{k}].scale = {self.of(['0.7', '2.0'])}"
            return f"model[{k}].momentum = 0.3" if layer.startswith("nn.BatchNorm") else None
        return f"nn.manual_seed({self.seeded()})"


def draw(seed, attempt=0):
    """The run of a seed."""
    d = Drawing(seed, attempt)
    average = "average = ad.Tensor(model[-1].weight.data.copy())"
    setup = [f"nn.manual_seed({seed})", d.model(), d.optimizer(), average]
    if d.chance(0.5):
        setup.append(d.scheduled())
    step = d.body()
    count = int(d.rng.integers(6, 41))
    events = [f"answer = trained({', '.join(d.batch())})"]
    while len(events) < count:
        event = d.event()
        if event:
            events.append(event)
    return Training(seed, tuple(setup), tuple(step), tuple(events))
