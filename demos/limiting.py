"""A limit of memory for a process that runs what somebody else wrote: the explorer's workers, the course's answers."""

from __future__ import annotations

import os


def limit_memory(more: int) -> None:
    """Hold this process to so many bytes more than it has; where the system cannot do that, nothing happens."""
    try:
        import resource

        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + more, used + more))
    except (ImportError, OSError, ValueError):  # Windows; no /proc; a limit that is already lower
        return
