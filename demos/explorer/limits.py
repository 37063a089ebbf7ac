"""What one page may use, in one place."""

SECONDS = 5.0
"""For one answer; a worker that takes longer is stopped, and a new one takes its place."""
MEMORY = 1 << 30
"""Bytes that a worker may use beyond what it has at its start, where the system can hold it to that."""
MESSAGE = 4 << 20
"""Bytes of one message; a table that is loaded travels in one."""
SOCKETS = 12
"""Pages that are open at the same time; each has a worker process."""
