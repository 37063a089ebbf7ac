"""Worker processes: each page computes in a process of its own, which can be stopped without harm to the others."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
from multiprocessing.connection import Connection
from typing import Any

from demos.explorer import limits
from demos.limiting import limit_memory

FORKS = "forkserver" in multiprocessing.get_all_start_methods()
CONTEXT: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")


class WorkerError(Exception):
    """What a page is told when its worker was stopped."""


def prepare() -> None:
    """Start the process that the workers are forked from, with the engine loaded, where the system can do that."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # a page computes on one core, so that several share a machine
    if FORKS:
        from multiprocessing import forkserver

        CONTEXT.set_forkserver_preload(["demos.explorer.answering"])
        forkserver.ensure_running()


def _serve(connection: Connection) -> None:
    """Answer one request after the other, until the other end is closed."""
    from demos.explorer.answering import answer

    limit_memory(limits.MEMORY)
    session: dict[str, Any] = {}
    with contextlib.suppress(EOFError, KeyboardInterrupt, OSError):
        while True:
            connection.send_bytes(answer(connection.recv_bytes().decode(errors="replace"), session).encode())


class Worker:
    """A process that answers the requests of one page."""

    def __init__(self) -> None:
        self._process: Any = None
        self._connection: Any = None

    def _start(self) -> None:
        if self._process is None:
            self._connection, theirs = CONTEXT.Pipe()
            self._process = CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()

    def stop(self) -> None:
        """Stop the process, whatever it is doing; what it kept is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = self._connection = None

    async def ask(self, text: str, seconds: float = limits.SECONDS) -> str:
        """The answer to a request; a process that takes too long or dies is stopped, and `WorkerError` says so."""
        try:
            return await asyncio.to_thread(self._asked, text, seconds)
        except asyncio.CancelledError:
            self.stop()
            raise

    def _asked(self, text: str, seconds: float) -> str:
        self._start()
        try:
            self._connection.send_bytes(text.encode(errors="replace"))
            if self._connection.poll(seconds):
                return str(self._connection.recv_bytes().decode())
        except (EOFError, OSError):
            self.stop()
            raise WorkerError("the computation ended without an answer; it may have needed too much memory") from None
        self.stop()
        raise WorkerError(f"this took longer than {seconds:g} seconds and was stopped; try something smaller")
