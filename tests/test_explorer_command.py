"""``python -m demos explorer``: its address, its options, and what it says where it cannot start."""

import builtins
import socket

import pytest

from demos import explorer
from tests.browser import serving


def test_it_prints_its_address_and_answers_there():
    import http.client

    with serving() as address:
        host = address.removeprefix("http://").rstrip("/")
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("GET", "/")
        response = connection.getresponse()
        text = response.read().decode()
        connection.request("GET", "/plotly.js")
        script = connection.getresponse()
        assert script.headers.get_all("cache-control") == ["max-age=86400"]  # it is large, and need not be read again
        connection.close()
    assert host.startswith("127.0.0.1:") and response.status == 200 and "<title>The explorer" in text
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe-eval" not in policy


def test_a_port_that_is_taken_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit, match=r"is taken; is the explorer running already\? --port 0 takes a free one"):
            explorer.main(["--no-browser", "--port", str(taken.getsockname()[1])])


def test_a_port_that_is_none_is_told(capsys):
    with pytest.raises(SystemExit):
        explorer.main(["--port", "70000"])
    assert "--port is a number from 0 to 65535; 70000 was given" in capsys.readouterr().err


def test_a_package_that_is_missing_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "uvicorn":
            raise ImportError("No module named 'uvicorn'", name="uvicorn")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SystemExit, match=r"the explorer needs uvicorn: python -m pip install -e"):
        explorer.main(["--no-browser"])
