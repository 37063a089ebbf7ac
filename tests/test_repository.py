"""The house rules: what is public, what imports what, what is never committed. Each check is also shown a breach."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import autodiff

ROOT = Path(__file__).parents[1]
PACKAGES = ("autodiff", "nn", "optim")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# The rooms of autodiff/, lowest first: a room imports only itself and those before it. Where modules of one folder
# have an order, each is a room. `__init__` is the public face.
ROOMS = (
    "errors",
    "names",
    "typing",
    "display",
    "pytree",
    *(
        f"core.{module}"
        for module in ("primitives", "kinds", "switches", "tape", "walks", "copying", "masks", "sweeps", "forward")
    ),
    *(f"core.{module}" for module in ("primitives", "kinds", "switches", "tape", "walks", "copying", "masks")),
    *(f"core.{module}" for module in ("sweeps", "forward", "modes", "effects")),
    "ops",
    "scipy_special",
    *(
        f"arrays.{module}"
        for module in (
            "counts",
            "messages",
            "others",
            "batching",
            "methods",
            "array_api",
            "tensors",
            "plain",
            "series",
            "registering",
        )
    ),
    *(f"arrays.{module}" for module in ("series", "registering", "afar")),
    *(f"watchers.{module}" for module in ("places", "remedies", "anomalies", "kinks")),
    "transforms.calling",
    "transforms.recording",
    "transforms.expansions",
    "transforms.first_order",
    "transforms.directions",
    "transforms.jacobians",
    "transforms.hessians",
    "transforms.for_scipy",
    "special",
    "transforms.checkpointing",
    "flat",
    "drawing",
    "compiler",
    "solvers",
    "calculus",
    "probability",
    "plotting",
    "testing",
    "__init__",
    "__main__",
)
LOADED_WHEN_USED = (
    "watchers",
    "drawing",
    "compiler",
    "solvers",
    "calculus",
    "probability",
    "plotting",
    "testing",
)


def run_python(code, *arguments):
    """Run `code` in a fresh interpreter with the checkout on its path; returns what it printed as JSON."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# --- versions and requirements


def test_the_version_is_the_same_everywhere():
    assert autodiff.__version__ == PROJECT["version"]
    try:
        installed = importlib.metadata.version(PROJECT["name"])
    except importlib.metadata.PackageNotFoundError:
        return  # run from a bare checkout
    assert installed == PROJECT["version"]


def requirement_names(requirements):
    """Names of the packages in a list of requirements, the project's own extras followed."""
    names = set()
    todo = list(requirements)
    while todo:
        name, extras = re.match(r"([\w.-]+)(?:\[([\w,\s-]*)\])?", todo.pop()).groups()
        if name == PROJECT["name"]:
            for extra in extras.split(","):
                todo += PROJECT["optional-dependencies"][extra.strip()]
        else:
            names.add(name.lower())
    return names


def test_users_get_numpy_and_graphviz_only():
    assert requirement_names(PROJECT["dependencies"]) == {"numpy", "graphviz"}


def test_no_extra_brings_a_peer():
    extras = PROJECT["optional-dependencies"]
    assert {"dot", "testing", "plot", "explorer", "demos", "dev", "bench", "docs", "all", "special"} <= set(extras)
    for extra in extras.keys() - {"jax"}:  # a backend of `compile`; nothing else brings it
        assert not {"torch", "jax", "autograd", "mygrad", "tinygrad"} & requirement_names(extras[extra]), extra


@pytest.mark.parametrize("package", PACKAGES)
def test_the_packages_are_typed(package):
    assert (ROOT / package / "py.typed").is_file()


# --- nothing of one machine or one registry is committed

# In pieces, so that this file does not find itself.
HOSTS = re.compile(
    "|".join(
        re.escape("".join(parts))
        for parts in [
            ("py", "pi.org"),
            ("python", "hosted.org"),
            ("anaconda", ".org"),
            ("conda", ".io"),
            ("npm", "js.org"),
            ("jsde", "livr.net"),
            ("unp", "kg.com"),
            ("index", "-url"),
            ("find", "-links"),
        ]
    ),
    re.IGNORECASE,
)
PATHS = re.compile(r"(?<![\w.~-])/(?:root|home/\w+|Users/\w+|work|opt)/|\b[A-Z]:\\+Users\\")


