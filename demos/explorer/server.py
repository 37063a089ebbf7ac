"""The server: the page's files, Plotly's script from its package, and one socket for a page's requests.

It listens on this machine alone. A request that names another host (as a page elsewhere could make the browser do, by
pointing its own name here) or comes from a page of another origin is refused.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from demos.explorer import limits, rooms
from demos.explorer.workers import Worker, WorkerError, prepare

PAGE = str(files("demos.explorer") / "page")
PLOTLY = str(files("plotly") / "package_data" / "plotly.min.js")
HEADERS = {
    # Plotly writes its styles into the page, and pictures are saved through blob: and data: addresses.
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


class OwnOrigin:
    """Refuses what is meant for another host or comes from a page of another origin; adds the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is allowed."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = HTTPConnection(scope).headers
        host, origin = headers.get("host", ""), headers.get("origin")
        if host.partition(":")[0] not in ("127.0.0.1", "localhost") or origin not in (None, f"http://{host}"):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse("only pages of this server may ask here", 403)(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                kept = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    kept.setdefault(name, value)  # Plotly's script has a longer life of its own
            await send(message)

        await self.app(scope, receive, with_headers)


def _error(message: str) -> str:
    return json.dumps({"error": {"entry": "", "message": message, "column": None}})


class Sockets:
    """The open pages: each has a worker of its own."""

    def __init__(self) -> None:
        self.open = 0

    async def serve(self, socket: WebSocket) -> None:
        """Answer the requests of one page, one after the other, until it closes."""
        await socket.accept()
        if self.open >= limits.SOCKETS:
            await socket.send_text(_error(f"{limits.SOCKETS} pages are open already; close one and reload this one"))
            await socket.close(1013)
            return
        self.open += 1
        worker = Worker()
        try:
            while True:
                await socket.send_text(await _answer(worker, await _text(socket)))
        except WebSocketDisconnect:
            pass
        finally:
            self.open -= 1
            worker.stop()


async def _text(socket: WebSocket) -> str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text = message.get("text")
    return text if isinstance(text, str) else ""


async def _answer(worker: Worker, text: str) -> str:
    if len(text) > limits.MESSAGE // 2:
        return _error(f"the message has {len(text):,} characters; at most {limits.MESSAGE // 2:,} are allowed")
    try:
        return await worker.ask(text)
    except WorkerError as error:
        return _error(str(error))


async def _plotly(_: Any) -> Response:
    return FileResponse(PLOTLY, media_type="text/javascript", headers={"cache-control": "max-age=86400"})


async def _rooms(_: Any) -> Response:
    return Response(json.dumps(rooms.described()), media_type="application/json")


def application() -> Starlette:
    """The whole server, as an ASGI application."""
    prepare()
    return Starlette(
        routes=[
            Route("/plotly.js", _plotly),
            Route("/rooms.json", _rooms),
            WebSocketRoute("/engine", Sockets().serve),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[Middleware(OwnOrigin)],
    )
