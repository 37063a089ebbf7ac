"""What comes to the explorer from outside is answered with a short error, and harms nobody: 500 inputs and more."""

import http.client
import json
import random
import string
import time
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

import autodiff as ad
from demos.explorer import limits, rooms
from demos.explorer.answering import answer
from demos.explorer.expressions import FUNCTIONS, Expression, ExpressionError
from demos.explorer.workers import Worker, WorkerError
from tests.browser import serving

GROWN = [
    *("x" * n for n in (2, 30, 401, 10_000, 1_000_000)),
    *(c * 1_000_000 for c in "(-+x1[ "),
    *("(" * n + "x" + ")" * n for n in (200, 5000)),
    *("-" * n + "x" for n in (120, 399, 5000)),
    *("sin(" * n + "x" + ")" * n for n in (99, 5000)),
    *("**".join("9" * n) for n in (150, 5000)),
    *("x**" * n + "x" for n in (101, 5000)),
    "9" * 41,
    "9" * 5000,
    "1" + "0" * 399,
    "1 if x > 0 else " * 20 + "0" * 500,
]
HELD = [  # allowed, however odd
    *("9^9^9^9^9", "9**9**9*x", "1/0", "0/0*x", "0^-1", "(-8)^(1/3)", "1e308*10*x", "exp(exp(exp(exp(x))))", "x/0"),
    *("log(-1)", "sqrt(-x^2)", "tan(pi/2)", "x^x^x^x", "2x", "3(x+1)(x-1)", "x²+2x³", "π x^2"[:1], "+".join("x" * 99)),
    *(
        "sin(" * 79 + "x" + ")" * 79,
        "(" * 40 + "x" + ")" * 40,
        "1 if x > 0 else -1",
        "where(x > 0, log(x), 0)",
        "x - −1",
    ),
]


def refused():
    """The texts of the file, a line each, in which invisible characters are escaped, and long ones."""
    lines = (Path(__file__).parent / "reference" / "hostile_expressions.txt").read_text(encoding="utf-8").splitlines()
    return [json.loads(f'"{line}"') if "\\u" in line else line for line in lines] + GROWN


def test_the_hostile_texts_are_refused_at_a_column():
    texts = refused()
    assert len(texts) > 250
    for text in texts:
        with pytest.raises(ExpressionError) as caught:
            Expression(text, ("x",))
        assert 0 <= caught.value.column <= max(len(text), 400), text
        assert 5 < len(caught.value.message) < 160, text


def test_odd_texts_that_are_allowed_give_numbers_and_gradients():
    for text in HELD:
        f = Expression(text, ("x",))
        with np.errstate(all="ignore"):
            assert np.shape(f(np.ones(3))) == (3,), text
            assert np.ndim(ad.derivative(f)(0.5)) == 0, text
            namespace = {"np": np, "ad": ad, "x": np.float64(0.5)}
            np.testing.assert_array_equal(eval(f.python, namespace), f(0.5), err_msg=text)


def test_drawn_texts_never_do_anything_else_than_these_two():
    draw = random.Random(0)
    parts = [*FUNCTIONS, *"xye(),+-*/^<1 ", "pi", "if", "else", "and", "not", "**", ">=", "2.5", *string.punctuation]
    good = 0
    for _ in range(8000):
        text = "".join(draw.choice(parts) for _ in range(draw.randint(1, 8)))
        try:
            f = Expression(text, ("x", "y"))
        except ExpressionError:
            continue
        good += 1
        with np.errstate(all="ignore"):
            assert np.isreal(f(0.3, 0.7)), text
    assert good > 50


BAD_REQUESTS = [
    *("", "x", "null", "[]", "1", '"text"', "{", "{}", '{"room": 1}', "\x00", "NaN", "[" * 100_000, '{"a":' * 100_000),
    *(json.dumps(value) for value in (None, True, 1.5, [], [[]], {"room": "curve"}, {"room": "curve", "ask": "view"})),
]
ODD = [
    None,
    True,
    [],
    {},
    "text",
    "",
    -1,
    1e9,
    float("nan"),
    10**400,
    10**4200,
    "9" * 10_000,
    [[1]],
    {"a": 1},
    1.5,
    "\x00",
    "1;2",
    1e-300,
]


def bad_states():
    """For every entry of every room odd values; and unknown rooms, questions and entries."""
    for name, room in rooms.ROOMS.items():
        for entry in room.STATE:
            for value in ODD:
                yield {"room": name, "ask": "view", "state": {entry: value}}
        yield {"room": name, "ask": "view", "state": []}
        yield {"room": name, "ask": "view", "state": {"__class__": 1}}
        yield {"room": name, "ask": "__init__", "state": {}}
        yield {"room": name, "ask": ["view"], "state": {}}
    yield {"room": "cellar", "ask": "view", "state": {}}
    yield {"room": "curve", "ask": "view", "state": {}, "more": 1}


