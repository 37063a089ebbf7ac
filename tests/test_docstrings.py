"""What the docstrings of public names must say: what goes in, what comes out, what is raised, the formula, its source.

Their examples are run by pytest itself, wherever they stand.
"""

import ast
import inspect
import re
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs" / "tools"))

import reference  # noqa: E402  # it lies beside the manual

SECTIONS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "See Also", "Notes", "References", "Examples")
PUBLIC = {name: value for name, value in reference.public_names() if callable(value)}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
CLASSES = {name: value for name, value in PUBLIC.items() if isinstance(value, type)}

MATHEMATICAL = (
    *("derivatives", "calculus", "fields", "special", "probability", "solvers"),
    *("activations", "losses", "layers", "optimisers", "schedules", "minima"),
)
"""Pages of the reference on which every name has a formula and its source."""
COMPUTES_NOTHING = {
    "it is a result that another function fills": (
        "autodiff.HessianOperator autodiff.calculus.Extrapolation autodiff.calculus.Finding "
        "autodiff.calculus.Comparison autodiff.calculus.theorems.PartialFractions autodiff.special.Polar "
        "autodiff.probability.Fit "
        "autodiff.solvers.CGResult autodiff.solvers.Eigenpair autodiff.solvers.LineSearchResult "
        "autodiff.solvers.TrustRegionStep optim.NewtonReport optim.MinimizeResult optim.Record optim.MultistartResult "
        "optim.Basin optim.CriticalPoint"
    ),
    "it is a base class; those below it have formulas": (
        "autodiff.probability.Distribution autodiff.probability.Continuous autodiff.probability.Discrete "
        "optim.Optimizer optim.Schedule"
    ),
    "it describes where others compute": "autodiff.calculus.Region autodiff.probability.Support",
    "it calls, looks or rearranges": (
        "autodiff.solvers.called autodiff.solvers.is_being_differentiated autodiff.solvers.ravel nn.Flatten"
    ),
}


def sections(value):
    """The sections of a docstring; what stands before them is `""`."""
    found = re.split(rf"^({'|'.join(SECTIONS)})\n-{{3,}}$", inspect.getdoc(value) or "", flags=re.M)
    return {"": found[0], **dict(zip(found[1::2], found[2::2], strict=True))}


def entries(section):
    """The names that a section describes: those at the beginning of its lines, before a colon."""
    lines = [line for line in section.splitlines() if line[:1].strip()]
    return {name.strip().lstrip("*") for line in lines for name in line.split(" : ")[0].split(",")}


def arguments(value):
    """What a caller may give. `unknown` catches misspelt keywords, so as to explain them."""
    try:
        return [name for name in inspect.signature(value).parameters if name != "unknown"]
    except (TypeError, ValueError):
        return []


def raised(function):
    """The errors that stand after a `raise` in the function itself; not those that it gets from another function."""
    for node in ast.walk(_tree(function)):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = ast.unparse(error).rpartition(".")[2]
            if re.fullmatch(r"[A-Z]\w+Error", name):
                yield name


def bodies(value):
    """The functions for which a docstring speaks: those that make an object, and run a layer."""
    methods = ("__new__", "__init__", "__post_init__", "forward")
    made = [value] if inspect.isfunction(value) else [getattr(value, name, None) for name in methods]
    made = [inspect.unwrap(function) for function in made if inspect.isfunction(function)]
    return [function for function in made if Path(function.__code__.co_filename).is_file()]  # some are generated


def lacks_parameters(value):
    """Arguments that no entry describes. A result may describe them as attributes, since nobody calls its class."""
    said = sections(value)
    described = entries(said.get("Parameters", ""))
    if isinstance(value, type) and "Parameters" not in said:
        return []
    return [name for name in arguments(value) if name not in described]


def lacks_returns(function):
    gives = str(inspect.signature(function).return_annotation) not in ("None", "AbstractContextManager[None]")
    return gives and not {"Returns", "Yields"} & sections(function).keys()


def lacks_raises(value):
    said = sections(value).get("Raises", "").partition("\n\n")[0]
    return sorted({name for body in bodies(value) for name in raised(body) if name not in said})


def called(function):
    """The functions of this project that a function calls by their names."""
    names = {node.func.id for node in ast.walk(_tree(function)) if isinstance(getattr(node, "func", None), ast.Name)}
    found = [inspect.unwrap(f) for name in names if inspect.isfunction(f := function.__globals__.get(name))]
    return [f for f in found if f.__module__.partition(".")[0] in ("autodiff", "nn", "optim")]


