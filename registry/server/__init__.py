"""The HTTP server: a supervisor that binds the address, and workers that run uvicorn.

Even a single worker is a process of its own, so that it can be replaced while another one answers.
"""

from __future__ import annotations

import socket
import sys

from registry.errors import InvalidInput
from registry.operations import descriptors
from registry.server.supervisor import Supervisor
from registry.settings import Settings
from registry.texts import Message, write_bilingual
from registry.web.connections import MAX_REFUSED

#: Connections that may wait to be accepted.
_BACKLOG = 2048


def run_server(host: str, port: int, workers: int, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers one after the other.

    InvalidInput when the address cannot be bound or too few files may be open; CannotAnswer when no worker can start.
    """
    _raise_descriptor_limit(settings.max_connections)
    with _open_listener(host, port) as listener:
        address = f"http://{_format_host(host)}:{listener.getsockname()[1]}"
        # The one line of output, once the first worker answers.
        line = f"{write_bilingual('人类辅助生殖技术机构名录')}: {address}"
        Supervisor(listener, workers, lambda: print(line, flush=True)).run()


def _raise_descriptor_limit(connections: int) -> None:
    possible = descriptors.raise_limit(connections, MAX_REFUSED)
    if possible == connections:
        return
    limit, needed = descriptors.read_limit(), descriptors.count_needed(connections, MAX_REFUSED)
    print(
        write_bilingual(
            "只能打开 {limit} 个文件描述符：每个进程最多 {possible} 个连接，而不是 {connections} 个；需要 "
            "{needed} 个。",
            limit=limit,
            possible=possible,
            connections=connections,
            needed=needed,
        ),
        file=sys.stderr,
        flush=True,
    )


def _open_listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InvalidInput(
            Message(
                "无法监听 {host}:{port}（{strerror}）。换一个端口：registry serve --port 8001",
                host=host,
                port=port,
                strerror=error.strerror,
            )
        ) from error
    listener.listen(_BACKLOG)
    return listener


def _format_host(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
