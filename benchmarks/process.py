"""The other end of `benchmarks.worker`: one long-lived process per peer, on one core, with one thread."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from contextlib import suppress
from types import TracebackType
from typing import Any

from benchmarks import history
from benchmarks.peers import EARLIER, ROOT, missing

KEEP_MEMORY = "BENCHMARKS_KEEP_MEMORY"
"""Environment variable; if set, the workers of our engine and of the hand-written step call `autodiff.keep_memory`."""


class PeerError(Exception):
    """A peer failed to answer a request; the message gives the reason in one line."""


def one_thread() -> dict[str, str]:
    """The environment of a measured process: one thread in every library with a thread pool, the same for all peers."""
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
    if hasattr(os, "sched_setaffinity"):  # not on macOS and Windows, where only the number of threads is limited
        os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
    return process


class PeerProcess:
    """One peer in its process.

    Attributes
    ----------
    name : str
    workloads : list of str
        The workloads of this peer.
    thread_pools : list of str
        The thread pools found in its process, each with its number of threads.
    """

    def __init__(self, name: str):
        self.name = name
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._packages = _earlier_packages() if name == EARLIER else None
        folder = [self._packages.name] if self._packages else []
        self._process = start(
            *("-m", "benchmarks.worker", name, *folder),
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
        """The result of `Host.method(**arguments)` in the peer's process; raises PeerError if that fails."""
        assert self._process.stdin is not None
        with suppress(OSError):  # if the process has ended, reading reports why
            pickle.dump((method, arguments), self._process.stdin)
            self._process.stdin.flush()
        return self._reply()

    def _reply(self) -> Any:
        assert self._process.stdout is not None
        try:
            done, result = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise PeerError(self._last_words()) from None
        if not done:
            raise PeerError(result)
        return result

    def _last_words(self) -> str:
        """The exit status of the process, with its last line of output."""
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        return " ".join([f"the process ended ({self._process.wait()})", *[line for line in lines if line.strip()][-1:]])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):  # the pipe of a process that has ended may hold an unsent request
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._complaints.close()
        if self._packages:
            self._packages.cleanup()


def _earlier_packages() -> tempfile.TemporaryDirectory[str]:
    try:
        return history.packages(str(ROOT))
    except OSError as error:
        raise PeerError(str(error)) from None


class Peers:
    """The peers of a run, each started when first needed; all end with the ``with`` block.

    A peer that is not installed, or whose process does not start, is left out, and a line says so.

    Parameters
    ----------
    names : the names of the peers, in their order

    Attributes
    ----------
    installed : those that are installed
    """

    def __init__(self, names: list[str]):
        self.installed = []
        self._running: dict[str, PeerProcess | None] = {}
        for name in names:
            if lacking := missing(name):
                print(f"left out: {name} ({'needs' if name == EARLIER else 'not installed:'} {', '.join(lacking)})")
            else:
                self.installed.append(name)

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for peer in self._running.values():
            if peer:
                peer.close()

    def that_do(self, workload: str, earlier: bool = False) -> list[PeerProcess]:
        """The processes of the peers that can do `workload`; the earlier commit's only if it is asked for."""
        peers = [self._process_of(name) for name in self.installed if earlier or name != EARLIER]
        return [peer for peer in peers if peer and workload in peer.workloads]

    def _process_of(self, name: str) -> PeerProcess | None:
        if name not in self._running:
            try:
                self._running[name] = PeerProcess(name)
            except PeerError as error:
                print(f"left out: {name} ({error})")
                self._running[name] = None
        return self._running[name]

    def thread_pools(self) -> dict[str, list[str]]:
        """For each started peer, the thread pools in its process, each with its number of threads."""
        return {name: peer.thread_pools for name, peer in self._running.items() if peer}
