"""Derivatives, graphs, descent and networks in the browser, moved by dragging, until Ctrl+C.

The page has six rooms, and every number in them comes from the engine. What is shown is in the address, so that a link
leads back to it, and the program that reproduces it can be copied. The server listens on 127.0.0.1 alone and asks
nothing of any other machine.
"""

from __future__ import annotations

import argparse
import errno
import socket
import sys
import threading
import webbrowser

PORT = 8765


def main(arguments: list[str]) -> int:
    """Serve the explorer until it is interrupted; returns the port."""
    parser = argparse.ArgumentParser(prog="python -m demos explorer", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"of the address ({PORT}); 0 takes a free one")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    given = parser.parse_args(arguments)
    if not 0 <= given.port <= 65535:
        parser.error(f"--port is a number from 0 to 65535; {given.port} was given")
    try:
        import uvicorn

        from demos.explorer.server import application
    except ImportError as error:
        sys.exit(f'the explorer needs {error.name}: python -m pip install -e ".[explorer]" (or: make explorer)')
    from demos.explorer import limits

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", given.port))
        listening.listen()  # from here on a browser that is quicker than the server waits instead of being refused
    except OSError as error:
        listening.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        sys.exit(f"port {given.port} is taken; is the explorer running already? --port 0 takes a free one")
    port: int = listening.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    print(f"the explorer is at {address} (Ctrl+C ends it)", flush=True)
    if not given.no_browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    config = uvicorn.Config(
        application(),
        log_level="warning",
        ws="websockets-sansio",
        ws_max_size=limits.MESSAGE,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listening])
    return port