def unwanted(text):
    """Strings in `text` that name a package registry, or a place on somebody's machine."""
    return [match.group() for pattern in (HOSTS, PATHS) for match in pattern.finditer(text)]


def project_files():
    """Files that are, or would be, committed; without git all but what .gitignore's tools leave behind."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        files = [ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name]
    except (OSError, subprocess.CalledProcessError):
        kept = (*PACKAGES, "demos", "tests", "benchmarks", "docs")
        files = [*ROOT.glob("*.*"), *(file for folder in kept for file in (ROOT / folder).rglob("*"))]
        files = [file for file in files if "__pycache__" not in file.parts]
    return [file for file in files if file.is_file()]


def test_no_file_names_a_registry_or_a_machine():
    files = project_files()
    assert ROOT / "pyproject.toml" in files
    found = {}
    for file in files:
        data = file.read_bytes()
        if b"\0" not in data and (hits := unwanted(data.decode("utf-8", "replace"))):
            found[str(file.relative_to(ROOT))] = hits
    assert not found


def test_unwanted_strings_are_seen():
    for text in (
        "registry = https://py" + "pi.org/simple",
        "--extra-index" + "-url x",
        "see /ro" + "ot/notes",
        '"/ho' + 'me/ada/x"',
        "file:///Us" + "ers/ada/x",
        "C:\\Us" + "ers\\ada",
    ):
        assert unwanted(text), text
    for text in ("tests/opt/x", "./opt/x", "a / opt / b", "../shared/stories", "https://doi.org/10.1145/355586"):
        assert not unwanted(text), text


# --- imports point downwards


def imported(file, root):
    """Modules that `file` imports anywhere in it, as (line, dotted name); `from a import b` gives a.b."""
    parts = file.relative_to(root).with_suffix("").parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(parts[: len(parts) - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def room_of(dotted, root):
    """Room an imported name lives in: `autodiff.ops.shapes.f` -> ops, `autodiff.grad` -> __init__, the public face.

    In a folder whose modules are rooms it is the module; the folder's own `__init__` holds a docstring only.
    """
    _, first, second, *_ = (dotted + "..").split(".")
    folder = root / "autodiff" / first
    if first and (folder / f"{second}.py").is_file() and f"{first}.{second}" in ROOMS:
        return f"{first}.{second}"
    return first if first and (folder.is_dir() or folder.with_suffix(".py").is_file()) else "__init__"


def is_docstring_only(file):
    """Whether a file holds a docstring and nothing else."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)


def upward_imports(root):
    """What is wrong with the imports inside autodiff/: one line each."""
    for file in sorted((root / "autodiff").rglob("*.py")):
        own = room_of(".".join(file.relative_to(root).with_suffix("").parts), root)
        if any(room.startswith(f"{own}.") for room in ROOMS) and file.stem == "__init__" and is_docstring_only(file):
            continue
        if own not in ROOMS:
            yield f"{own}: no such room; ROOMS and docs/design.md say which there are"
            continue
        for line, name in imported(file, root):
            if name.split(".")[0] in ("nn", "optim", "demos", "benchmarks", "tests"):
                yield f"{file.relative_to(root)}:{line}: {name} stands above autodiff"
            elif name.split(".")[0] == "autodiff":
                room = room_of(name, root)
                if room not in ROOMS or ROOMS.index(room) > ROOMS.index(own):
                    yield f"{file.relative_to(root)}:{line}: {own} imports {name}, of the room {room} above it"


def modules_of(root):
    """Every module of the packages and the modules that it imports, in functions and for types too."""
    found = {}
    for package in PACKAGES:
        for file in (root / package).rglob("*.py"):
            parts = file.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file

    def module(name):
        while name and name not in found:
            name = name.rpartition(".")[0]
        return name

    return {name: {module(n) for _, n in imported(file, root)} - {name, ""} for name, file in found.items()}


def circles(imports):
    """Modules that import each other, directly or through others, apart from the packages' public faces."""
    left = {name: set(others) - set(PACKAGES) for name, others in imports.items() if name not in PACKAGES}
    while free := {name for name, others in left.items() if not others & left.keys()}:
        left = {name: others for name, others in left.items() if name not in free}
    while free := left.keys() - set().union(*left.values()):  # who is imported by none of them is in no circle
        left = {name: others for name, others in left.items() if name not in free}
    return sorted(left)


