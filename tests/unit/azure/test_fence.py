from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from difyaction.azure.fence import container_id, place, put_up, stop

CONTAINER = "0123456789ab"


@contextmanager
def engine(folder: Path, status: str) -> Iterator[tuple[Path, list[str]]]:
    """A socket that answers one request as the engine would."""
    path, asked = folder / "engine.sock", list[str]()
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            asked.append(connection.recv(4000).decode().splitlines()[0])
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield path, asked
    finally:
        thread.join(5)
        server.close()


def test_the_fence_stands_where_both_containers_see_it(tmp_path: Path) -> None:
    shared, home = tmp_path / "shared", tmp_path / "home"
    home.mkdir()
    assert place({"HOME": str(home)}, "aa", shared) == home / "dify-upgrade-fence-aa"
    shared.mkdir()
    fence = place({"HOME": str(home)}, "aa", shared)
    assert fence == shared / "dify-upgrade-fence-aa"
    assert not fence.exists()
    put_up(fence)
    assert fence.exists()


def test_the_container_is_known_by_its_host_name() -> None:
    assert container_id({"HOSTNAME": CONTAINER}) == CONTAINER
    assert container_id({"HOSTNAME": "build-agent-7"}) == ""


@pytest.mark.parametrize(("status", "problem"), [("204 No Content", ""), ("404 Not Found", ""), ("500 x", "HTTP 500 ")])
def test_a_container_that_still_runs_is_stopped(tmp_path: Path, status: str, problem: str) -> None:
    with engine(tmp_path, status) as (path, asked):
        assert stop(CONTAINER, path) == problem
    assert asked == [f"POST /containers/{CONTAINER}/stop?t=2 HTTP/1.1"]


def test_without_an_engine_nothing_is_stopped(tmp_path: Path) -> None:
    assert stop(CONTAINER, tmp_path / "none") == ""
    assert stop("", tmp_path) == ""
