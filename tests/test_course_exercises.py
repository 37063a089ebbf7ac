"""Every exercise tells right answers from wrong ones, and says in which way an answer is wrong."""

import contextlib
import importlib.util
import io
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
import demos.course
from demos.course import check, command, running, slopes
from demos.course.exercises import CHAPTERS
from demos.course.judging import Verdict, judge
from demos.course.keeping import Progress
from demos.course.mutants import mutants
from demos.course.records import defined, exercises
from demos.course.running import Printed, alarm, alone, graded

ROOT = Path(__file__).parents[1]
EXERCISES = exercises()


def judged(exercise, answer, seconds=20.0):
    """The verdict in this process, as the process of its own would give it."""
    with alone(Printed()), alarm(seconds):
        return judge(exercise, answer)


# --- the exercises


def test_every_chapter_of_the_curriculum_has_exercises():
    assert len(EXERCISES) >= 34
    for chapter in CHAPTERS:
        assert sum(e.chapter == chapter for e in EXERCISES.values()) >= 6, chapter
    for number in (1, 2, 3, 4):
        assert any(e.serves.endswith(f"exercise {number} of the curriculum") for e in EXERCISES.values())


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_is_right_and_the_record_is_whole(name):
    exercise = EXERCISES[name]
    assert judged(exercise, exercise.solved()).kind == "right"
    assert judged(exercise, exercise.reference).kind == "right"
    assert defined(exercise.solution) == [exercise.function] == defined(exercise.template)
    assert len(exercise.mistakes) >= 3 and exercise.hints and exercise.task and ":" in exercise.serves
    for text in (exercise.title, *exercise.mistakes, *exercise.hints):
        assert len(text) < 140, text
    for text in exercise.mistakes:
        assert text.endswith((".", "?")), text
    for argument in exercise.arguments if not exercise.is_class else ():
        assert re.search(rf"\b{argument}\b", exercise.task + exercise.title, re.I), argument


@pytest.mark.parametrize("name", EXERCISES)
def test_ten_wrong_answers_and_more_are_told_apart(name):
    exercise = EXERCISES[name]
    wrong = 0
    for mutant in mutants(exercise):
        verdict = judged(exercise, mutant.answer, 0.05 if mutant.way == "endless" else 20.0)
        assert verdict.kind in mutant.kinds, (mutant.way, verdict)
        assert bool(verdict) == (verdict.kind == "right") == (not verdict.hint), verdict
        assert_readable(verdict)
        wrong += verdict.kind != "right"
    for hint, mistake in exercise.mistakes.items():
        verdict = judged(exercise, mistake)
        assert verdict.hint == hint, (hint, verdict)
        assert_readable(verdict)
    assert wrong + len(exercise.mistakes) >= 10 + len(exercise.mistakes) // 2


def assert_readable(verdict):
    text = str(verdict)
    assert "Traceback" not in text and "demos/course" not in text and "<lambda>" not in text and "0x" not in text, text
    assert all(len(line) < 700 for line in text.splitlines()) and text.count("\n") < 5


SLOPES = [name for name, exercise in EXERCISES.items() if exercise.slope_of]


@pytest.mark.parametrize("name", SLOPES)
def test_the_right_answer_is_the_slope_that_is_measured(name):
    exercise, checked = EXERCISES[name], 0
    for case in exercise.cases[: -1 if exercise.keeps_dtype else None]:
        for part, right in enumerate(case.right):
            for place in list(np.ndindex(right.shape))[:6]:
                rise = slopes.measured(exercise, case.arguments, part, place)
                if not np.isnan(rise):
                    assert rise == pytest.approx(right[place], rel=1e-5, abs=1e-7), (case, part, place)
                    checked += 1
    assert checked >= 3 and all(argument in exercise.arguments for argument in exercise.by)


def test_the_laws_hold_for_the_right_answers():
    for name, exercise in EXERCISES.items():
        for hint, holds in exercise.laws.items():
            for case in exercise.cases:
                assert holds(exercise.solved(), *case.arguments), (name, hint)


def test_the_cases_are_the_same_each_time():
    for name in ("gradient-descent", "moments"):
        again = type(EXERCISES[name])(**{k: v for k, v in vars(EXERCISES[name]).items() if k != "cases"})
        for one, other in zip(again.cases, EXERCISES[name].cases, strict=True):
            np.testing.assert_array_equal(one.right[0], other.right[0])


# --- wrong answers as learners write them, beside those that the exercises know

