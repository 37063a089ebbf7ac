"""Every function that NumPy lets others take over has a class, and behaves on a Tensor as its class says."""

import importlib.util
import inspect
import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from autodiff import pytree
from autodiff.core.primitives import NUMPY_CONSTANTS, NUMPY_FUNCTIONS, NUMPY_PRIMITIVES
from autodiff.ops.refused import REFUSED, WRITING

ROOT = Path(__file__).parent.parent


def _tool():
    """The program that writes the page, as a module."""
    spec = importlib.util.spec_from_file_location("coverage_page", ROOT / "docs" / "tools" / "coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = _tool()
FUNCTIONS = TOOL.numpy_functions()


def title(f):
    return f.names[0] if f.names else f.function.__name__


def of_kind(kind):
    return [pytest.param(f, id=title(f)) for f in FUNCTIONS if f.kind == kind]


def tracked(value):
    return ad.tensor(value, requires_grad=True)


# --- the lists ------------------------------------------------------------------------------------


def test_every_function_of_numpy_has_a_class():
    assert [title(f) for f in FUNCTIONS if f.kind == TOOL.UNDECIDED] == []


def test_no_function_has_two_classes():
    assert {title(f): TOOL.kinds_of(f.function) for f in FUNCTIONS if len(TOOL.kinds_of(f.function)) > 1} == {}


def takes_like(function):
    """Whether it makes an array, and a Tensor when one is given for a model."""
    return "like : array_like" in (function.__doc__ or "")


def test_nothing_is_decided_that_numpy_does_not_have():
    known = {f.function for f in FUNCTIONS}
    decided = {*NUMPY_FUNCTIONS, *NUMPY_PRIMITIVES, *NUMPY_CONSTANTS, *WRITING, *REFUSED}
    # NumPy 2.0 leaves those with like= out of its list
    assert sorted(f.__name__ for f in decided - known if not takes_like(f)) == []


def test_a_function_without_a_class_would_be_seen(monkeypatch):
    monkeypatch.delitem(NUMPY_FUNCTIONS, np.median)
    assert [title(f) for f in TOOL.numpy_functions() if f.kind == TOOL.UNDECIDED] == ["np.median"]


def test_a_function_of_two_classes_would_be_seen():
    NUMPY_CONSTANTS.add(np.median)
    try:
        assert TOOL.kinds_of(np.median) == [TOOL.DIFFERENTIABLE, TOOL.CONSTANT]
    finally:
        NUMPY_CONSTANTS.remove(np.median)


def test_at_least_240_public_functions_are_differentiable():
    """Aliases count once: of one object, and of objects that one function stands for (``np.max``, ``np.amax``)."""
    public = [f.function for f in FUNCTIONS if f.names and f.kind == TOOL.DIFFERENTIABLE]
    assert len({NUMPY_FUNCTIONS.get(f) or NUMPY_PRIMITIVES[f] for f in public}) >= 240


def test_public_names_of_one_function_are_aliases():
    count = Counter(name for f in FUNCTIONS for name in f.names)
    assert [name for name, n in count.items() if n > 1] == []
    assert ("np.absolute", "np.abs") in [f.names for f in FUNCTIONS]


# --- refused --------------------------------------------------------------------------------------


LIKE = {"fromiter": ([1.0], float), "fromstring": ("1 2", float), "full": (3, 1.0)}
"""Arguments beside like=, where one list will not do."""
OPERANDS = {"copyto": 2, "putmask": 3, "busday_count": 2, "busday_offset": 2, "is_busday": 1, "datetime_as_string": 1}
"""How many operands those have that are written in C and show no signature."""


def arguments(function):
    """As many Tensors as it has to be given; or a Tensor for a model, where it has like=."""
    name = function.__name__
    if takes_like(function):
        return LIKE.get(name, ([1.0],)), {"like": tracked([1.0])}
    n = function.nin if isinstance(function, np.ufunc) else OPERANDS.get(name) or len(needed(function))
    return [tracked([1.0, 2.0])] * n, {}


def needed(function):
    """The operands it has to be given."""
    parameters = inspect.signature(function).parameters.values()
    return [p for p in parameters if p.default is p.empty and p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]


@pytest.mark.parametrize("f", of_kind(TOOL.REFUSED))
def test_a_refusal_says_why(f):
    operands, keywords = arguments(f.function)
    kind = ad.MutationError if f.function in WRITING else ad.UnsupportedError
    reason = WRITING.get(f.function) or f.remark
    with pytest.raises(kind) as caught:
        f.function(*operands, **keywords)
    assert reason in str(caught.value)
    assert f.function.__name__ in str(caught.value)
    assert len(reason) > 15


@pytest.mark.parametrize("f", [p for p in of_kind(TOOL.REFUSED) if p.values[0].function in WRITING])
def test_what_would_write_names_a_way_without_writing(f):
    assert ".at[" in f.remark or "np.where" in f.remark


# --- constant -------------------------------------------------------------------------------------

X = np.array([[0.5, -1.0], [2.0, 0.25]])
"""An array that most functions take."""
WHOLE = np.array([3, 1, 2])
BYTES = np.array([3, 1, 2], np.uint8)

CALLS = {
    "np.array2string": (X,),
    "np.can_cast": (np.float64(1.0), np.float32),
    "np.common_type": (X, X),
    "np.einsum_path": ("ij,jk", X, X),
    "np.isin": (X, X),
    "np.lexsort": ((X[0], X[1]),),
    "np.digitize": (X, np.array([0.0, 1.0])),
    "np.searchsorted": (np.array([0.0, 1.0]), X),
    "np.argpartition": (X, 1),
    "np.unravel_index": (WHOLE, (2, 3)),
    "np.ravel_multi_index": ((WHOLE, WHOLE), (4, 4)),
    "np.packbits": (BYTES,),
    "np.unpackbits": (BYTES,),
    "np.in1d": (X, X),
    "np.result_type": (X, np.float32),
    "np.tril_indices_from": (X,),
    "np.triu_indices_from": (X,),
    "np.diag_indices_from": (X,),
    "np.linalg.matrix_rank": (X,),
    "np.allclose": (X, X),
    "np.may_share_memory": (X, X.copy()),
    "np.shares_memory": (X, X.copy()),
}
"""What to call a function with, where one array, or for a ufunc as many as it takes, will not do."""

FROM_A_SHAPE = {
    "np.zeros": (3,),
    "np.ones": (3,),
    "np.empty": ((2, 3),),
    "np.eye": (2,),
    "np.identity": (2,),
    "np.tri": (2, 3),
    "np.arange": (3,),
    "np.fromfunction": (lambda i: i * 2, (3,)),
}
"""What is made from a shape: it asks for a Tensor with like=."""


def given(f):
    """Plain arguments of a constant function."""
    if isinstance(f.function, np.ufunc):
        floats = any("d" in t.partition("->")[0] for t in f.function.types)
        return (X if floats else WHOLE,) * f.function.nin
    if title(f) in CALLS:
        return CALLS[title(f)]
    try:
        return (X,) * len(needed(f.function))
    except ValueError:  # written in C, without a signature
        return (X,)


def moved(value, h):
    """The same arguments with all real arrays a little further, every entry by another distance."""
    if isinstance(value, (list, tuple)):
        return type(value)(moved(v, h) for v in value)
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f":
        return value + h * np.cos(np.arange(value.size)).reshape(value.shape)
    return value


@pytest.mark.parametrize("f", of_kind(TOOL.CONSTANT))
def test_what_is_constant_does_not_move_with_its_arguments(f):
    if title(f) in FROM_A_SHAPE or title(f).startswith(("np.array_", "np.array2", "np.empty")):
        return  # of no numbers, as text, or not set
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # older versions of NumPy have functions that are going
        here, near = (f.function(*moved(given(f), h)) for h in (1e-6, 2e-6))  # not at 0, where some of them jump
    for a, b in zip(leaves_of(here), leaves_of(near), strict=True):
        if isinstance(a, (np.ndarray, np.generic)) and a.dtype.kind in "fc":
            slopes = (b - a) / 1e-6
            assert np.abs(slopes).max(initial=0) < 1e-6, "it moves: it has a derivative, and is not constant"


def leaves_of(value):
    """What is in tuples and lists."""
    return [leaf for v in value for leaf in leaves_of(v)] if isinstance(value, (list, tuple)) else [value]


def as_tensors(value):
    """Plain arguments with tracked Tensors in place of real arrays, untracked ones of integers."""
    if isinstance(value, (list, tuple)):
        return type(value)(as_tensors(v) for v in value)
    if isinstance(value, (np.ndarray, np.generic)):
        return tracked(value) if value.dtype.kind == "f" else ad.Tensor(value)
    return value


@pytest.mark.filterwarnings("ignore:`in1d` is deprecated")
@pytest.mark.parametrize("f", [p for p in of_kind(TOOL.CONSTANT) if p.id not in FROM_A_SHAPE])
def test_a_constant_is_numpys_and_not_tracked(f):
    arguments = given(f)
    expected = pytree.flatten(f.function(*arguments))[0]
    result = pytree.flatten(f.function(*as_tensors(arguments)))[0]
    assert len(result) == len(expected)
    for y, wanted in zip(result, expected, strict=True):
        assert not getattr(y, "requires_grad", False)
        assert isinstance(y, ad.Tensor) == isinstance(wanted, (np.ndarray, np.generic))
        if "empty" not in f.function.__name__ and f.function not in (np.array_repr, np.array_str, np.array2string):
            np.testing.assert_array_equal(y.data if isinstance(y, ad.Tensor) else y, wanted)


@pytest.mark.parametrize("f", [p for p in of_kind(TOOL.CONSTANT) if p.id in FROM_A_SHAPE])
def test_what_is_made_like_a_tensor_is_an_untracked_tensor(f):
    make = getattr(np, f.function.__name__)
    y = make(*FROM_A_SHAPE[title(f)], like=tracked([1.0]))
    assert isinstance(y, ad.Tensor) and not y.requires_grad
    if make is not np.empty:
        np.testing.assert_array_equal(y.data, make(*FROM_A_SHAPE[title(f)]))


# --- the page -------------------------------------------------------------------------------------


def test_the_page_is_up_to_date():
    text = TOOL.PAGE.read_text(encoding="utf-8")
    if f"{TOOL.VERSION} lets" not in text or f"({TOOL.SCIPY})" not in text:
        pytest.skip(f"the page is about another version than {TOOL.VERSION} or {TOOL.SCIPY}")
    assert text == TOOL.page(FUNCTIONS), "run python docs/tools/coverage.py"


def test_the_page_is_true_for_this_version():
    text = TOOL.PAGE.read_text(encoding="utf-8")
    on_page = dict(re.findall(r"^\| `([\w.]+)`[^|]*\| (\w+) \|", text, re.MULTILINE))
    assert len(on_page) > 300
    for f in FUNCTIONS:
        for room in ("np.", "np.linalg.", "np.fft."):
            name = title(f).removeprefix(room)
            if title(f) == room + name and name in on_page and text.count(f"| `{name}`") == 1:
                assert on_page[name] == f.kind, title(f)


def test_the_page_has_every_class():
    text = TOOL.page(FUNCTIONS)
    assert "| `sin` | differentiable | |" in text
    assert "| `floor` | constant | |" in text
    assert "| `putmask` | refused | it would write in place; use np.where(mask, v, x), or x.at[mask].set(v) |" in text
    assert "`absolute`, `abs`" in text