def back_doors(root, public):
    """Where nn or optim import each other, or use more of autodiff than its public names: one line each."""
    for package, other in (("nn", "optim"), ("optim", "nn")):
        for file in sorted((root / package).rglob("*.py")):
            where = file.relative_to(root)
            for line, name in imported(file, root):
                top, _, rest = name.partition(".")
                if top in (other, "demos", "benchmarks", "tests"):
                    yield f"{where}:{line}: {package} imports {name}"
                elif top == "autodiff" and rest and rest.split(".")[0] not in public:
                    yield f"{where}:{line}: {name} is not a public name of autodiff"
            tree = ast.parse(file.read_text(encoding="utf-8"))
            aliases = {
                alias.asname or alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.Import)
                for alias in node.names
                if alias.name == "autodiff"
            }
            attributes = (n for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name))
            for node in attributes:
                if node.value.id in aliases and node.attr not in public | {"__version__"}:
                    yield f"{where}:{node.lineno}: {node.value.id}.{node.attr} is not a public name of autodiff"


def test_imports_point_downwards():
    assert list(upward_imports(ROOT)) == []


def test_no_module_imports_itself_through_others():
    assert circles(modules_of(ROOT)) == []


@pytest.mark.parametrize(
    ("imports", "found"),
    [
        ({"nn.a": {"nn.b"}, "nn.b": {"nn.c"}, "nn.c": {"nn.a"}, "nn.d": {"nn.a"}}, ["nn.a", "nn.b", "nn.c"]),
        ({"nn.a": {"nn.b", "nn.c"}, "nn.b": {"nn.c"}, "nn.c": {"nn"}, "nn": {"nn.a"}}, []),
    ],
)
def test_a_circle_is_seen(imports, found):
    assert circles(imports) == found


def test_nn_and_optim_see_the_public_face_only():
    assert list(back_doors(ROOT, set(autodiff.__all__))) == []


@pytest.fixture
def house(tmp_path):
    """A small house with the same rooms, in which nothing is wrong."""
    rooms = ("core/primitives", "core/tape", "arrays/tensors", "ops/__init__", "ops/shapes", "testing/__init__")
    for name in ("errors", *rooms, "__init__"):
        file = tmp_path / "autodiff" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    for package in ("nn", "optim"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("import autodiff as ad\nfrom autodiff import grad\nad.grad\n")
    (tmp_path / "autodiff" / "__init__.py").write_text("from autodiff.core.tape import grad\nfrom . import testing\n")
    for folder in ("core", "arrays"):
        (tmp_path / "autodiff" / folder / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "autodiff" / "arrays" / "tensors.py").write_text(
        "import numpy\nfrom ..ops import shapes\nfrom .. import errors\nfrom autodiff.core import tape\n"
    )
    return tmp_path


def test_a_good_house_is_left_in_peace(house):
    assert list(upward_imports(house)) == []
    assert list(back_doors(house, {"grad"})) == []


@pytest.mark.parametrize(
    ("file", "source", "told"),
    [
        ("core/tape.py", "import autodiff.arrays.tensors", "autodiff.arrays.tensors"),
        ("core/tape.py", "from autodiff.arrays.tensors import Tensor", "tensors above"),
        ("core/tape.py", "from autodiff.arrays import tensors", "tensors above"),
        ("core/primitives.py", "from autodiff.core import tape", "tape above"),
        ("core/tape.py", "from autodiff import grad", "__init__ above"),
        ("core/tape.py", "import autodiff as ad", "__init__ above"),
        ("core/tape.py", "from ..arrays import tensors", "tensors above"),
        ("core/tape.py", "def f():\n    from ..arrays.tensors import Tensor", "tape.py:2"),
        ("core/__init__.py", "from autodiff.core.tape import Node", "core: no such room"),
        ("ops/shapes.py", "from ..arrays.tensors import Tensor", "tensors above"),
        ("ops/__init__.py", "from ..arrays.tensors import Tensor", "tensors above"),
        ("ops/shapes.py", "import nn", "nn stands above"),
        ("attic.py", "", "attic: no such room"),
        ("core/attic.py", "", "core: no such room"),
    ],
)
def test_an_upward_import_is_seen(house, file, source, told):
    (house / "autodiff" / file).write_text(source)
    (complaint,) = upward_imports(house)
    assert told in complaint


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import optim", "nn imports optim"),
        ("from optim.optimizers.adam import Adam", "nn imports optim.optimizers.adam.Adam"),
        ("from autodiff.core.tape import Node", "autodiff.core.tape.Node is not a public name"),
        ("from autodiff.core import tape", "autodiff.core.tape is not a public name"),
        ("from autodiff import tape", "autodiff.tape is not a public name"),
        ("import autodiff.core.tape", "autodiff.core.tape is not a public name"),
        ("import autodiff as ad\nad.tape", "ad.tape is not a public name"),
        ("import autodiff\ndef f():\n    return autodiff._x", "autodiff._x is not a public name"),
    ],
)
def test_a_back_door_is_seen(house, source, told):
    (house / "nn" / "linear.py").write_text(source)
    (complaint,) = back_doors(house, {"grad"})
    assert told in complaint


