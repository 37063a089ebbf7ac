"""Random training runs: a model, an optimiser, a step, and up to forty events between the steps.

All of it is Python source, line by line, so that a run can be read, replayed and made smaller.
"""

import copy
import itertools
import linecache
import re
from dataclasses import dataclass, replace

import numpy as np

import autodiff as ad
import nn
import optim
from tests.tools.programs.running import Differs, Outcome, compiled, copied, difference, leaves, same, strictly
from tests.tools.programs.values import values

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


class Tied(nn.Module):
    def __init__(self, size, inner, dtype):
        super().__init__()
        self.first = nn.Linear(size, inner, dtype=dtype)
        self.bias = nn.Parameter(np.zeros(size, dtype))

    def forward(self, x):
        return nn.tanh(self.first(x)) @ self.first.weight.T + self.bias
"""

OPTIMIZERS = """
GradientDescent(_, 0.05) | GradientDescent(_, 0.05, weight_decay=0.01) | Momentum(_, 0.02, 0.9) | Momentum(_, 0.02, 0.8, True)
Momentum(_, 0.02, 0.9, weight_decay=0.1, dampening=0.1) | AdaGrad(_, 0.05) | AdaGrad(_, 0.05, rate_decay=0.1, initial_sum=0.1) | RMSProp(_, 0.01)
RMSProp(_, 0.01, momentum=0.5, centered=True) | Adam(_, 0.01) | Adam(_, 0.02, (0.8, 0.99), weight_decay=0.01) | Adam(_, 0.01, amsgrad=True) | AdamW(_, 0.01)
AdamW(_, 0.02, weight_decay=0.1, amsgrad=True)
"""
CLOSURES = ["LBFGS(_, max_iter=3)", "Newton(_)", "GaussNewton(_)"]
SCHEDULES = """
StepDecay(optimizer, 2, 0.5) | MultiStepDecay(optimizer, [1, 3], 0.3) | ExponentialDecay(optimizer, 0.8) | CosineDecay(optimizer, 10)
CosineRestarts(optimizer, 3) | LinearWarmup(optimizer, 4) | ReduceOnPlateau(optimizer, patience=0, factor=0.5) | OneCycle(optimizer, 0.05, 60)
SequentialSchedule([optim.LinearWarmup(optimizer, 3), optim.ExponentialDecay(optimizer, 0.9)], [2])
ChainedSchedule([optim.LinearWarmup(optimizer, 3), optim.StepDecay(optimizer, 2, 0.5)])
"""
SETTINGS = {
    "learning_rate": ["0.03", "0.001", "0.0"],
    "weight_decay": ["0.0", "0.05"],
    "momentum": ["0.5", "0.0", "0.9"],
    "betas": ["(0.7, 0.9)", "(0.9, 0.999)"],
    "eps": ["1e-6", "1e-8"],
    "nesterov": ["True", "False"],
    "alpha": ["0.9", "0.99"],
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

    def seeded(self):
        return int(self.rng.integers(1000, 100000))

    # --- the model

    def model(self):
        layers, width = [], self.features
        for _ in range(self.of([1, 2, 2, 3])):
            wide = self.of([2, 4, 6])
            kind = self.of(["Linear", "Linear", "Residue", "Tied"])
            if kind == "Linear":
                layers.append(f"nn.Linear({width}, {wide}{', bias=False' if self.chance(0.2) else ''}, dtype=np.{self.dtype})")
            elif kind == "Residue":
                layers.append(f"Residue(nn.Linear({width}, {wide}, dtype=np.{self.dtype}), {self.of(['0.5', '1.5'])})")
            else:
                layers.append(f"Tied({width}, {wide}, np.{self.dtype})")
                wide = width
            width = wide
            layers += [self.between(width) for _ in range(self.of([0, 1, 1, 2]))]
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
            parameters = "[{'params': model[0].parameters()}, {'params': model[-1].parameters(), 'learning_rate': 0.02}]"
        return f"optimizer = optim.{chosen.replace('_', parameters, 1)}"

    def scheduled(self):
        tables = [c.strip() for line in SCHEDULES.strip().splitlines() for c in line.split(" | ")]
        self.schedule = self.of(tables)
        if self.closure or "OneCycle" in self.schedule and self.method in ("GradientDescent", "AdaGrad", "RMSProp"):
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
            lines.append(self.of(["optim.clip_grad_norm(model.parameters(), 0.3)", "optim.clip_grad_value(model.parameters(), 0.05)"]))
        lines.append(move)
        if lines[0] != zero and zero not in lines and self.chance(0.6):
            lines.append(zero)
        if self.schedule and "Plateau" not in self.schedule and self.chance(0.12):
            lines.append("schedule.step()")
        elif self.chance(0.05):
            lines.append("optimizer.learning_rate = optimizer.learning_rate * 0.9")
        if self.chance(0.15):
            return [*lines, "return loss, model[0].parameters()[0].grad"]
        return [*lines, "return {'loss': loss, 'norm': np.sum(model[-1].weight ** 2)}" if self.chance(0.1) else "return loss"]

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
        kinds = {
            "step": 40, "freeze": 5, "setting": 5, "schedule": 4, "save": 3, "load": 3, "mode": 5, "assign": 5, "hook": 2,
            "grad": 2, "copy": 1, "predict": 4, "outside": 2, "attribute": 3, "reseed": 1,
        }  # fmt: skip
        names = list(kinds)
        edges = np.cumsum(list(kinds.values()))
        kind = names[int(np.searchsorted(edges, self.rng.integers(edges[-1]), side="right"))]
        x, y = self.batch()
        if kind == "step":
            return f"answer = trained({x}, {y})"
        if kind == "predict":
            return f"answer = predicted({x})"
        if kind == "freeze":
            on = self.of(["True", "False"])
            return self.of([f"{p}.requires_grad_({on})", f"model[{k}].requires_grad_({on})", "model.requires_grad_(True)"])
        if kind == "setting":
            name = self.of(list(SETTINGS))
            where = self.of(["optimizer", "optimizer", "optimizer.groups[-1]"])
            return f"{where}.{name} = {self.of(SETTINGS[name])}" if name in self.options() else None
        if kind == "schedule":
            if not self.schedule:
                return None
            more = [f"saved_s = schedule.state_dict()", "schedule.load_state_dict(saved_s)"] if self.chance(0.2) else []
            return self.of([f"schedule.step({'0.5' if 'Plateau' in self.schedule else ''})", *more])
        if kind == "save":
            return self.of(["saved_m = model.state_dict()", "saved_o = optimizer.state_dict()"])
        if kind == "load":
            return self.of(["model.load_state_dict(saved_m)", "optimizer.load_state_dict(saved_o)"])
        if kind == "mode":
            return self.of(["model.train()", "model.train()", "model.eval()", f"model[{k}].eval()", f"model[{k}].train()"])
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

    def options(self):
        always = {"learning_rate"}
        own = {
            "GradientDescent": {"weight_decay"}, "Momentum": {"weight_decay", "momentum"}, "AdaGrad": {"weight_decay", "eps"},
            "RMSProp": {"weight_decay", "eps", "alpha"}, "Adam": {"weight_decay", "betas", "eps"}, "AdamW": {"weight_decay", "betas", "eps"},
        }  # fmt: skip
        return always | own.get(self.method, set())


def draw(seed, attempt=0):
    """The run of a seed."""
    d = Drawing(seed, attempt)
    setup = [f"nn.manual_seed({seed})", d.model(), d.optimizer()]
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


# --- running ------------------------------------------------------------------------------------


def source(run):
    """What stands before the events."""
    lines = [*run.setup, "", "def plain_step(x, y):", *(f"    {line}" for line in run.step), ""]
    lines += ["def plain_predict(x):", "    return model(x)", ""]
    lines += ["trained, predicted = compiled(plain_step), compiled(plain_predict)"]
    return "\n".join(lines) + "\n"


def script(run):
    """A program that does the whole run and prints the answers."""
    head = "import copy\n\nimport numpy as np\n\nimport autodiff as ad\nimport nn\nimport optim\n"
    head += "from tests.tools.programs.training import set_grad\nfrom tests.tools.programs.values import values\n\n"
    head += "compiled = ad.compile  # or lambda f: f\n\n\n"
    return head + CLASSES + "\n\n" + source(run) + "\n" + "\n".join(run.events) + "\n"


def set_grad(p, seed):
    """Give a parameter a gradient, if it is tracked."""
    if p.requires_grad:
        p.grad = values(seed, p.shape, p.dtype)


_numbers = itertools.count()


class Run:
    """One run of it, eagerly or compiled: everything there is to see after each event."""

    def __init__(self, run, wrap):
        self.scope = {"np": np, "ad": ad, "nn": nn, "optim": optim, "copy": copy, "values": values}
        self.scope |= {"set_grad": set_grad, "compiled": wrap, "__name__": "random_training"}
        self.file = f"<random training {next(_numbers)}>"
        text = CLASSES + source(run)
        linecache.cache[self.file] = (len(text), None, text.splitlines(keepends=True), self.file)
        exec(compile(text, self.file, "exec"), self.scope)
        self.seen, self.kept = [], []

    def do(self, event):
        """One event; what needs something that is not there yet does nothing."""
        missing = [name for name in re.findall(r"saved_\w|hook_\d+(?=\.)", event) if name not in self.scope]
        if not missing or event.startswith(tuple(f"{name} =" for name in missing)):
            self.scope.pop("answer", None)
            exec(event, self.scope)
        answer = leaves(self.scope.get("answer"))
        self.kept.append(answer)
        self.seen.append({k: copied(v) for k, v in self.state(answer).items()})

    def state(self, answer):
        """Answers, parameters, gradients, buffers, and the states of optimiser and schedule, by name."""
        scope = self.scope
        model, optimizer = scope["model"], scope["optimizer"]
        found = {f"answer {i}": a for i, a in enumerate(answer)}
        found |= {name: p.data for name, p in model.named_parameters()}
        found |= {f"{name}.grad": p.grad if p.requires_grad else None for name, p in model.named_parameters()}
        found |= {name: b.data for name, b in model.named_buffers()}
        if hasattr(optimizer, "state_dict"):
            found |= {f"optimizer {k}": v for k, v in optimizer.state_dict().items()}
        if "schedule" in scope:
            found |= {f"schedule {k}": v for k, v in scope["schedule"].state_dict().items()}
        return found


def drawn(seed):
    """The run of a seed, and its eager twin: the first attempt that runs without an error or a warning."""
    for attempt in range(40):
        run = draw(seed, attempt)
        twin = eager(run)
        if isinstance(twin, Run):
            return run, twin
        why.append(twin)
    raise RuntimeError(f"no run was found for seed {seed}")


why = []


def eager(run):
    """The eager twin, or why there is none."""
    try:
        with strictly(run):
            twin = Run(run, lambda f: f)
            for event in run.events:
                twin.do(event)
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return twin


def check(seed, **options):
    """Draw the run of a seed, do it both ways, compare."""
    return compare(*drawn(seed), **options)


def compare(run, twin, checked=0, fallback=False):
    """Do a run compiled and compare it with its eager twin after every event."""
    event, k = "", 0
    try:
        with strictly(run):
            other = Run(run, lambda f: compiled(f, checked, fallback))
            for k, event in enumerate(run.events):
                other.do(event)
                _same_after(twin.seen[k], other.seen[k])
        for k, (now, then) in enumerate(zip(other.kept, other.seen)):
            for i, a in enumerate(now):
                if f"answer {i}" in then and ".grad" not in run.step[-1] and not same(a, then[f"answer {i}"]):
                    raise Differs("the answer was changed by a later event")
    except ad.CompileError as error:
        if fallback:
            return Outcome(run.seed, "failed", f"event {k}, {event}: refused with fallback=True: {error}", run)
        again = compare(run, twin, checked, fallback=True)
        if again.verdict == "failed":
            return Outcome(run.seed, "failed", f"with fallback=True, {again.what}", run)
        return Outcome(run.seed, "refused", f"event {k}, {event}: {error}", run)
    except Exception as error:
        name = "" if isinstance(error, Differs) else f"{type(error).__name__}: "
        return Outcome(run.seed, "failed", f"event {k}, {event}: {name}{error}", run)
    return Outcome(run.seed, "same", "", run)


def _same_after(mine, theirs):
    for name in mine:
        if name not in theirs or not same(mine[name], theirs[name]):
            raise Differs(f"{name}: {difference(mine[name], theirs.get(name))}")


def reduce(outcome, checked=0):
    """What becomes of the smallest run found that fails in the same way."""
    kind = _kind(outcome.what)

    def failing(candidate):
        twin = eager(candidate)
        if not isinstance(twin, Run):
            return None
        found = compare(candidate, twin, checked)
        return found if found.verdict == outcome.verdict and _kind(found.what) == kind else None

    shrunk = True
    while shrunk:
        shrunk = False
        for candidate in _smaller(outcome.program):
            found = failing(candidate)
            if found:
                outcome, shrunk = found, True
                break
    return outcome


def _kind(what):
    """What became of it, without the event and numbers."""
    return re.sub(r"\S*\d\S*", "#", what.rpartition(": ")[2])[:25]


def _smaller(run):
    n = len(run.events)
    for size in (n // 2, n // 4, 3, 2, 1):
        for start in range(n - size, -1, -size) if 0 < size < n else ():
            yield replace(run, events=run.events[:start] + run.events[start + size :])
    for k in range(len(run.step) - 1):
        yield replace(run, step=run.step[:k] + run.step[k + 1 :])
    if len(run.setup) > 3:
        yield replace(run, setup=run.setup[:3])
    model = run.setup[1]
    if not any(re.search(r"model\[[1-9]", e) for e in run.events):
        parts = re.findall(r"nn\.(?:Tanh|ReLU|Sigmoid|GELU|LeakyReLU|SiLU)\(\), |nn\.(?:Dropout|BatchNorm1d|LayerNorm|RMSNorm)\((?:[^()]|\([^()]*\))*\), ", model)
        for part in parts:
            yield replace(run, setup=(run.setup[0], model.replace(part, "", 1), *run.setup[2:]))