ANSWERS = [  # exercise, kind, part of the hint, program
    ("sigmoid-derivative", "near 0", "near 0", "lambda x: 0.25 - x**2 / 16"),
    ("relu-derivative", "cases", "Right for one number and 0, but not for an array", "lambda x: 1.0 if x > 0 else 0.0"),
    ("relu-derivative", "where", "where `x` is negative", "lambda x: np.where(x > 0, 1.0, np.where(x < 0, 0.01, 0))"),
    ("tanh-derivative", "dtype", "float64 comes out", "lambda x: 1 - np.tanh(x) ** np.float64(2)"),
    ("mse-gradient", "mistake", "The mean is missing", "lambda prediction, target: 2 * (prediction - target)"),
    ("mse-gradient", "shape", "a sum or a mean too many", "lambda prediction, target: 7.5"),
    ("mae-gradient", "related", "without its sign", "lambda prediction, target: abs(np.sign(prediction - target)) / prediction.size"),
    ("hinge-gradient", "factor", "always 0", "lambda scores, y: 0 * scores"),
    ("kl-divergence", "factor", "1/log 2", "lambda p, q: np.sum(p[p > 0] * np.log2(p[p > 0] / q[p > 0]))"),
    ("entropy", "mistake", "It is in nats", "lambda p: -np.sum(p[p > 0] * np.log(p[p > 0]))"),
    ("green-area", "mistake", "The factor 1/2 is missing", "lambda xs, ys: np.sum(xs * np.roll(ys, -1) - np.roll(xs, -1) * ys)"),
    ("fit-normal", "factor", "`variance`", "lambda x: (x.mean(), 2 * x.var())"),
    ("numerical-gradient", "roughly", "nearly", "lambda f, x: np.array([(f(x + e) - f(x)) / 1e-3 for e in 1e-3 * np.eye(len(x))])"),
    ("rosenbrock-gradient", "entries", "entry 1 is missing", "lambda p: np.array([-2 * (1 - p[0]) - 400 * p[0] * (p[1] - p[0] ** 2), 0])"),
    ("rosenbrock-gradient", "entries", "sign of the entry 1", "lambda p: np.array([-2 * (1 - p[0]) - 400 * p[0] * (p[1] - p[0] ** 2), -200 * (p[1] - p[0] ** 2)])"),
    ("polar-jacobian", "transposed", "Rows and columns", "lambda r, phi: np.array([[np.cos(phi), np.sin(phi)], [-r * np.sin(phi), r * np.cos(phi)]])"),
    ("curl-in-space", "order", "in another order", "lambda J: np.array([J[0, 2] - J[2, 0], J[2, 1] - J[1, 2], J[1, 0] - J[0, 1]])"),
    ("by-substitution", "law", "Derived by the upper limit", "lambda a, b: b**3 - a * 2"),
    ("by-parts", "law", "must be the integrand", "lambda b: b**3 + np.cos(b)"),
    ("quotient-rule", "slope", "If `x` alone changes a little, the function changes", "lambda f, df, g, dg, x: df(x) * g(x) ** 2 + 1"),
    ("two-layer-backward", "slope", "`dW1`: If `W1[", "lambda x, y, W1, b1, W2, b2: (W1 * 2, b1 * 2, W2 * 2, b2 * 2)"),
    ("green-area", "law", "moved", "lambda xs, ys: np.sum(xs * np.roll(ys, -1)) - np.sum(ys) / 2"),
    ("green-area", "law", "four times", "lambda xs, ys: np.sum(np.abs(np.diff(xs)))"),
    ("mutual-information", "law", "for the transpose", "lambda p: np.sum(p[0] * np.log(1 + p[1]))"),
    ("directional-derivative", "law", "twice as long", "lambda gradient, direction: np.sum(np.abs(gradient)) + direction @ direction"),
    ("he-scale", "factor", "too small by a factor: the square root of `inputs`", "lambda inputs: 2**0.5 / inputs"),
    ("momentum", "unchanged", "`x0`", "lambda df, x0, rate, beta, steps: x0"),
    ("gradient-descent", "cases", "Right for no step", "lambda df, x0, rate, steps: np.array([x0] + [x0 - rate * df(x0)] * steps)"),
    ("two-layer-backward", "shape", "one entry too many. (dW1, dW2, db2 are right.)", "by_hand"),
    ("softmax", "law", "sum 1", "lambda x: np.exp(x - x.max()) ** 1.5"),
    ("quadratic-hessian", "law", "symmetric", "lambda A: A + A.T + np.triu(A, 1) * 0.3"),
    ("kl-of-normals", "law", "equal distributions", "lambda m1, s1, m2, s2: s1 + s2 + m1 * m2"),
    ("two-layer-backward", "type", "there should be 4", "lambda x, y, W1, b1, W2, b2: (W1 * 2, b1 * 2)"),
    ("dense-backward", "value", "(dx, dW are right.)", "lambda x, W, dy: (dy @ W.T, x.T @ dy, dy.sum(0) ** 3 + dy[0])"),
    ("gradient-descent", "type", "a function", "lambda df, x0, rate, steps: df"),
    ("gradient-descent", "type", "a map", "lambda df, x0, rate, steps: map(df, [1])"),
    ("gradient-descent", "type", "a dict", "lambda df, x0, rate, steps: {}"),
    ("gradient-descent", "type", "no array of numbers", "lambda df, x0, rate, steps: [[1, 2], [3]]"),
    ("power-rule", "type", "complex", "lambda n, x: n * x ** (n - 1) * (1 + 1j)"),
    ("entropy", "mistake", "0 log 0 counts as 0", "lambda p: np.sum(p * np.log2(1 / p))"),
    ("tangent-line", "nan", "the logarithm", "lambda f, df, a, x: np.log(-1.0 - x * x)"),
    ("chain-rule", "arguments", "chain_rule(df, g, dg, x)", "lambda f, x: 0"),
    ("chain-rule", "error", "calls itself", "lambda df, g, dg, x: again(x)"),
    ("largest-rate", "type", "tuple of 2", "lambda H: (2 / np.linalg.norm(H, 2), 'the bound')"),
    ("line-integral", "error", "ValueError", "lambda F, points: sum(F(p) @ points for p in points)"),
    ("gradient-descent", "cases", "Right for no step at all, but not", "lambda df, x0, rate, steps: np.array([x0 + k * k for k in range(steps + 1)])"),
]  # fmt: skip