# --- what importing loads


def test_importing_autodiff_loads_numpy_and_nothing_else():
    code = """
import json, sys
import numpy
before = set(sys.modules)
import autodiff
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    loaded = run_python(code)
    assert "autodiff.core.tape" in loaded
    own = ("autodiff", "numpy", *sys.stdlib_module_names)
    assert [name for name in loaded if name.split(".")[0] not in own] == []
    upper = tuple(f"autodiff.{room}" for room in LOADED_WHEN_USED)
    assert [name for name in loaded if name.startswith(upper)] == [], "a room that should load when first used"


# --- public names

# Answers, for one package: what __all__ promises and is not there; what is there, public and undeclared (apart from
# the words of `typing` and `__future__` that annotations need); what is another object once every submodule has been
# imported (a submodule that bears a function's name replaces it); what is declared twice.
NAMES = """
import importlib, json, pkgutil, sys, typing
name = sys.argv[1]
package = importlib.import_module(name)
declared = list(package.__all__)
before = {}
for n in declared:  # the very first access counts: a lazy name may load the submodule that replaces it
    try:
        before[n] = getattr(package, n)
    except (AttributeError, ImportError):
        pass
missing = [n for n in declared if n not in before]
for module in pkgutil.walk_packages(package.__path__, name + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
replaced = [n for n in before if getattr(package, n) is not before[n]]
undeclared = [
    n for n, value in vars(package).items()
    if not n.startswith("_") and n not in declared and value is not sys.modules.get(f"{name}.{n}")
    and value is not vars(typing).get(n, package) and type(value).__module__ != "__future__"
]
twice = sorted({n for n in declared if declared.count(n) > 1})
print(json.dumps({"missing": missing, "undeclared": undeclared, "replaced": replaced, "twice": twice}))
"""
GOOD = {"missing": [], "undeclared": [], "replaced": [], "twice": []}


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_what_all_says(package):
    assert run_python(NAMES, package) == GOOD


@pytest.mark.parametrize(
    ("init", "wrong"),
    [
        ("__all__ = ['f']\ndef f(): pass", {}),
        ("__all__ = ['f', 'f']\ndef f(): pass", {"twice": ["f"]}),
        ("__all__ = ['f', 'g']\ndef f(): pass", {"missing": ["g"]}),
        ("from __future__ import annotations\nfrom typing import Any\n__all__ = ['f']\ndef f(): pass", {}),
        ("import math\n__all__ = ['f']\ndef f(): pass", {"undeclared": ["math"]}),
        ("__all__ = ['draw']\ndef draw(): pass", {"replaced": ["draw"]}),
        ("__all__ = ['draw']\ndef __getattr__(n):\n    import p_.draw as m\n    return m.draw", {"replaced": ["draw"]}),
    ],
)
def test_a_wrong_public_name_is_seen(init, wrong, tmp_path, monkeypatch):
    (tmp_path / "p_").mkdir()
    (tmp_path / "p_" / "__init__.py").write_text(init)
    (tmp_path / "p_" / "draw.py").write_text("def draw(): pass\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run_python(NAMES, "p_") == {**GOOD, **wrong}
