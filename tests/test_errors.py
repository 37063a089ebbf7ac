"""Every mistake gets an error that says what was given, what was expected and how to mend it.

One table: the call, the exception, and the parts its message must have, in that order of purpose.
"""

import inspect
import math
import re

import numpy as np
import pytest

import autodiff as ad
import nn
import optim
from autodiff import errors


def tracked(value, name=None):
    return ad.tensor(value, requires_grad=True, name=name)


def ones(*shape, dtype=float):
    return tracked(np.ones(shape, dtype))


def loss(x):
    return x * 2


def _stale():
    w = tracked(np.ones(3), name="w")
    y = (w * w).sum()
    w.assign_(np.zeros(3))
    y.backward()


def _set_item():
    ones(3)[0] = 1.0


def _in_place():
    a = np.zeros(3)
    a += ones(3)


def _format():
    return f"{ones(3):.2f}"


def _own_rule(**rules):
    return ad.primitive(lambda x: x * 2.0, name="twice", **rules)


def _bad_pull(returned):
    p = _own_rule(vjp=[lambda ct, y, x: returned], jvp=[lambda t, y, x: t * 2])
    return ad.grad(lambda x: p(x).sum())(np.ones(3))


def _bad_push(returned):
    p = _own_rule(vjp=[lambda ct, y, x: ct * 2], jvp=[lambda t, y, x: returned])
    return ad.jvp(p, (np.ones(3),), (np.ones(3),))


class Confused(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = tracked(np.ones(2))


class Headless(nn.Module):
    pass


NET = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(10, 2))


def cumsumm(x):
    """As a function of a later NumPy would be, of which nothing is known here."""