def by_hand(x, y, W1, b1, W2, b2):
    h = np.tanh(x @ W1 + b1)
    dp = 2 * (h @ W2 + b2 - y) / len(x)
    dz = dp @ W2.T * (1 - h**2)
    return x.T @ dz, dz.sum(1), h.T @ dp, dp.sum(0)  # the first sum goes along the wrong axis


@pytest.mark.parametrize(("name", "kind", "hint", "program"), ANSWERS)
def test_a_wrong_answer_is_told_in_the_learners_terms(name, kind, hint, program):
    names = {"np": np, "again": lambda x: names["again"](x), "by_hand": by_hand}
    with np.errstate(all="ignore"):
        verdict = judged(EXERCISES[name], eval(program, names))
    assert (verdict.kind, hint in verdict.hint) == (kind, True), verdict
    assert_readable(verdict)


class Spiteful(list):
    """A result that fails whatever is asked of it."""

    def __init__(self, *allowed):
        super().__init__([1.0, 2.0])

    def fails(self, *_, **__):
        raise RuntimeError("no")

    __iter__ = __len__ = __getitem__ = __array__ = __repr__ = __eq__ = fails
    __hash__ = None


AROUND = [1.0]
AROUND.append(AROUND)
ODD = [
    *(
        10**400,
        1e308 * 10,
        -0.0,
        1j,
        [],
        [[]],
        [1, [2, 3]],
        (),
        (None,),
        (None, None),
        "x",
        "é" * 10_000,
        b"x",
        {},
        {1},
        AROUND,
    ),
    *(iter([1]), range(3), map(float, [1]), object(), Spiteful(), int, np, print, ..., NotImplemented, ValueError("x")),
    *(
        np.zeros((0, 3)),
        np.array("x"),
        np.array([None, 1]),
        np.array([1 + 2j]),
        np.zeros(3, [("a", float)]),
        np.ones((2,) * 20),
    ),
    *(
        np.ones(10**5),
        np.array([200], np.uint8),
        np.datetime64("2020-01-01"),
        np.ma.masked_array([1.0, 2.0], [True, False]),
    ),
    *(
        ad.tensor([True]),
        ad.tensor([1, 2]),
        [ad.tensor(1.0), None],
        slice(3),
        memoryview(b"abc"),
        np.array([np.inf, -np.inf]),
    ),
]


