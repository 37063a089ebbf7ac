"""The other end of `benchmarks.worker`: one long-lived process per peer, on one core, with one thread."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.peers import PEERS, missing

ROOT = Path(__file__).resolve().parents[1]
"""Where `benchmarks` and the packages of this project are imported from."""


class PeerError(Exception):
    """A peer could not do what it was asked; the message says why, in one line."""


def one_thread() -> dict[str, str]:
    """The environment of a measured process: one thread in every library that has a pool, the same for all peers."""
    environment = dict(os.environ)
    for variable in ("OPENBLAS_CORETYPE", "PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME"):
        environment.pop(variable, None)
    for variable in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR"):
        environment[f"{variable}_NUM_THREADS"] = "1"
    environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    environment["JAX_PLATFORMS"] = "cpu"
    environment["PYTHONHASHSEED"] = "0"
    return environment


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start this Python with `arguments` in the project's root, in the environment `one_thread`, on one core."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=one_thread(), **options)
    if hasattr(os, "sched_setaffinity"):  # not on macOS and Windows, where one thread has to do
        os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
    return process


class PeerProcess:
    """One peer in its process.

    Attributes
    ----------
    name : str
    workloads : list of str
        What this peer can do.
    thread_pools : list of str
        The thread pools found in its process, each with its number of threads.
    """

    def __init__(self, name: str):
        self.name = name
        self._complaints = tempfile.TemporaryFile()
        self._process = start(
            *("-m", "benchmarks.worker", name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
        )
        try:
            about = self._reply()
        except PeerError:
            self.close()
            raise
        self.workloads: list[str] = about["workloads"]
        self.thread_pools: list[str] = about["thread_pools"]

    def call(self, method: str, **arguments: Any) -> Any:
        """What `Host.method(**arguments)` returns in the peer's process; raises PeerError if it fails there."""
        assert self._process.stdin is not None
        try:
            pickle.dump((method, arguments), self._process.stdin)
            self._process.stdin.flush()
        except OSError:
            pass  # the process has ended: reading says why
        return self._reply()

    def _reply(self) -> Any:
        assert self._process.stdout is not None
        try:
            done, result = pickle.load(self._process.stdout)
        except EOFError:
            raise PeerError(self._last_words()) from None
        if not done:
            raise PeerError(result)
        return result

    def _last_words(self) -> str:
        """How the process ended, with the last line it wrote."""
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        return " ".join([f"the process ended ({self._process.wait()})", *[line for line in lines if line.strip()][-1:]])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._complaints.close()


class Peers:
    """The peers of a run, each started when first asked for, all ended with the ``with`` block.

    Parameters
    ----------
    names : the peers wanted, in the order in which their rows are shown
    """

    def __init__(self, names: list[str]):
        self.names = names
        self._running: dict[str, PeerProcess] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Peers:
        """Start every peer that is installed; say in one line which are left out, and why."""
        for name in self.names:
            if lacking := missing(name):
                print(f"left out: {name} ({', '.join(lacking)} not installed)")
                continue
            try:
                self._running[name] = process = PeerProcess(name)
            except PeerError as error:
                print(f"left out: {name} ({error})")
                continue
            self._stack.callback(process.close)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def that_do(self, workload: str) -> list[PeerProcess]:
        """The running peers that have `workload`."""
        return [peer for peer in self._running.values() if workload in peer.workloads]
