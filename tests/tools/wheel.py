"""Build the wheel, install it into an empty environment, and use it from a folder that is not the checkout.

usage: python tests/tools/wheel.py
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from environment import ROOT, create, install, interpreter, run, uv

NEEDED = {f"{package}/{file}" for package in ("autodiff", "nn", "optim") for file in ("__init__.py", "py.typed")} | {
    "nn/data/digits.npz",
    "nn/data/DIGITS.md",
}
# What a user has then: our packages from the environment and nothing from here, with NumPy and graphviz beside them.
CHECK = """
import importlib.metadata, pathlib, sys
import autodiff, nn, optim, nn.data
for package in (autodiff, nn, optim):
    assert pathlib.Path(package.__file__).is_relative_to(sys.prefix), package.__file__
assert autodiff.__version__ == importlib.metadata.version("wengert")
assert nn.data.digits().images.shape == (1797, 8, 8)
names = {d.metadata["Name"].lower() for d in importlib.metadata.distributions()} - {"pip", "setuptools"}
assert names == {"wengert", "numpy", "graphviz"}, names
"""


def main() -> None:
    """Run from the command line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        environment, builder, work = folder / "environment", folder / "builder", folder / "work"
        work.mkdir()
        base = getattr(sys, "_base_executable", sys.executable)
        print("building the wheel ...", flush=True)
        if tool := uv():
            run([tool, "build", "--quiet", "--wheel", "--python", base, "--out-dir", folder, ROOT])
        else:
            create(builder, base)
            pip: list[str | Path] = [interpreter(builder), "-m", "pip"]
            run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT])
        (wheel,) = folder.glob("wengert-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            files = set(archive.namelist())
        if missing := NEEDED - files:
            sys.exit(f"{wheel.name} lacks {', '.join(sorted(missing))}")
        if extra := {f.partition("/")[0] for f in files if ".dist-info/" not in f} - {"autodiff", "nn", "optim"}:
            sys.exit(f"{wheel.name} holds {', '.join(sorted(extra))}, which nobody should get")

        print(f"installing {wheel.name} into an empty environment ...", flush=True)
        create(environment, base)
        install(environment, str(wheel))
        shutil.copy(ROOT / "tests" / "stories" / "tensor.py", work / "tensor.py")
        (work / "check.py").write_text(CHECK)
        # -I: neither PYTHONPATH nor the folder of the script; HOME and PATH lead nowhere near the checkout either.
        bare = {key: value for key, value in os.environ.items() if key in ("SYSTEMROOT", "TEMP", "TMP", "LANG")}
        for script in ("check.py", "tensor.py"):
            done = subprocess.run(
                [interpreter(environment), "-I", script], cwd=work, env=bare, capture_output=True, text=True
            )
            if done.returncode:
                sys.exit(f"{script} failed in an environment with nothing but the wheel:\n{done.stdout}{done.stderr}")
        if (done.stdout.splitlines() or [""])[-1] != "ok":
            sys.exit(f"the story did not end with `ok`:\n{done.stdout}")
        print(f"{wheel.name}: {wheel.stat().st_size / 1024:.0f} KB, {len(files)} files; story `tensor` holds")


if __name__ == "__main__":
    main()