@pytest.mark.parametrize(
    "name",
    [
        "gradient-descent",
        "fit-normal",
        "power-rule",
        "classify-critical-point",
        "is-gradient-field",
        "escape-direction",
        "sigmoid-derivative",
    ],
)
def test_odd_results_end_in_a_hint(name):
    for value in ODD:
        verdict = judged(EXERCISES[name], lambda *xs, value=value: value)
        assert not verdict and verdict.kind not in ("time", "error"), (type(value), verdict)
        assert_readable(verdict)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, GeneratorExit, StopIteration, BaseException, AssertionError, MemoryError]
)
def test_every_error_ends_in_a_hint(error):
    def entropy(p):
        raise error

    verdict = judged(EXERCISES["entropy"], entropy)
    assert verdict.kind in ("error", "memory") and "`raise error`" in verdict.hint


@pytest.mark.parametrize("answer", [None, 3.0, "gradient", np.ones(3)])
def test_what_is_no_function_is_refused(answer):
    verdict = check("entropy", answer)
    assert verdict.kind == "type" and not verdict


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("mse-gradient", lambda p, y: ad.grad(lambda p: ((p - y) ** 2).mean())(p)),  # by the engine
        ("softmax", lambda x: np.exp(x - np.logaddexp.reduce(x, axis=-1)[..., None])),
        ("entropy", lambda p: sum(-x * np.log2(x) for x in p.tolist() if x)),
        ("gradient-descent", lambda df, x0, rate, steps: list(walk(df, x0, rate, steps))),
        ("escape-direction", lambda H: -np.linalg.eigh(H)[1][:, 0]),
        ("fit-normal", lambda x: [np.mean(x), np.var(x)]),
        ("fit-normal", lambda x: np.array([np.mean(x), np.var(x)])),
        ("fit-normal", lambda x, more=1: (ad.tensor(np.mean(x)), np.var(x))),
        ("classify-critical-point", lambda *H: EXERCISES["classify-critical-point"].solved()(*H).upper()),
        ("tangent-line", lambda f, df, a, x: (lambda slope: slope * x + f(a) - slope * a)(df(a))),
        ("mutual-information", lambda p: ad.probability.mutual_information(p)),
        ("moments", lambda p, a, b: tuple(map(float, by_trapezoids(p, a, b)))),
    ],
)
def test_a_right_answer_written_another_way_passes(name, answer):
    assert judged(EXERCISES[name], answer), judged(EXERCISES[name], answer)


def walk(df, x, rate, steps):
    yield x
    for _ in range(steps):
        x = x - rate * df(x)
        yield x


def by_trapezoids(p, a, b):
    x = np.linspace(a, b, 1001)
    mean = np.trapezoid(x * p(x), x)
    return mean, np.trapezoid((x - mean) ** 2 * p(x), x)


@pytest.mark.parametrize(
    ("rate", "kind", "hint"),
    [
        (0.3, "right", ""),
        (5.0, "law", "rate too large"),
        (-0.3, "law", "uphill"),
        (-0.002, "law", "loss rises"),
        (0.01, "law", "not to a quarter"),
    ],
)
def test_a_network_trained_by_hand_is_judged_by_its_loss(rate, kind, hint):
    solved = EXERCISES["train-step"].solved()

    def train_step(*parameters):
        steps = [(new - old) / 0.5 for old, new in zip(parameters, solved(*parameters), strict=False)]
        return [p + rate * s for p, s in zip(parameters, steps, strict=False)]

    verdict = judged(EXERCISES["train-step"], train_step)
    assert (verdict.kind, hint in verdict.hint) == (kind, True), (verdict, verdict.hint)


# --- in a process of its own