# name: (call, exception, builtin exception, what was given, what was expected, how to mend it)
MISTAKES = {
    # --- derivatives that do not exist
    "grad of an array": (
        lambda: ad.grad(loss)(np.ones(32)),
        ad.GradientError, TypeError,
        [r"`loss` returned shape \(32,\)"], ["grad needs a scalar"],
        [r"\.mean\(\) or \.sum\(\)", "ad.jacobian", "ad.vjp"],
    ),
    "value_and_grad of an array": (
        lambda: ad.value_and_grad(loss)(np.ones(32)),
        ad.GradientError, TypeError,
        [r"\(32,\)"], ["value_and_grad needs a scalar"], ["ad.jacobian"],
    ),
    "hessian of an array": (
        lambda: ad.hessian(loss)(np.ones(32)),
        ad.GradientError, TypeError,
        [r"`loss`", r"\(32,\)"], ["needs a scalar"], [r"\.sum\(\)"],
    ),
    "grad by a whole number": (
        lambda: ad.grad(lambda n: n * 2.0)(3),
        ad.GradientError, TypeError,
        ["n has dtype int64"], ["only real and complex floating numbers"], ["2.0 for 2", r"astype\(float\)", "argnums="],
    ),
    "grad by a boolean array": (
        lambda: ad.grad(lambda mask: mask.sum() * 1.0)(np.array([True])),
        ad.GradientError, TypeError,
        ["mask has dtype bool"], ["only real and complex floating numbers"], [r"astype\(float\)"],
    ),
    "grad by text": (
        lambda: ad.grad(lambda x, kind: x, argnums=1)(1.0, "relu"),
        ad.GradientError, TypeError,
        ["kind is a str"], ["numbers, arrays and Tensors"], ["argnums="],
    ),
    "grad of a complex loss": (
        lambda: ad.grad(lambda x: x * 1j)(1.0),
        ad.GradientError, TypeError,
        ["complex"], ["needs a real scalar"], ["real part or magnitude", "ad.vjp"],
    ),
    "grad of an integer loss": (
        lambda: ad.grad(np.argmax)(np.ones(3)),
        ad.GradientError, TypeError,
        ["`argmax` returned dtype int64"], ["needs a real scalar"], [r"\.astype\(float\)"],
    ),
    "backward of an array": (
        lambda: ones(3).backward(),
        ad.GradientError, TypeError,
        [r"shape \(3,\)"], ["starts from one number"], [r"\.mean\(\) or \.sum\(\)", r"backward\(ct\)"],
    ),
    "backward of what is not tracked": (
        lambda: ad.tensor(1.0).backward(),
        ad.GradientError, TypeError,
        ["not tracked"], ["requires_grad=True"], ["no_grad", "floor or argmax"],
    ),
    "tracking whole numbers": (
        lambda: ad.tensor([1, 2], requires_grad=True, name="w"),
        ad.DtypeError, TypeError,
        ["'w' has dtype int64"], ["real or complex numbers"], ["1.0 for 1", r"\.astype\(float\)"],
    ),
    "text in a tensor": (
        lambda: ad.tensor(np.array(["a"])),
        ad.DtypeError, TypeError,
        ["dtype <U1"], ["holds numbers"], [r"\.astype\(float\)"],
    ),
    "objects in a function": (
        lambda: np.add(ones(2), np.array([1, 2], object)),
        ad.DtypeError, TypeError,
        ["add: an operand has dtype object"], ["must be numbers"], [r"\.astype\(float\)"],
    ),
    "dates as an operand": (
        lambda: ones(1) + np.array(["2020-01-01"], "datetime64[D]"),
        ad.DtypeError, TypeError,
        [r"datetime64\[D\]"], ["must be numbers"], [],
    ),
    "dates in a tensor": (
        lambda: ad.tensor(np.array(["2020-01-01"], "datetime64[D]")),
        ad.DtypeError, TypeError,
        [r"datetime64\[D\]"], ["holds numbers"], ["Convert it"],
    ),
    "objects as an operand": (
        lambda: ones(2) * np.array([1, 2], object),
        ad.DtypeError, TypeError,
        ["dtype object"], ["must be numbers"], [r"\.astype\(float\)"],
    ),
    # --- shapes that do not fit
    "matmul": (
        lambda: ones(32, 10) @ np.ones((32, 4)),
        ad.ShapeError, ValueError,
        [r"matmul: a has shape \(32, 10\) and b \(32, 4\)"],
        [r"the last axis of a \(10\) must equal the first of b \(32\)"],
        [r"Did you mean a\.T @ b\?"],
    ),
    "matmul, transposed": (
        lambda: ones(5, 4) @ ones(3, 4),
        ad.ShapeError, ValueError,
        [r"\(5, 4\) and b \(3, 4\)"], [r"\(4\) must equal the first of b \(3\)"], [r"a @ b\.T"],
    ),
    "matmul, swapped": (
        lambda: np.ones((4, 3)) @ ones(5, 4),
        ad.ShapeError, ValueError,
        [r"\(4, 3\) and b \(5, 4\)"], [r"\(3\) must equal the first of b \(5\)"], ["b @ a"],
    ),
    "matmul by np.matmul": (
        lambda: np.matmul(ones(2, 3), np.ones((2, 3))),
        ad.ShapeError, ValueError,
        [r"\(2, 3\) and b \(2, 3\)"], ["must equal"], [r"a\.T @ b"],
    ),
    "matmul with a number": (
        lambda: ones(2, 3) @ 2.0,
        ad.ShapeError, ValueError,
        [r"\(2, 3\) and b \(\)"], ["single number"], [r"a \* b"],
    ),
    "matmul of stacks": (
        lambda: ones(3, 2, 2) @ ones(4, 2, 2),
        ad.ShapeError, ValueError,
        [r"\(3, 2, 2\) and b \(4, 2, 2\)"], ["leading axes do not broadcast"], ["equal or one of them 1"],
    ),
    "broadcasting": (
        lambda: ones(3) + np.ones(4),
        ad.ShapeError, ValueError,
        [r"add: the operands have shapes \(3,\) and \(4,\)"], ["do not broadcast"], ["equal or one of them 1"],
    ),
    "broadcasting in a function": (
        lambda: np.maximum(ones(3), ones(2, 2)),
        ad.ShapeError, ValueError,
        [r"maximum: the operands have shapes \(3,\) and \(2, 2\)"], ["do not broadcast"], ["last axis"],
    ),
    "reshape": (
        lambda: ones(6).reshape(4, 2),
        ad.ShapeError, ValueError,
        [r"\(6,\)", r"\(4, ?2\)"], ["reshape"], [],
    ),
    "assign": (
        lambda: tracked([1.0], name="w").assign_(np.ones(2)),
        ad.ShapeError, ValueError,
        [r"'w'", r"value has shape \(2,\)"], [r"tensor has shape \(1,\)"], [],
    ),
    # --- leaving the graph
    "float": (
        lambda: float((ones(2) ** 2).sum()),
        ad.UntrackedError, TypeError,
        [r"float\(\) of a tracked tensor"], ["drop its gradient"], [r"x\.item\(\)"],
    ),
    "float of a named tensor": (
        lambda: float(tracked(1.0, name="rate")),
        ad.UntrackedError, TypeError,
        ["'rate'"], ["drop its gradient"], [r"x\.item\(\)"],
    ),
    "int": (
        lambda: int(tracked(1.0)), ad.UntrackedError, TypeError,
        [r"int\(\)"], ["drop its gradient"], [r"\.item\(\)"],
    ),
    "math.sin": (
        lambda: math.sin((ones(2) ** 2).sum()),
        ad.UntrackedError, TypeError,
        ["tracked tensor"], ["drop its gradient"], [r"np\.sin, not math\.sin"],
    ),
    "np.asarray": (
        lambda: np.asarray(ones(2) * 1.0),
        ad.UntrackedError, TypeError,
        ["plain NumPy array"], ["drop its gradient"], [r"x\.data or x\.detach\(\)"],
    ),
    "np.array of tensors": (
        lambda: np.array([ones(2)[0], ones(2)[1]]),
        (ad.UntrackedError, ValueError), Exception,
        [], [], [r"np\.stack\(\[\.\.\.\]\) or ad\.tensor\(\[\.\.\.\]\)"],
    ),
    "np.array of arrays of tensors": (
        lambda: np.array([ones(2), ones(2)]),
        ad.UntrackedError, TypeError,
        [], [], [r"np\.stack"],
    ),
    "range": (lambda: range(tracked(3.0)), ad.UntrackedError, TypeError, ["an index"], [], [r"int\(x\.item\(\)\)"]),
    "a format for one number": (
        _format, TypeError, TypeError,
        [r"'\.2f'", r"\(3,\)"], ["one number"], [r"\.item\(i\)"],
    ),
    "truth of several": (lambda: bool(ones(2)), ValueError, ValueError, ["more than one element"], [], ["any|all"]),
    # --- writing
    "item assignment": (
        _set_item,
        ad.MutationError, TypeError,
        ["cannot be written in place"], ["old values"], [r"x\.at\[index\]\.set\(value\)", r"x\.at\[index\]\.add\(value\)"],
    ),
    "a += tensor": (
        _in_place,
        ad.MutationError, TypeError,
        ["np.add: out= "], ["lose its gradient"], [r"a = a \+ tensor"],
    ),
    "out=": (
        lambda: np.sin(ones(2), out=np.zeros(2)),
        ad.MutationError, TypeError,
        ["np.sin: out= "], [], ["omit out="],
    ),
    "assign_ to a result": (
        lambda: (ones(2) * 2).assign_(np.ones(2)),
        ad.MutationError, TypeError,
        ["this tensor is a result"], ["a leaf"], [r"x\.at\[\.\.\.\]\.set"],
    ),
    "a value changed after it was recorded": (
        _stale,
        ad.StaleError, RuntimeError,
        ["multiply: 'w' was changed by assign_"], ["needs the value it had"],
        ["before you assign|compute the result anew"],
    ),
    # --- NumPy functions without a rule
    "refused function": (
        lambda: np.busday_count(ones(2), ones(2)),
        ad.UnsupportedError, TypeError,
        ["np.busday_count refuses a Tensor"], ["only numbers can be tracked"], [],
    ),
    "unsupported, with a neighbour": (
        lambda: ones(2).__array_function__(cumsumm, (ad.Tensor,), (ones(2),), {}),
        ad.UnsupportedError, TypeError,
        ["np.cumsumm has no derivative rule"], ["closest supported functions: .*np.cumsum"], ["ad.primitive", r"x\.data"],
    ),
    "a keyword that is not supported": (
        lambda: np.sum(ones(2), where=np.array([True, False]), nonsense=1),
        (ad.UnsupportedError, TypeError), TypeError,
        ["sum"], ["nonsense|where"], [],
    ),
    # --- rules of one's own
    "a rule with another count": (
        lambda: ad.grad(
            lambda x: _own_rule(vjp=lambda ct, y, x: (ct, ct), jvp=[lambda t, y, x: t])(x).sum()
        )(np.ones(2)),
        ad.RuleError, ValueError,
        ["twice: the reverse rule returned 2 cotangents for 1 operand"], ["one cotangent for each"],
        ["None for an operand"],
    ),
    "a rule with another shape": (
        lambda: _bad_pull(np.ones(4)),
        ad.RuleError, ValueError,
        ["twice", r"\(4,\)"], [r"\(3,\)"], [],
    ),
    "a rule that returns a number": (
        lambda: _bad_pull("nothing"),
        ad.RuleError, ValueError,
        ["twice", "nothing"], [r"\(3,\)"], [],
    ),
    "a forward rule with another shape": (
        lambda: _bad_push(np.ones(4)),
        ad.RuleError, ValueError,
        ["twice: a forward rule returned shape", r"\(4,\)"], [r"output has shape \(3,\)"], [],
    ),
    "a rule that is no function": (
        lambda: ad.elementwise(lambda x: x, 3.0, name="odd"),
        ad.RuleError, ValueError,
        ["odd", "float|3.0"], ["callable|function"], [],
    ),
    "rules for a NumPy function that has them": (
        lambda: ad.elementwise(np.sin, lambda t, y, x: t),
        ad.RuleError, ValueError,
        ["np.sin already has its rules"], [], [r"lambda \*xs: np\.sin\(\*xs\)"],
    ),
    # --- containers
    "a cotangent of another structure": (
        lambda: ad.vjp(lambda x: (x, x), 1.0)[1]([1.0, 1.0]),
        ad.StructureError, ValueError,
        [r"the cotangent has the structure \[\*, \*\]"], [r"expected \(\*, \*\)"], [],
    ),
    "has_aux without aux": (
        lambda: ad.grad(lambda x: x, has_aux=True)(1.0),
        ad.StructureError, ValueError,
        ["returned a Tensor"], [r"a pair \(value, aux\)"], ["has_aux=True"],
    ),
    # --- networks
    "mse_loss of two shapes": (
        lambda: nn.mse_loss(ones(4, 1), np.ones(4)),
        ad.ShapeError, ValueError,
        [r"prediction has shape \(4, 1\) and the target \(4,\)"], ["must be equal"],
        [r"target\[:, None\]", r"prediction\[:, 0\]"],
    ),
    "mse_loss, the other way round": (
        lambda: nn.mse_loss(ones(4), np.ones((4, 1))),
        ad.ShapeError, ValueError,
        [r"\(4,\)", r"\(4, 1\)"], ["must be equal"], [r"target\[:, 0\]"],
    ),
    "labels out of range": (
        lambda: nn.cross_entropy(ones(4, 3), np.array([0, 1, 2, 3])),
        ValueError, ValueError,
        ["label 3 was given", "entry 3"], [r"0\.\.2 for 3 classes"], [],
    ),
    "a label of -1": (
        lambda: nn.cross_entropy(ones(2, 3), np.array([-1, 1])),
        ValueError, ValueError,
        ["label -1"], [r"0\.\.2"], [],
    ),
    "labels that are not whole": (
        lambda: nn.cross_entropy(ones(2, 3), np.array([0.0, 1.0])),
        ad.DtypeError, TypeError,
        ["float64"], ["integer dtype"], [r"\.astype\(int\)"],
    ),
    "one-hot labels": (
        lambda: nn.cross_entropy(ones(2, 3), np.eye(3, dtype=int)[:2]),
        ad.ShapeError, ValueError,
        [r"\(2, 3\) and \(2, 3\)"], [r"labels \(n,\)"], [r"labels\.argmax\(1\)"],
    ),
    "labels in a column": (
        lambda: nn.cross_entropy(ones(2, 3), np.array([[0], [1]])),
        ad.ShapeError, ValueError,
        [r"\(2, 1\)"], [r"labels \(n,\)"], [r"labels\[:, 0\]"],
    ),
    "layers that do not fit": (
        lambda: NET(np.ones((5, 8), np.float32)),
        ad.ShapeError, ValueError,
        ["^2: ", r"shape \(5, 16\)"], [r"Linear\(10, 2\) takes input whose last axis has length 10"], [],
    ),
    "rows that do not match": (
        lambda: nn.batches(np.ones((3, 2)), np.ones(4)),
        ad.ShapeError, ValueError,
        [r"\(3, 2\)", r"\(4,\)"], ["same number of rows"], [],
    ),
    "a tracked tensor that is no parameter": (
        Confused,
        TypeError, TypeError,
        [r"Confused\.weight"], ["no optimiser would train it"], [r"nn\.Parameter\(value\)", r"x\.detach\(\)"],
    ),
    "a state from nowhere": (
        lambda: nn.Tanh().load_state_dict("model.npz"),
        TypeError, TypeError,
        ["a str was given"], ["mapping of names and arrays"], [r"nn\.load\(path\)"],
    ),
    "a module without forward": (
        lambda: Headless()(1.0),
        NotImplementedError, NotImplementedError,
        ["Headless"], [], [r"forward\(self, x\)"],
    ),
    "a layer of no size": (
        lambda: nn.Linear(0, 3), ValueError, ValueError,
        ["in_features", "0"], ["positive integer"], [],
    ),
    "a layer of half a size": (
        lambda: nn.Linear(2, 1.5), ValueError, ValueError,
        ["out_features", "1.5"], ["integer"], [],
    ),
    "a list of layers": (
        lambda: nn.Sequential([nn.Tanh()]),
        TypeError, TypeError,
        ["argument 0 must be a module"], ["a list was given"], ["one argument each"],
    ),
    # --- optimisers
    "no parameters": (
        lambda: optim.Adam([]), ad.GradientError, TypeError,
        ["no parameters"], [], ["model built|frozen"],
    ),
    "an array as parameter": (
        lambda: optim.Adam([np.ones(3)]),
        ad.GradientError, TypeError,
        ["parameter 0 is a ndarray"], ["requires_grad=True"], [r"model\.parameters\(\)"],
    ),
    "a result as parameter": (
        lambda: optim.Adam([ones(2), ones(2) * 2]),
        ad.GradientError, TypeError,
        ["parameter 1"], ["tracked leaf"], ["requires_grad=True"],
    ),
    "a single tensor in place of a list": (
        lambda: optim.Adam(ones(2)),
        ad.GradientError, TypeError,
        ["parameter"], [], ["list|model.parameters"],
    ),
    "a negative rate": (
        lambda: optim.Adam([ones(2)], learning_rate=-1.0),
        ValueError, ValueError,
        ["learning_rate", "-1.0"], ["between 0.0 and inf"], [],
    ),
    "newton without a function": (
        lambda: optim.Newton([ones(2)]).step(),
        TypeError, TypeError,
        [], ["loss as a function"], [r"optimizer\.step\(lambda: loss"],
    ),
    "drawing what is not tracked": (
        lambda: ad.draw(ad.tensor(1.0)),
        ad.GradientError, TypeError,
        ["tensor 0 is not tracked"], ["no graph"], ["requires_grad=True"],
    ),
    "drawing in no direction": (
        lambda: ad.draw(ones(1), rankdir="UP"),
        ValueError, ValueError,
        ["'UP'"], ['"TB", "LR", "BT" or "RL"'], [],
    ),
    # --- linear algebra
    "a singular matrix": (
        lambda: np.linalg.inv(ones(2, 2)), ad.DomainError, np.linalg.LinAlgError,
        ["^inv: a is singular", r"\(2, 2\)"], [], [r"np\.linalg\.pinv", r"np\.eye\(n\)"],
    ),
    "a singular matrix in a stack": (
        lambda: np.linalg.solve(np.stack([np.eye(2), np.ones((2, 2))]), ones(2)), ad.DomainError, ValueError,
        [r"^solve: a, the matrix \[1\] of the stack, is singular"], [], [r"np\.linalg\.pinv"],
    ),
    "the slope of slogdet of a singular matrix": (
        lambda: ad.grad(lambda a: np.linalg.slogdet(a)[1])(np.ones((2, 2))), ad.DomainError, np.linalg.LinAlgError,
        ["^slogdet: a is singular"], ["no derivative"], [r"np\.linalg\.det has one"],
    ),
    "a matrix that is not positive definite": (
        lambda: np.linalg.cholesky(tracked([[1.0, 2.0], [2.0, 1.0]])), ad.DomainError, np.linalg.LinAlgError,
        ["^cholesky: a is not positive definite", "minor of order 2", "is -3"], ["not positive"], [r"np\.eye\(2\)"],
    ),
    "a matrix without a basis of eigenvectors": (
        lambda: ad.grad(lambda a: np.linalg.eigvals(a).real.sum())(np.array([[1.0, 1.0], [0.0, 1.0]])),
        ad.DomainError, np.linalg.LinAlgError,
        ["^eig: a has no basis of eigenvectors"], [], [r"np\.linalg\.eigh"],
    ),
    "a matrix that is not square": (
        lambda: np.linalg.det(ones(2, 3)), ad.ShapeError, ValueError,
        [r"^det: a has shape \(2, 3\)"], ["square matrix is expected"], [],
    ),
    "a vector in place of a matrix": (
        lambda: np.linalg.svd(ones(3)), ad.ShapeError, ValueError,
        [r"^svd: a has shape \(3,\)"], ["two axes or more"], [],
    ),
    "a right side of another length": (
        lambda: np.linalg.solve(np.eye(3), ones(2)), ad.ShapeError, ValueError,
        [r"a has shape \(3, 3\) and b \(2,\)"], [r"as many rows as a \(3\)"], [],
    ),
    "a stack of vectors as the right side": (
        lambda: np.linalg.solve(np.stack([np.eye(3), np.eye(3)]), ones(2, 3)), ad.ShapeError, ValueError,
        [r"b \(2, 3\)"], ["as many rows"], [r"b\[\.\.\., None\]"],
    ),
    "a right side of objects": (
        lambda: np.linalg.solve(ones(2, 2), np.array([1, 2], object)), ad.DtypeError, TypeError,
        ["^solve: an operand has dtype object"], ["must be numbers"], [r"\.astype\(float\)"],
    ),
    "the condition of nothing": (
        lambda: np.linalg.cond(ones(0, 0)), ad.ShapeError, ValueError,
        [r"^cond: x has shape \(0, 0\)"], ["without entries"], [],
    ),
    "an operation that is no function": (
        lambda: ad.elementwise(3, lambda t, y, x: t), ad.RuleError, ValueError,
        ["3 was given"], ["a function of arrays"], [],
    ),
    "rules under another name": (
        lambda: ad.elementwise(np.sin, lambda t, y, x: t, name="sine"), ad.RuleError, ValueError,
        ["^np.sin already has its rules"], [], [r"np\.sin\(\*xs\)"],
    ),
    "a mode of padding without a rule": (
        lambda: np.pad(ones(3), 1, mode="mean"), ad.UnsupportedError, TypeError,
        ["^np.pad on a Tensor", "'mean'"], ["mode must be one of 'constant', 'edge'"], [],
    ),
    "padding reflected oddly": (
        lambda: np.pad(ones(3), 1, mode="reflect", reflect_type="odd"), ad.UnsupportedError, TypeError,
        ["^np.pad on a Tensor", "'odd' was given"], ['reflect_type must be "even"'], ["twice the edge"],
    ),
    "vectors that svd does not determine": (
        lambda: np.linalg.svd(ones(3, 2)), ad.UnsupportedError, TypeError,
        [r"shape \(3, 2\)"], ["does not determine"], ["full_matrices=False"],
    ),
    "vectors that qr does not determine": (
        lambda: np.linalg.qr(ones(3, 2), mode="complete"), ad.UnsupportedError, TypeError,
        [r"shape \(3, 2\)"], ["does not determine"], ["mode='reduced'"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_explained(mistake):
    call, kind, builtin, *parts = mistake
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert isinstance(error, builtin)
    text = str(error if isinstance(error, ad.AutodiffError) or error.__cause__ is None else error.__cause__)
    for part in [p for group in parts for p in group]:
        assert re.search(part, text), f"{part!r} is not in: {type(error).__name__}: {text}"
    assert len(text) < 600 and "\n\n" not in text


def test_every_exception_of_ours_is_public_and_inherits_a_builtin_one():
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)]
    assert len(classes) >= 10
    for c in classes:
        assert getattr(ad, c.__name__) is c and c.__name__ in ad.__all__
        assert issubclass(c, ad.AutodiffError)
        if c is not ad.AutodiffError:
            assert issubclass(c, (TypeError, ValueError, RuntimeError, ImportError))
            assert c.__name__ in errors.__doc__


def test_the_path_of_a_layer_grows_from_the_inside_out():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Tanh(), nn.Linear(5, 2)))
            self.heads = [nn.Linear(2, 2), nn.Linear(7, 2)]

        def forward(self, x):
            return self.heads[1](x) if x.shape[1] == 2 else self.encoder(x)

    with pytest.raises(ad.ShapeError, match=r"^encoder\.1\.1: Linear\(5, 2\) takes"):
        Model()(np.ones((1, 4)))
    with pytest.raises(ad.ShapeError, match=r"^heads\.1: Linear\(7, 2\) takes"):
        Model()(np.ones((1, 2)))
    with pytest.raises(ad.ShapeError, match=r"^Linear\(4, 3\) takes"):
        nn.Linear(4, 3)(np.ones((1, 2)))


