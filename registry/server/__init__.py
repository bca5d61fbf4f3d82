"""The HTTP server: a supervisor that binds the address, and workers that run uvicorn.

Even a single worker is a process of its own, so that it can be replaced while another one answers.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import InvalidInput
from registry.log.remote_log import is_local
from registry.operations import descriptors
from registry.server.supervisor import Supervisor
from registry.settings import Settings, get_variable_name
from registry.texts import Message, write_bilingual
from registry.web.connections import MAX_REFUSED

#: Connections that may wait to be accepted.
_BACKLOG = 2048
_ALL_ADDRESSES = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


@contextmanager
def bind_address(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket bound to the address, on which nobody is let in yet; InvalidInput when it cannot be bound.

    Without REGISTRY_PUBLIC_URL the address is the public one from here on, in this process and its workers: QR codes,
    documents and the name of a new log lead to this port and to no other. Any host name is answered then.
    """
    with _open_listener(host, port) as listener:
        if not os.environ.get(get_variable_name("public_url")):
            address = os.environ[get_variable_name("public_url")] = _make_address(host, listener)
            os.environ[get_variable_name("hosts")] = os.environ.get(get_variable_name("hosts")) or "*"
            if host in _ALL_ADDRESSES or not is_local(address):
                _print_note(
                    Message(
                        "没有设置 REGISTRY_PUBLIC_URL：二维码和文件写的是 {address}，别人的手机打不开。",
                        address=address,
                    )
                )
        yield listener


def run_server(listener: socket.socket, host: str, workers: int, settings: Settings) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT; SIGHUP replaces the workers one after the other.

    InvalidInput when too few files may be open; CannotAnswer when no worker can start.
    """
    _raise_descriptor_limit(settings.max_connections)
    try:
        listener.listen(_BACKLOG)
    except OSError as error:  # another one that was bound at the same time was faster
        raise _make_busy_error(host, listener.getsockname()[1], error) from error
    # The one line of output, once the first worker answers.
    line = f"{write_bilingual('人类辅助生殖技术机构名录')}: {_make_address(host, listener)}"
    Supervisor(listener, workers, lambda: print(line, flush=True)).run()


def _print_note(message: Message) -> None:
    print(message.to_bilingual(), file=sys.stderr, flush=True)


def _raise_descriptor_limit(connections: int) -> None:
    possible = descriptors.raise_limit(connections, MAX_REFUSED)
    if possible == connections:
        return
    limit, needed = descriptors.read_limit(), descriptors.count_needed(connections, MAX_REFUSED)
    _print_note(
        Message(
            "只能打开 {limit} 个文件描述符：每个进程最多 {possible} 个连接，而不是 {connections} 个；需要 "
            "{needed} 个。",
            limit=limit,
            possible=possible,
            connections=connections,
            needed=needed,
        )
    )


def _open_listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _make_busy_error(host, port, error) from error
    return listener


def _make_busy_error(host: str, port: int, error: OSError) -> InvalidInput:
    return InvalidInput(
        Message(
            "无法监听 {host}:{port}（{strerror}）。换一个端口：registry serve --port 8001",
            host=host,
            port=port,
            strerror=error.strerror,
        )
    )


def _make_address(host: str, listener: socket.socket) -> str:
    return f"http://{_format_host(host)}:{listener.getsockname()[1]}"


def _format_host(host: str) -> str:
    if host in _ALL_ADDRESSES:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