BEGIN = "import numpy as np\n\n\ndef entropy(p):\n"
PROGRAMS = [  # what the file holds, the kind of the verdict, part of the hint
    (BEGIN + "    while True:\n        pass\n", "time", "(line "),
    (BEGIN + "    while True:\n        try:\n            pass\n        except:\n            pass\n", "time", ""),
    ("while True:\n    pass\n", "time", ""),
    (BEGIN + "    return 1 / (p[0] - p[0].item())\n", "nan", "divided by 0"),
    (BEGIN + "    q = p\n    return q / [].pop()\n", "error", "IndexError: pop from empty list (line 6: `return q / [].pop()`)"),
    (BEGIN + "    return np.log(p, 'x')\n", "error", "(line 5: `return np.log(p, 'x')`)"),
    (BEGIN + "    return entropy(p)\n", "error", "calls itself without an end (line 5"),
    (BEGIN + "    import sys\n    sys.exit()\n", "exit", "return the result instead"),
    (BEGIN + "    import os\n    os._exit(0)\n", "ended", "exit"),
    (BEGIN + "    import os\n    os.kill(os.getpid(), 9)\n", "ended", "memory"),
    (BEGIN + "    return float(input('p? '))\n", "input", "(line 5: `return float(input('p? '))`)"),
    (BEGIN + "    import sys\n    return float(sys.stdin.read())\n", "error", "line 6"),
    (BEGIN + "    return 9**9**9**9\n", "time", ""),
    (BEGIN + "    import os\n    os.write(1, b'past' * 10**6)\n    return 1 / 0\n", "error", "ZeroDivisionError"),
    ("import helper_of_mine\n", "error", "No module named 'helper_of_mine'"),
    (BEGIN + "    return np.ones((1 << 18, 1 << 14)).sum()\n", "memory", "line 5"),
    (BEGIN + "    kept = []\n    while True:\n        kept.append(bytearray(10**8))\n", "memory", "line 7"),
    ("def entropy(p):\n    return (p\n", "syntax", "line 2"),
    ("def entropy(p)\n    return p\n", "syntax", "line 1: `def entropy(p)` (expected ':')"),
    ("def entropi(p):\n    return p\n", "name", "There is `entropi`: rename it."),
    ("import numpy as np\n", "name", "defines no function `entropy`."),
    ("import nunpy as np\n", "error", "No module named 'nunpy' (line 1: `import nunpy as np`)"),
    ("raise SystemExit\n", "exit", "before anything is graded"),
    ("n = int(input())\n", "input", "the arguments instead"),
    ("x = 1\nentropy = x\n", "type", "an int, not a function"),
    ("def entropy():\n    return 1\n", "arguments", "`entropy(p)`; yours takes `()`"),
    (BEGIN + "    np.isclose = np.allclose = lambda *x, **y: True\n    return 1.0\n", "replaced", "`numpy."),
    ("import numpy as np\nnp.abs = None\ndef entropy(p):\n    return 1.0\n", "replaced", "`numpy.abs`, which other"),
    ("import builtins\nbuiltins.len = None\n", "replaced", "a name of its own"),
    ("import json\njson.dumps = lambda x: '{}'\ndef entropy(p):\n    return 1.0\n", "replaced", "`json.dumps`"),
    ("import demos.course.judging as j\nj.close = lambda *x: True\n", "replaced", "`demos.course.judging.close`"),
    ("import sys\nsys.modules.clear()\n", "name", "defines no function"),
    ("import sys\nsys.settrace(lambda *x: 1 / 0)\n", "name", "defines no function"),
    (BEGIN + "    return np.broadcast_to(1.0, (10**12,))\n", "memory", "an array of shape (1000000000000,); one number"),
    (BEGIN + "    with open('long', 'wb') as f:\n        f.truncate(1 << 27)\n", "error", "File too large (line "),
    ("entropy = lambda p: 1.0\nentropy.__signature__ = 1\n", "cases", "Right for"),
    ("x = " + "-" * 100_000 + "1\n", "syntax", "nested too deeply"),
    (b"def entropy(p):\n    return '\xff'\n", "syntax", "cannot be read"),
    (b"\0\0", "syntax", ""),
    ("", "name", "defines no function"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "kind", "hint"), PROGRAMS)
