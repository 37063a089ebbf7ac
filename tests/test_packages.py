"""Other projects have packages named `autodiff`, `nn` and `optim`: ours notice, and say how to repair it."""

import ast
import os
import re
import subprocess
import sys
import time
import tomllib
import warnings
from pathlib import Path

import pytest

import autodiff
import autodiff.__main__ as about
import nn
import nn.beside
import optim
import optim.beside
from autodiff.names import packages

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FIT = """
import nn, warnings
import numpy as np
import optim
import autodiff
class Steps:
    def state_dict(self): return {}
    def step(self, loss):
        value = loss()
        value.backward()
        return value
nn.fit(nn.Linear(1, 1), Steps(), nn.mse_loss, (np.ones((2, 1)), np.ones((2, 1))), epochs=1, progress=False)
"""


def put(folder, name, version="1.0", marker=None):
    """A package of another project in a folder, as pip leaves it: with its metadata."""
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("" if marker is None else f"__wengert__ = {marker!r}\n")
    info = folder / f"other_{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: other-{name}\nVersion: {version}\n")
    (info / "top_level.txt").write_text(f"{name}\n")


def python(folder, *arguments):
    """Run Python in a folder, whose packages come first."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default::UserWarning"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_ours_belong_together():
    assert packages.strangers(load=True) == {}
    assert autodiff.__wengert__ == nn.__wengert__ == optim.__wengert__ == autodiff.__version__ == PROJECT["version"]


@pytest.mark.parametrize(("other", "ours"), [("optim", "nn"), ("nn", "optim")])
def test_another_package_that_was_imported_before_is_noticed(other, ours, tmp_path):
    put(tmp_path, other)
    done = python(tmp_path, "-c", f"import {other}\nimport {ours}")
    assert done.returncode == 0, done.stderr
    assert (
        f"`{other}` is not that of wengert: it is that of the project other-{other}, {tmp_path / other}" in done.stderr
    )
    assert f"pip uninstall other-{other}, then in the folder of wengert pip install" in done.stderr
    assert "<string>:2: UserWarning" in done.stderr


@pytest.mark.parametrize("ours", ["nn", "optim"])
def test_without_our_autodiff_nothing_works_and_it_says_why(ours, tmp_path):
    put(tmp_path, "autodiff")
    done = python(tmp_path, "-c", f"import {ours}")
    assert done.returncode == 1
    assert f"ImportError: {ours} needs the package autodiff of wengert; another one is in its place" in done.stderr
    assert "pip uninstall autodiff" in done.stderr and str(tmp_path / "autodiff") in done.stderr


def test_fit_looks(tmp_path):
    put(tmp_path, "optim")
    done = python(tmp_path, "-c", FIT)
    assert done.returncode == 0, done.stderr
    assert "`optim` is not that of wengert" in done.stderr
    assert done.stderr.count("UserWarning") == 1 and "<string>:12: UserWarning" in done.stderr


def test_a_file_of_ones_own_is_named(tmp_path):
    (tmp_path / "optim.py").write_text("")
    done = python(tmp_path, "-c", "import optim, nn")
    assert f"it is {tmp_path / 'optim.py'}" in done.stderr and "needs another name" in done.stderr


def test_the_report_of_packages_that_do_not_belong_together(tmp_path):
    put(tmp_path, "optim")
    put(tmp_path, "nn", marker="0.0.9")
    done = python(tmp_path, "-m", "autodiff")
    assert done.returncode == 1 and not done.stderr
    assert "do not belong together" in done.stdout
    assert "`nn` is that of wengert 0.0.9, and `autodiff` that of 0.1.0" in done.stdout
    assert "pip uninstall other-nn other-optim" in done.stdout or "pip uninstall other-optim other-nn" in done.stdout


def test_a_package_that_cannot_be_imported_is_in_the_report(tmp_path):
    (tmp_path / "optim.py").write_text("import missing_in_every_environment")
    done = python(tmp_path, "-m", "autodiff")
    assert done.returncode == 1 and "`import optim` fails: ModuleNotFoundError" in done.stdout


def test_a_demo_says_it_before_anything_else(tmp_path):
    put(tmp_path, "optim")
    done = python(tmp_path, "-m", "demos", "regression")
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("autodiff, nn and optim do not belong together:")
    (tmp_path / "autodiff.py").write_text("")
    done = python(tmp_path, "-m", "demos", "regression")
    assert done.returncode == 1 and "autodiff is not that of wengert" in done.stderr


def test_looking_takes_no_time():
    start = time.perf_counter()
    for _ in range(1000):
        nn.beside.look()
        optim.beside.look()
    assert (time.perf_counter() - start) / 1000 < 50e-6


# --- the report


def test_the_report():
    done = python(ROOT, "-m", "autodiff")
    assert done.returncode == 0 and not done.stderr
    found = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in done.stdout.splitlines())
    names = (
        "wengert",
        "packages",
        "Python",
        "NumPy",
        "platform",
        "graphviz",
        "installed",
        "not installed",
        "renderer",
        "C compiler",
    )
    assert tuple(found) == names
    assert found["wengert"] == autodiff.__version__ and found["Python"].startswith(sys.version.split()[0])
    assert "belong together" in found["packages"]
    import matplotlib

    assert f"matplotlib {matplotlib.__version__}" in found["installed"]


def test_the_report_without_programs(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("autodiff.drawing.rendering.find_renderer", lambda: None)
    monkeypatch.setattr(about, "_version", lambda name: None)
    found = dict(about.report())
    assert found["C compiler"].startswith("none") and "wengert[dot]" in found["renderer"]
    assert 'scipy (pip install "wengert[special]")' in found["not installed"] and found["installed"] == "nothing more"
    assert "missing" in found["graphviz"]


def test_a_program_that_does_not_run_is_reported(tmp_path):
    assert "does not run" in about._said(str(tmp_path / "nothing"))
    assert "exit status 3" in about._said(sys.executable, "-c", "raise SystemExit(3)")


# --- extras

IN_DISTRIBUTION = {"PIL": "pillow", "sklearn": "scikit-learn", "mpl_toolkits": "matplotlib"}
SHARED_BY = {"pillow": "matplotlib"}
"""A package that comes with another."""


def brought_by(extra):
    """What an extra installs, with what others it names."""
    names = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        name, extras = re.match(r"([\w.-]+)(?:\[([\w,\s-]*)\])?", requirement).groups()
        names |= set().union(*(brought_by(e.strip()) for e in extras.split(","))) if name == PROJECT["name"] else {name}
    return names | {package for package, carrier in SHARED_BY.items() if carrier in names}


def imports_of(folder):
    """The packages of others that the code in a folder imports, each with a file."""
    own = {"autodiff", "nn", "optim", "demos", "benchmarks", "tests", *sys.stdlib_module_names}
    found = {}
    for file in (ROOT / folder).rglob("*.py"):
        if "peers" in file.parts:
            continue  # the libraries that the benchmarks compare with are installed by hand
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            found.update({IN_DISTRIBUTION.get(m.split(".")[0], m.split(".")[0]): file for m in modules})
    return {name: str(file.relative_to(ROOT)) for name, file in found.items() if name not in own}


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("autodiff/testing", ["testing"]),
        ("autodiff", ["testing", "plot", "special", "sympy", "native", "jax", "onnx"]),
        ("nn", ["plot", "demos", "safetensors", "sklearn"]),  # rich, where it is there, draws the progress
        ("optim", ["plot"]),
        ("demos", ["demos", "explorer"]),
        ("benchmarks", ["bench", "special", "dev"]),
    ],
)
def test_what_the_code_imports_is_installed_by_what_it_names(folder, extras):
    always = {re.match(r"[\w-]+", requirement).group() for requirement in PROJECT["dependencies"]}
    there = always.union(*map(brought_by, extras))
    assert {name: file for name, file in imports_of(folder).items() if name not in there} == {}


def test_the_report_knows_every_package_of_an_extra():
    for name, extra in about.EXTRAS.items():
        assert name in brought_by(extra), (name, extra)
    known = {*about.EXTRAS, "sphinx", "furo", "myst-parser", "latex2mathml"}  # the manual is built with them
    extras = PROJECT["optional-dependencies"]
    users = set().union(*(brought_by(extra) for extra in extras if extra not in ("dev", "neighbours")))
    assert users <= known


def test_what_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    installing = readme[readme.index("## Installing") :]
    for extra in PROJECT["optional-dependencies"]:
        if extra not in ("dev", "neighbours", "bench", "docs"):
            assert f"[{extra}]" in installing, extra
    assert "pip install optim" in installing and "python -m autodiff" in installing


def test_no_warning_without_a_reason():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.beside.look()
        optim.beside.look()
