"""Peak resident memory of this process."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def forget_peak() -> None:
    """Reset the peak to the memory that is resident now, if the system can do that."""
    clear = _STATUS.with_name("clear_refs")
    if clear.exists():
        clear.write_text("5")


def peak() -> int:
    """Peak resident memory of this process in bytes.

    Linux's own figure is preferred, since `getrusage` there includes the peak of the parent process.

    Raises
    ------
    NotImplementedError
        On a platform with neither figure (Windows).
    """
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        raise NotImplementedError("peak memory is not known on this platform") from None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