def test_a_shape_error_in_a_users_forward_names_the_layer_too():
    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(np.ones((3, 2)))

        def forward(self, x):
            return x @ self.w

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x):
            return self.inner(x)

    with pytest.raises(ad.ShapeError, match=r"^inner: matmul: a has shape \(1, 4\)"):
        Outer()(np.ones((1, 4)))


def test_numpys_own_text_is_kept_as_the_cause():
    with pytest.raises(ad.ShapeError) as caught:
        ones(3) + np.ones(4)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ad.elementwise(lambda a, b: a * b, lambda t, y, a, b: t * b),
        lambda: ad.multilinear(lambda a, b: a * b, lambda ct, a, b: ct * b, name="product"),
        lambda: ad.primitive(lambda a, b: a * b, vjp=[lambda ct, y, a, b: ct * b], jvp=[lambda t, y, a, b: t * b]),
    ],
)
def test_a_rule_that_was_forgotten_is_missed(make):
    with pytest.raises(
        ad.RuleError, match=r"has 2 operands, and rules for 1 of them were given; .* None for an operand"
    ):
        make()


def test_operands_without_a_rule_are_said_to_have_none():
    shifted = ad.elementwise(lambda a, b, c=1.0: a * b + c, lambda t, y, a, b, c=1.0: t * b, None)
    assert ad.grad(shifted)(2.0, 3.0) == 3.0
    assert ad.grad(ad.elementwise(lambda *xs: xs[0] * 2, lambda t, y, *xs: t * 2))(1.0) == 2.0


@pytest.mark.parametrize(
    ("result", "said"), [(None, "None"), ([1.0], "a list"), (3, "a int"), ((np.ones(1), 3.0), "a float")]
)
def test_a_function_that_returns_no_array_is_told_so(result, said):
    x = ad.tensor([1.0], requires_grad=True)
    one = ad.primitive(lambda a: result, vjp=lambda ct, y, a: (a,), jvp=lambda ts, y, a: a, name="mine")
    two = ad.primitive(lambda a, b: result, vjp=lambda ct, y, a, b: (a, b), jvp=lambda ts, y, a, b: a, name="mine")
    for call in (lambda: one(x), lambda: two(x, x), lambda: two(x.detach(), 1.0)):
        with pytest.raises(ad.RuleError, match=f"^mine: its function returned {said};"):
            call()
