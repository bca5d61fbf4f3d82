"""uvicorn as this product runs it: binds first, says the address once it answers, one process or several."""

from __future__ import annotations

import socket
import sys
import threading
import time
import urllib.error
import urllib.request

import uvicorn
from uvicorn.supervisors import Multiprocess

from registry.errors import InvalidInput

#: Seconds a start may take before the line is given up.
PATIENCE = 120.0


def run(host: str, port: int, workers: int, trusted_proxies: str) -> None:
    """Serve until interrupted; InvalidInput when the address cannot be bound."""
    config = uvicorn.Config(
        "registry.app:served",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=trusted_proxies,
    )
    bound = _bind(host, port)
    address = f"http://{_shown(host)}:{bound.getsockname()[1]}"
    threading.Thread(target=_announce, args=(address,), daemon=True).start()
    if workers == 1:
        uvicorn.Server(config).run(sockets=[bound])
    else:
        Multiprocess(config, sockets=[bound]).run()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise InvalidInput(
            f"无法监听 {host}:{port}（{error.strerror}）。换一个端口：registry serve --port 8001",
            f"Cannot listen on {host}:{port} ({error.strerror}). Try another port: registry serve --port 8001",
        ) from error
    bound.listen(2048)
    bound.set_inheritable(True)
    return bound


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _announce(address: str) -> None:
    """The one line: printed when the first process answers, which is when a person may open it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):  # noqa: S310 - our own address
                break
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    else:
        return
    print(f"人类辅助生殖技术机构名录 / ART Register: {address}", flush=True)
    sys.stdout.flush()