def _tree(function):
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def lacks_formula(value):
    """A formula is code with an operator or a call in it, outside of the parameters and the examples."""
    said = sections(value)
    spans = re.findall(r"``(.+?)``", " ".join(said.get(part, "") for part in ("", "Returns", "Notes")), flags=re.S)
    return not any(re.search(r"[-+*/=^|<\[]|\w\(", span) for span in spans)


def lacks_source(value):
    """A book, paper or standard with its year, or the library whose convention it is."""
    return not re.search(r"\b1[5-9]\d\d\b|\b20\d\d\b|torch's ``", sections(value).get("References", ""))


def mathematical():
    groups = {page: group for chapter in reference.CHAPTERS.values() for page, group in chapter.items()}
    names = [name for page in MATHEMATICAL for name in reference.names_of(groups[page])]
    free = {name for listed in COMPUTES_NOTHING.values() for name in listed.split()}
    assert free <= set(names), sorted(free - set(names))
    return [name for name in names if name not in free]


def test_every_function_describes_what_it_takes():
    assert {name: lacking for name, f in FUNCTIONS.items() if (lacking := lacks_parameters(f))} == {}


def test_every_class_describes_what_it_takes_or_holds():
    assert {name: lacking for name, c in CLASSES.items() if (lacking := lacks_parameters(c))} == {}
    silent = [
        name for name, c in CLASSES.items() if arguments(c) and not {"Parameters", "Attributes"} & sections(c).keys()
    ]
    assert silent == ["autodiff.no_grad"]  # what it takes is a mistake, which it explains


def test_no_parameter_is_described_elsewhere():
    """A reader of one docstring should not have to open another one to call the function."""
    away = re.compile(r"^    As (in|for) `|[Pp]arameters,? .*(as (in|for)|those of) `", re.M)
    found = [name for name, value in PUBLIC.items() for text in (sections(value),) if away.search(text[""])]
    found += [name for name, value in PUBLIC.items() if away.search(sections(value).get("Parameters", ""))]
    assert found == []


def test_every_function_describes_what_it_returns():
    assert [name for name, f in FUNCTIONS.items() if lacks_returns(f)] == []


def test_every_error_that_is_raised_here_is_named():
    assert {name: lacking for name, value in PUBLIC.items() if (lacking := lacks_raises(value))} == {}


def test_what_a_helper_raises_is_not_kept_back():
    """A function whose helpers refuse arguments says of which, in whatever words."""
    silent = [name for name, f in FUNCTIONS.items() if "Raises" not in sections(f)]
    kept = {
        name: sorted(errors)
        for name in silent
        for body in bodies(FUNCTIONS[name])
        if (errors := {error for helper in called(body) for error in raised(helper)})
    }
    assert kept == {}


def test_mathematics_has_a_formula():
    assert [name for name in mathematical() if lacks_formula(reference.located(name))] == []


def test_mathematics_has_a_source():
    assert [name for name in mathematical() if lacks_source(reference.located(name))] == []


def test_an_array_has_a_shape():
    """In the families in which shapes are the interface."""
    shaped = [name for page in ("layers", "losses", "fields", "solvers") for name in _page(page)]
    unshaped = [
        f"{name}: {line.strip()}"
        for name in shaped
        for part in ("Parameters", "Returns")
        for line in sections(reference.located(name)).get(part, "").splitlines()
        if re.match(r"(\w[\w, ]* : )?(array|ndarray|Tensor|array_like)\b", line) and not re.search(r"\(|shape", line)
    ]
    assert unshaped == []


def _page(title):
    return [
        name
        for chapter in reference.CHAPTERS.values()
        for page, group in chapter.items()
        if page == title
        for name in reference.names_of(group)
    ]


def a_good_one(x: int) -> int:
    """Double, ``2 * x``.

    Parameters
    ----------
    x : int

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is negative.

    References
    ----------
    Euclid, "Elements", edited by T. L. Heath 1908.
    """
    if x < 0:
        raise ValueError("negative")
    return 2 * x


@pytest.mark.parametrize(
    ("check", "taken_away"),
    [
        (lacks_parameters, "x : int\n"),
        (lacks_returns, "Returns\n-------"),
        (lacks_raises, "ValueError"),
        (lacks_formula, "``2 * x``"),
        (lacks_source, "1908"),
    ],
)
def test_these_checks_can_fail(check, taken_away, monkeypatch):
    assert not check(a_good_one)
    monkeypatch.setattr(a_good_one, "__doc__", inspect.getdoc(a_good_one).replace(taken_away, ""))
    assert check(a_good_one)