def test_malformed_messages_and_states_are_answered_with_a_short_error():
    session, count = {}, 0
    for text in [*BAD_REQUESTS, *map(json.dumps, bad_states())]:
        found = json.loads(answer(text, session))
        if "error" in found:
            count += 1
            assert set(found["error"]) == {"entry", "message", "column"}
            assert 5 < len(found["error"]["message"]) < 400, text[:200]
            assert "explorer failed" not in found["error"]["message"], text[:200]
    assert count > 500


@pytest.fixture(scope="module")
def address():
    with serving() as address:
        yield address.removeprefix("http://").rstrip("/")


def get(address, path="/", **headers):
    with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


def test_other_hosts_and_origins_are_refused(address):
    port = address.split(":")[1]
    assert get(address, Host="127.0.0.1")[0] == 200  # as a browser names a server on port 80
    assert get(address)[0] == 200 and get(address, "/rooms.json", Origin=f"http://{address}")[0] == 200
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "127.0.0.1.evil.example",
        f"localhost.evil.example:{port}",
        "",
        "[::1]",
    ):
        assert get(address, "/rooms.json", Host=host)[0] in (400, 403), host
    for origin in ("http://evil.example", f"https://{address}", "null", "http://127.0.0.1", f"http://localhost:{port}"):
        assert get(address, "/rooms.json", Origin=origin)[0] == 403, origin
    for path in (
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/server.py",
        "/rooms/../../server.py",
        "/nothing",
        "//etc/passwd",
    ):
        assert get(address, path)[0] in (400, 404), path


def connected(address, **options):
    client = pytest.importorskip("websockets.sync.client", reason="websockets is not installed: pip install websockets")
    return client.connect(f"ws://{address}/engine", max_size=None, proxy=None, **options)


CURVE = json.dumps({"room": "curve", "ask": "view", "state": {"x": 2.0}})


def test_a_socket_of_another_origin_is_refused(address):
    exceptions = pytest.importorskip("websockets.exceptions")
    for origin in ("http://evil.example", "null", f"https://{address}"):
        with pytest.raises(exceptions.InvalidStatus), connected(address, origin=origin):
            pass
    with connected(address, origin=f"http://{address}") as socket:
        socket.send(CURVE)
        assert json.loads(socket.recv())["numbers"]["value"] == 2 * np.sin(2.0)


def test_two_hundred_sockets_and_messages_that_are_too_large(address):
    exceptions = pytest.importorskip("websockets.exceptions")
    with ExitStack() as stack:
        sockets = [stack.enter_context(connected(address)) for _ in range(200)]
        told = [json.loads(socket.recv(timeout=10))["error"]["message"] for socket in sockets[limits.SOCKETS :]]
        assert len(told) == 200 - limits.SOCKETS and all("close one and reload" in message for message in told)
        first = sockets[0]
        first.send("x" * (limits.MESSAGE // 2 + 1))
        assert "at most" in json.loads(first.recv())["error"]["message"]
        first.send(b"\xff\xfe")
        assert "not JSON" in json.loads(first.recv())["error"]["message"]
        first.send(CURVE)
        assert "numbers" in json.loads(first.recv())
        first.send("x" * (limits.MESSAGE + 1))
        with pytest.raises(exceptions.ConnectionClosed):
            first.recv()
    deadline = time.monotonic() + 10  # the server notices within moments that the pages are closed
    while True:
        with connected(address) as socket:
            socket.send(CURVE)
            found = json.loads(socket.recv())
        if "numbers" in found or time.monotonic() > deadline:
            break
    assert found["numbers"]["value"] == 2 * np.sin(2.0)


def _hang(text, session):
    while True:
        pass


def _fill(text, session):
    return "x" * (4 * limits.MEMORY)


@pytest.mark.parametrize(("work", "told"), [(_hang, "took longer than 0.5 seconds"), (_fill, "too much memory")])
def test_a_worker_that_hangs_or_grows_is_stopped_and_replaced(work, told, monkeypatch):
    import asyncio
    import multiprocessing
    from concurrent.futures import ThreadPoolExecutor

    from demos.explorer import answering, workers

    monkeypatch.setattr(workers, "CONTEXT", multiprocessing.get_context("fork"))  # a child that has the patch below
    worker = Worker()
    with ThreadPoolExecutor() as apart:  # the browser of other tests has an event loop in this thread
        with monkeypatch.context() as patched:
            patched.setattr(answering, "answer", work)
            with pytest.raises(WorkerError, match=told):
                apart.submit(lambda: asyncio.run(worker.ask(CURVE, 0.5))).result()
        assert "numbers" in json.loads(apart.submit(lambda: asyncio.run(worker.ask(CURVE))).result())
    worker.stop()


def test_the_page_of_the_explorer_lists_every_function():
    text = (Path(__file__).parents[1] / "docs" / "explorer.md").read_text(encoding="utf-8")
    listed = text.partition("these functions: `")[2].partition("`")[0].split()
    assert sorted(listed) == sorted(FUNCTIONS)
