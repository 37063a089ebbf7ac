"""A random training run done eagerly and compiled: equal to the bit after every event; and a failing one made small."""

import copy
import itertools
import linecache
import re
from dataclasses import replace

import numpy as np

import autodiff as ad
import nn
import optim
from tests.tools.programs.command import smallest
from tests.tools.programs.running import DiffersError, Outcome, compiled, copied, difference, leaves, same, strictly
from tests.tools.programs.training import CLASSES, draw
from tests.tools.programs.values import values

# Layers of a Sequential that can be left out: they keep the number of features.
LAYER = (
    r"nn\.(?:Tanh|ReLU|Sigmoid|GELU|LeakyReLU|SiLU)\(\), |"
    r"nn\.(?:Dropout|BatchNorm1d|LayerNorm|RMSNorm)\((?:[^()]|\([^()]*\))*\), "
)


def source(run):
    """What stands before the events."""
    lines = [*run.setup, "", "def plain_step(x, y):", *(f"    {line}" for line in run.step), ""]
    lines += ["def plain_predict(x):", "    return model(x)", ""]
    lines += ["trained, predicted = compiled(plain_step), compiled(plain_predict)"]
    return "\n".join(lines) + "\n"


def script(run):
    """A program that does the whole run and prints the answers."""
    head = "import copy\n\nimport numpy as np\n\nimport autodiff as ad\nimport nn\nimport optim\n"
    head += (
        "from tests.tools.programs.training_runs import set_grad\nfrom tests.tools.programs.values import values\n\n"
    )
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
        found |= {f"calls {i}": m.calls for i, (_, m) in enumerate(model.named_modules()) if hasattr(m, "calls")}
        found["average"] = scope["average"].data
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
        for now, then in zip(other.kept, other.seen):
            for i, a in enumerate(now):
                if f"answer {i}" in then and ".grad" not in run.step[-1] and not same(a, then[f"answer {i}"]):
                    raise DiffersError("the answer was changed by a later event")
    except ad.CompileError as error:
        if fallback:
            return Outcome(run.seed, "failed", f"event {k}, {event}: refused with fallback=True: {error}", run)
        again = compare(run, twin, checked, fallback=True)
        if again.verdict == "failed":
            return Outcome(run.seed, "failed", f"with fallback=True, {again.what}", run)
        return Outcome(run.seed, "refused", f"event {k}, {event}: {error}", run)
    except Exception as error:
        name = "" if isinstance(error, DiffersError) else f"{type(error).__name__}: "
        return Outcome(run.seed, "failed", f"event {k}, {event}: {name}{error}", run)
    return Outcome(run.seed, "same", "", run)


def _same_after(mine, theirs):
    for name in mine:
        if name not in theirs or not same(mine[name], theirs[name]):
            raise DiffersError(f"{name}: {difference(mine[name], theirs.get(name))}")


def reduce(outcome, checked=0):
    """What becomes of the smallest run found that fails in the same way."""

    def again(candidate):
        twin = eager(candidate)
        return compare(candidate, twin, checked) if isinstance(twin, Run) else None

    return smallest(outcome, _smaller, again, _kind)


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
    if len(run.setup) > 4:
        yield replace(run, setup=run.setup[:4])
    model = run.setup[1]
    if not any(re.search(r"model\[[1-9]", e) for e in run.events):
        parts = re.findall(LAYER, model)
        for part in parts:
            yield replace(run, setup=(run.setup[0], model.replace(part, "", 1), *run.setup[2:]))
