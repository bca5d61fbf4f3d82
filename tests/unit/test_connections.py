"""The deadlines of a connection count from when it began, however long its process was busy before that."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from registry.server.protocol import BETWEEN, FIRST_BYTE, HttpConnection

GET = b"GET / HTTP/1.1\r\nHost: register\r\n\r\n"


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def find_answers(seconds: float, sent: bytes) -> bytes:
    """What somebody reads who sent this, when the server looks so many seconds later."""
    loop, there = asyncio.get_running_loop(), list[HttpConnection]()
    config, state = uvicorn.Config(answer, lifespan="off", log_level="error"), ServerState()
    config.load()

    def accept() -> HttpConnection:
        there.append(HttpConnection(config, state, {}))
        return there[-1]

    async with await loop.create_server(accept, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        received = await reader.readuntil(b"\r\n\r\n") if sent else b""
        while not there:
            await asyncio.sleep(0.001)
        there[0].check_deadlines(loop.time() + seconds)
        writer.write(GET)
        with contextlib.suppress(ConnectionError):
            received += await reader.read(65536)
        writer.close()
    return received


def look_at_connection(seconds: float, sent: bytes) -> bytes:
    with ThreadPoolExecutor(1) as pool:  # a browser of an earlier test keeps a loop running in this thread
        return pool.submit(asyncio.run, find_answers(seconds, sent)).result()


def test_a_connection_is_not_late_at_the_first_look() -> None:
    assert look_at_connection(0, b"").count(b"HTTP/1.1 204") == 1
    assert look_at_connection(0, GET).count(b"HTTP/1.1 204") == 2


def test_a_connection_that_says_nothing_is_closed_when_its_time_is_over() -> None:
    assert look_at_connection(FIRST_BYTE + 1, b"") == b""
    assert look_at_connection(BETWEEN + 1, GET).count(b"HTTP/1.1 204") == 1