def test_whatever_a_file_does_ends_in_a_hint(program, kind, hint, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one of them writes a file
    file = tmp_path / "entropy.py"
    file.write_bytes(program if isinstance(program, bytes) else program.encode())
    verdict = graded(EXERCISES["entropy"], file, seconds=5 if kind == "memory" else 0.5)
    assert (verdict.kind, hint in verdict.hint) == (kind, True), verdict
    assert not verdict and "Traceback" not in str(verdict)
    assert capfd.readouterr() == ("", "")


def test_a_right_file_that_prints_a_lot_is_right_and_shown_shortened(tmp_path, capfd):
    file = tmp_path / "entropy.py"
    solution = EXERCISES["entropy"].solution.strip().replace("return", "print('p is', p, 'x' * 5000)\n    return")
    file.write_text(f"import numpy as np\nimport sys\nprint('hello')\nsys.stderr.write('!' * 10**6)\n{solution}\n")
    verdict = graded(EXERCISES["entropy"], file)
    assert verdict and verdict.printed.startswith("hello p is [") and "characters)" in verdict.printed
    assert len(verdict.printed) < 500 and capfd.readouterr() == ("", "")


def test_a_thread_that_stays_behind_holds_nobody_up(tmp_path):
    file = tmp_path / "entropy.py"
    file.write_text("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n")
    start = time.monotonic()
    assert graded(EXERCISES["entropy"], file).kind == "name"
    assert time.monotonic() - start < 20


def test_check_takes_functions_of_a_notebook(capsys, tmp_path):
    scale = 1.0  # a function that could not be sent to another process
    verdict = check("quadratic_hessian", lambda A: scale * (A + A.T), folder=tmp_path)
    assert verdict and verdict.kind == "right"
    assert capsys.readouterr().out == "quadratic-hessian: solved.\n"
    assert not check("quadratic-hessian", lambda A: 2 * A, folder=tmp_path)
    assert "A Hessian is symmetric; 2 A is not" in capsys.readouterr().out
    entry = json.loads((tmp_path / "progress.json").read_text())["quadratic-hessian"]
    assert entry["attempts"] == 2 and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", entry["solved"])


def test_check_stops_an_endless_function(capsys):
    def endless(p):
        while True:
            pass

    verdict = check("entropy", endless, seconds=0.3)
    assert verdict.kind == "time" and re.search(r"\(line \d+: `(while True:|pass)`\)", verdict.hint)


def test_check_names_what_is_near():
    with pytest.raises(ValueError, match="no exercise is named 'gradient-decent'; did you mean 'gradient-descent'"):
        check("gradient-decent", abs)
    with pytest.raises(ValueError, match="lists them"):
        check("zzzzzz", abs)


def test_a_process_that_does_not_heed_its_timer_is_ended(tmp_path):
    file = tmp_path / "entropy.py"
    program = "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
    file.write_text(f"{program}\ndef entropy(p):\n    time.sleep(60)\n")
    start = time.monotonic()
    verdict = graded(EXERCISES["entropy"], file, seconds=0.2)
    assert verdict.kind == "time" and time.monotonic() - start < 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system makes no process by a fork")
@pytest.mark.parametrize("then", ["pass", "os._exit(0)"])
def test_the_processes_that_an_answer_starts_end_with_it(tmp_path, then):
    file, told = tmp_path / "entropy.py", tmp_path / "child"
    fork = f"import os, time\nif os.fork() == 0:\n    open({str(told)!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
    wait = f"while not os.path.exists({str(told)!r}) or not open({str(told)!r}).read():\n    time.sleep(0.01)\n"
    file.write_text(f"{fork}{wait}{then}\n")
    assert graded(EXERCISES["entropy"], file, seconds=2).kind == ("name" if then == "pass" else "ended")
    child, until = Path("/proc") / told.read_text() / "stat", time.monotonic() + 5
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("sent", [b"\0\0\0\x09half", b"\0\0\0\x04junk", b"\0\0\0\x02[]", b"\0\0\0\x02{}"])
def test_what_an_answer_writes_into_our_pipe_is_no_verdict(tmp_path, monkeypatch, sent):
    monkeypatch.setattr(running, "START", 1.0)
    file = tmp_path / "entropy.py"
    file.write_text(
        "import gc, os, signal, time\nfrom multiprocessing.connection import Connection\n"
        "signal.signal(signal.SIGALRM, signal.SIG_IGN)\n"  # first: on a busy machine the search takes its time
        "for found in gc.get_objects():\n    if isinstance(found, Connection) and found.writable:\n"
        f"        os.write(found.fileno(), {sent!r})\n"
        "time.sleep(60)\n"
    )
    start = time.monotonic()
    assert graded(EXERCISES["entropy"], file, seconds=0.2).kind == "time"
    assert time.monotonic() - start < 20


def test_where_there_is_no_fork_a_file_is_graded_too(tmp_path, monkeypatch):
    file = tmp_path / "entropy.py"
    file.write_text(EXERCISES["entropy"].program)
    monkeypatch.setattr(running, "_method", lambda answer: "spawn")
    assert graded(EXERCISES["entropy"], file)


def test_where_there_is_no_fork_a_function_is_graded_in_this_process(monkeypatch, capsys):
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    assert check("entropy", EXERCISES["entropy"].solved())
    verdict = check("entropy", lambda p: sys.stdout.write("seen") and input())
    assert verdict.kind == "input" and verdict.printed.startswith("seen")


def test_a_fault_of_ours_is_told_as_ours(tmp_path, monkeypatch):
    def broken(*_):
        raise LookupError("the table is gone")

    monkeypatch.setattr(running, "judged", broken)
    verdict = graded(EXERCISES["entropy"], lambda p: 1.0)
    assert verdict.kind == "fault" and "LookupError: the table is gone" in verdict.hint and "report it" in verdict.hint


# --- the command


def course(folder, *arguments):
    """What the command prints, and how it ends."""
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(printed):
        try:
            code = demos.course.main([*arguments, "--folder", str(folder)]) or 0
        except SystemExit as end:
            code = end.code
    return printed.getvalue() if not isinstance(code, str) else printed.getvalue() + code, code


def test_from_the_task_to_the_solution(tmp_path):
    folder = tmp_path / "mine"
    printed, code = course(folder)
    assert code == 0 and f"0 of {len(EXERCISES)} exercises are solved." in printed
    assert all(f" {name} " in printed for name in EXERCISES) and not folder.exists()

    printed, code = course(folder, "power-rule")
    assert code == 0 and "def power_rule(n, x)" in printed and "power_rule(3, 2.0)\n  12" in printed
    file = folder / "power-rule.py"
    assert file.read_text() == EXERCISES["power-rule"].template

    printed, code = course(folder, "check", "power-rule")
    assert code == 1 and "not begun yet" in printed and not (folder / "progress.json").exists()
    printed, code = course(folder, "solution", "power-rule")
    assert code == 1 and "Try it first" in printed and "return" not in printed

    file.write_text("def power_rule(n, x):\n    return x ** (n - 1.0)\n")
    printed, code = course(folder, "check", "power_rule.py", "--hint")
    assert code == 1 and "The exponent comes down as a factor, too." in printed and "Hint 1 of 2" in printed
    printed, code = course(folder, "power-rule", "--hint")
    assert code == 0 and "Your file is" in printed and "Hint 2 of 2" in printed
    assert "x ** (n - 1.0)" in file.read_text()  # it is not written again
    printed, code = course(folder, "check", "--hint")
    assert code == 1 and "There is no other hint" in printed
    assert "· power-rule" in course(folder)[0] and "The power rule (2 attempts)" in course(folder)[0]

    printed, code = course(folder, "solution", "power-rule")
    assert code == 0
    file.write_text(printed)  # a whole program
    printed, code = course(folder, "check")
    assert code == 0 and "power-rule: solved." in printed and "It printed: 12" in printed
    printed, _ = course(folder)
    assert "1 of " in printed and "✓ power-rule" in printed and "The power rule (solved on 20" in printed
    entry = json.loads((folder / "progress.json").read_text())["power-rule"]
    assert entry["attempts"] == 3 and entry["last"] == "right" and entry["hints"] == 3 and entry["solved"]


def test_what_the_command_does_not_understand(tmp_path):
    for arguments, told in [
        (["gradient-decent"], "did you mean gradient-descent"),
        (["kl"], "did you mean kl-divergence or kl-of-normals"),
        (["check", "qqqq"], "no exercise is named 'qqqq'"),
        (["solution"], "takes one name"),
        (["entropy", "softmax"], "takes one name"),
    ]:
        printed, code = course(tmp_path, *arguments)
        assert code == 2 and told in printed
    assert course(tmp_path, "check") == (
        f"there are no answers in {tmp_path} yet; python -m demos course shows the exercises\n",
        1,
    )
    printed, code = course(tmp_path, "check", "entropy")
    assert code == 1 and "python -m demos course entropy writes it" in printed
    printed, code = course(tmp_path, "solution", "entropy", "--force")
    assert code == 0 and "np.log2" in printed
    (tmp_path / "file").write_text("")
    printed, code = course(tmp_path / "file", "entropy")
    assert "cannot be used" in printed and "Traceback" not in printed


def test_every_solution_is_a_program_that_prints_the_example(tmp_path):
    for name, exercise in EXERCISES.items():
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(exercise.program, name, "exec"), {"__name__": name})
        assert printed.getvalue().strip(), name
        assert exercise.example in exercise.shown_example()


