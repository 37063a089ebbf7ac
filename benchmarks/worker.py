"""The process of one peer: it builds steps, sends their first results, and times slices on request.

Requests and replies are pickled pairs on the standard streams: ``(method of Host, its keyword arguments)`` one way,
``(True, result)`` or ``(False, message)`` the other way. `benchmarks.process` is the other end.
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
import time
from typing import Any

import numpy as np

from benchmarks import memory
from benchmarks.agreement import FirstSteps
from benchmarks.peers import Step
from benchmarks.process import KEEP_MEMORY


class Host:
    """The peer of this process, and the steps that it has built so far."""

    def __init__(self, peer: str):
        if KEEP_MEMORY in os.environ and peer in ("ours", "numpy_by_hand"):
            importlib.import_module("autodiff").keep_memory()
        self.steps = importlib.import_module(f"benchmarks.peers.{peer}").STEPS
        self.built: dict[str, Step] = {}
        self.limits = _one_thread_each()

    def about(self) -> dict[str, Any]:
        """The workloads of this peer, and the thread pools in its process with their numbers of threads."""
        pools = [f"{pool['prefix']} {pool['version']}: {pool['num_threads']}" for pool in self.limits]
        return {"workloads": list(self.steps), "numpy": np.__version__, "thread_pools": pools}

    def first_steps(self, workload: str, count: int) -> FirstSteps:
        """Build `workload` from its initial state and take `count` steps."""
        step = self._step(workload)
        losses: list[float | None] = []
        start = time.perf_counter()
        marks: list[float] = []
        for i in range(count):
            loss = step.run()
            if i < 2:
                marks.append(time.perf_counter() - start)
            losses.append(None if loss is None else float(np.asarray(loss, dtype=np.float64).reshape(())))
        return FirstSteps(losses, [np.array(a) for a in step.state()], marks[0], marks[-1])

    def sample(self, workload: str, count: int, repeat: int) -> list[float]:
        """`count` samples of the seconds per step; each sample is the mean of `repeat` steps in a row."""
        run, clock, steps = self._step(workload).run, time.perf_counter, range(repeat)
        samples = []
        for _ in range(count):
            start = clock()
            for _ in steps:
                run()
            samples.append((clock() - start) / repeat)
        return samples

    def peak_memory(self, workload: str, count: int) -> tuple[int, int]:
        """Peak resident memory in bytes now, and after building `workload` and taking `count` steps."""
        before = memory.peak()
        step = self._step(workload)
        for _ in range(2):  # a compiled step is written in the first call and compared in the second
            step.run()
        memory.forget_peak()
        for _ in range(count):
            step.run()
        return before, memory.peak()

    def forget(self, workload: str) -> None:
        """Drop what was built for `workload`."""
        self.built.pop(workload, None)

    def _step(self, workload: str) -> Step:
        if workload not in self.built:
            self.built[workload] = self.steps[workload]()
        return self.built[workload]


def _one_thread_each() -> list[dict[str, Any]]:
    """Hold every BLAS and OpenMP pool of this process to one thread, if threadpoolctl is here; the pools."""
    try:
        import threadpoolctl
    except ImportError:  # then the environment variables alone have to do
        return []
    threadpoolctl.threadpool_limits(1)
    return list(threadpoolctl.threadpool_info())


def main(peer: str, *folder: str) -> None:
    """Serve requests until the other end closes; import the packages from `folder`, if it is given."""
    sys.path[:0] = folder
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the replies
    host: Host | None = None
    request: tuple[str, dict[str, Any]] = ("about", {})
    while True:
        try:
            host = host or Host(peer)
            method, arguments = request
            reply = (True, getattr(host, method)(**arguments))
        except Exception as error:  # an error of a peer becomes a line of the table and does not end the run
            reply = (False, f"{type(error).__name__}: {error}".strip().splitlines()[0][:200])
        pickle.dump(reply, replies)
        replies.flush()
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