DAMAGED = [
    "{",
    "",
    "[]",
    '{"entropy": 3}',
    '{"entropy": {"attempts": "many"}}',
    '{"entropy": {"solved": 1}}',
    "[" * 99999,
    "\ud800",
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_progress_file_is_told_and_kept(text, tmp_path):
    file = tmp_path / "progress.json"
    data = text.encode("utf-8", "surrogatepass")
    file.write_bytes(data)
    (tmp_path / "progress.damaged-1.json").write_text("an older one")
    printed, code = course(tmp_path)
    assert code == 0 and "is damaged" in printed and "progress.damaged-2.json" in printed and "0 of" in printed
    assert (tmp_path / "progress.damaged-2.json").read_bytes() == data
    assert (tmp_path / "progress.damaged-1.json").read_text() == "an older one"
    assert "damaged" not in course(tmp_path)[0]


def test_progress_keeps_what_it_does_not_know(tmp_path):
    (tmp_path / "progress.json").write_text('{"of-another-version": {"attempts": 2, "note": "mine"}}')
    Progress(tmp_path).attempted(EXERCISES["entropy"], "sign")
    found = json.loads((tmp_path / "progress.json").read_text())
    assert found["of-another-version"] == {"attempts": 2, "note": "mine"}
    assert found["entropy"] == {"attempts": 1, "last": "sign"}
    assert [file.name for file in tmp_path.iterdir()] == ["progress.json"]


def test_the_command_as_a_learner_types_it(tmp_path):
    command_line = [sys.executable, "-W", "error", "-m", "demos", "course"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options = {"capture_output": True, "text": True, "cwd": tmp_path, "env": environment, "timeout": 60, "check": False}
    assert subprocess.run([*command_line, "entropy"], **options).returncode == 0
    (tmp_path / "course" / "entropy.py").write_text(BEGIN + "    return np.sum(p * np.log2(p + (p == 0)))\n")
    run = subprocess.run([*command_line, "check"], **options)
    assert run.returncode == 1 and "The minus is lost" in run.stdout and not run.stderr
    options["env"] = {**environment, "PYTHONIOENCODING": "ascii"}
    run = subprocess.run(command_line, **options)
    assert run.returncode == 0 and "entropy" in run.stdout and not run.stderr
    if os.name != "nt":
        said = subprocess.run(f"{shlex.join(command_line)} 2>&1 | head -n 1", shell=True, **options)
        assert "exercises are solved" in said.stdout and said.stdout.count("\n") == 1


def test_a_verdict_reads_well():
    verdict = judged(EXERCISES["mse-gradient"], lambda prediction, target: -2 * (prediction - target) / prediction.size)
    assert str(verdict).startswith("mse-gradient: not yet.\n  The derivative by the prediction: ")
    assert "you return" in verdict.example and "is right." in verdict.example
    assert not verdict and Verdict("entropy", "right")
    assert command.PROGRAM in EXERCISES["entropy"].template


# --- the pages


def tool(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_the_page_is_that_of_today():
    page = (ROOT / "docs" / "course" / "exercises.md").read_text(encoding="utf-8")
    assert tool("exercises").with_table(page) == page, "run python docs/tools/exercises.py"
    assert all(f"| `{name}` |" in page for name in EXERCISES)


def test_the_four_questions_compute_their_answers():
    page = (ROOT / "docs" / "course" / "assessment.md").read_text(encoding="utf-8")
    shown = [output for _, output in tool("executing").outputs(page, "course/assessment")]
    text = "\n".join(output.text for output in shown)
    assert sum(len(output.pictures) for output in shown) == 2
    assert re.search(r"rate 1e-06: promised +-0.05\d+, found +-0.05\d+", text)
    assert re.search(r"rate 1e-02: .* found +\d", text)  # it has risen
    errors = re.search(r"^(\d\S*) (\d\S*)$", text, re.M)
    assert max(map(float, errors.groups())) < 1e-12  # by hand and by the engine
    assert re.search(r"0.99 of the bound: f = 0.0", text) and re.search(r"1.01 of the bound: f = 3.44e\+04", text)
    assert "[0. 0.] gradient [0. 0.] curvatures [-1.  1.]" in text
    for number in (1, 2, 3, 4):
        section = page.split(f"\n## {number}. ")[1].split("\n## ")[0]
        assert "```python" in section and "**" in section
        named = re.findall(r"`([a-z-]+)`", section.split("Exercises: ")[1])
        assert len(named) >= 3 and set(named) <= set(EXERCISES), named


def test_the_page_of_the_exercises_runs():
    page = (ROOT / "docs" / "course" / "exercises.md").read_text(encoding="utf-8")
    first, second, third = (output.text for _, output in tool("executing").outputs(page, "course/exercises"))
    assert "The mean is missing" in first and "solved." in second and "TypeError" in third
