"""The generator: HTTP/1.1 over kept connections, as fast as answers come or at a rate that does not wait for them.

Run as a process: ``python -m bench.soak.client PORT QUESTIONS SPOOL SEED``. It reads orders from standard input, a JSON
object a line, ``{"seconds": 3, "connections": 8}`` (as fast as answers come) or ``{"seconds": 60, "rate": 400}``, and
answers each with a line of figures. Samples and failures go into the spool, a JSON object a line.

Times are of the monotonic clock, which all processes of a machine share. A request that found its kept connection
closed before a byte came back is sent once more on a fresh one, as every HTTP client does (RFC 9112, 9.3.1).
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import sys
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any, cast

import httptools
import uvloop

from bench.running import PATIENCE

#: Requests on one connection before another is opened: every worker is request, also those that are new.
REQUESTS = 40
#: Seconds between two lines that say how far it is.
SAYS_EVERY = 10.0
#: Connections at most: what is due beyond them waits, and its waiting counts.
CONNECTIONS = 96
#: Answers a second whose content goes into the spool.
SAMPLES = 60.0
#: Content of an unexpected answer that is kept.
KEPT = 2_000
#: Addresses that the readers come from: as many people as there are, each below any limit for one of them.
READERS = tuple(f"127.{b}.{c}.{d}" for b in (10, 11) for c in range(1, 11) for d in range(1, 11))


class Question:
    """One request as bytes, the door it goes to, and what is request, for whoever checks the answer."""

    def __init__(self, line: str) -> None:
        data = json.loads(line)
        self.door: str = data["door"]
        self.details: dict[str, Any] = data["question"]
        self.request = base64.b64decode(data["request"])


class Questions:
    """The questions of a file, drawn by door and weight; read anew when the file has changed."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self._path, self._chance, self._read = path, chance, 0.0
        self._by_door: dict[str, list[Question]] = {}
        self._doors: list[str] = []
        self._weights: list[float] = []
        self.read_again()

    def read_again(self) -> None:
        """Read the file where it has changed."""
        changed = self._path.stat().st_mtime
        if changed == self._read:
            return
        head, *lines = self._path.read_text("utf-8").splitlines()
        weights: dict[str, float] = json.loads(head)
        found: dict[str, list[Question]] = {}
        for question in map(Question, lines):
            found.setdefault(question.door, []).append(question)
        self._by_door, self._read = found, changed
        self._doors = [door for door in weights if door in found]
        self._weights = [weights[door] for door in self._doors]

    def draw_question(self) -> Question:
        """The next question."""
        door = self._chance.choices(self._doors, self._weights)[0]
        return self._chance.choice(self._by_door[door])


class Request:
    """One question on its way: when it was due, when it was sent, and how often."""

    __slots__ = ("due", "question", "retried", "sent", "wall")

    def __init__(self, question: Question, due: float) -> None:
        self.question, self.due = question, due
        self.sent = self.wall = 0.0
        self.retried = False


class Tally:
    """What was answered, how, and how long it took, by door."""

    def __init__(self, spool: Path, samples: float, chance: random.Random) -> None:
        self._spool = spool.open("a", encoding="utf-8", buffering=1)
        self._chance, self._samples = chance, samples
        self.share = 0.0
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.statuses: Counter[str] = Counter()
        self.times: dict[str, list[float]] = {}
        self.retried = self.sampled = self.done = 0

    def add_expected(self, rate: float) -> None:
        """The share of answers to sample at a rate of requests a second."""
        self.share = min(1.0, self._samples / rate) if rate else 0.0

    def is_wanted(self) -> bool:
        """Whether the next answer is sampled."""
        return self._chance.random() < self.share

    def add_answer(self, request: Request, status: int, headers: dict[str, str], body: bytes, sampled: bool) -> None:
        """Count one answer; into the spool when it was drawn, or is no success."""
        now = time.monotonic()
        door = request.question.door
        self.done += 1
        self.statuses[f"{door} {status}"] += 1
        self.times.setdefault(door, []).append(now - request.due)
        if status == 200 and not sampled:
            return
        self.sampled += 1
        limit = None if status == 200 else KEPT
        data = {
            "door": door,
            "question": request.question.details,
            "status": status,
            "sent": request.sent,
            "ended": now,
            "wall": request.wall,
            "etag": headers.get("etag"),
            "retry_after": headers.get("retry-after"),
            "type": headers.get("content-type", ""),
            "body": body[:limit].decode("utf-8", "replace"),
        }
        self._spool.write(json.dumps(data, ensure_ascii=False) + "\n")

    def add_failure(self, request: Request, why: str) -> None:
        """Count one request that nobody answered; always into the spool."""
        now = time.monotonic()
        self.done += 1
        self.statuses[f"{request.question.door} {why}"] += 1
        data = {"door": request.question.door, "question": request.question.details, "status": 0, "why": why}
        data |= {"sent": request.sent or request.due, "ended": now, "wall": request.wall}
        self._spool.write(json.dumps(data, ensure_ascii=False) + "\n")

    def compute_figures(self) -> dict[str, Any]:
        """By door: how many, and seconds at the median, 95 and 99 percent and at most, from when a request was due."""
        doors = {}
        for door, times in sorted(self.times.items()):
            times.sort()
            at = [times[min(len(times) - 1, int(len(times) * part))] for part in (0.5, 0.95, 0.99)]
            doors[door] = {"answers": len(times), "p50": at[0], "p95": at[1], "p99": at[2], "max": times[-1]}
        data = {"done": self.done, "retried": self.retried, "sampled": self.sampled}
        return {**data, "statuses": dict(self.statuses), "doors": doors}


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.transport: asyncio.Transport | None = None
        self.request: Request | None = None
        self.served = 0
        self.open = False
        self._begin_answer()

    def _begin_answer(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._begun = False
        self._sampled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own is one in all but its base class
        self.open = True

    def send_request(self, request: Request) -> None:
        """Send a request on this idle connection."""
        assert self.transport is not None
        self._begin_answer()
        self._sampled = self.load.tally.is_wanted()
        self.request = request
        request.sent, request.wall = time.monotonic(), time.time()
        self.transport.write(request.question.request)

    def data_received(self, data: bytes) -> None:
        self._begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._lose_request("unreadable")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        request, self.request = self.request, None
        if request is None:
            return
        self.served += 1
        status = self._parser.get_status_code()
        self.load.tally.add_answer(request, status, self._headers, b"".join(self._body), self._sampled)
        if self.served >= REQUESTS or not self._parser.should_keep_alive():
            self.close()
        self.load.add_idle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._lose_request("closed" if exc is None else type(exc).__name__)
        self.load.remove_lost(self)

    def _lose_request(self, why: str) -> None:
        request, self.request = self.request, None
        self.close()
        if request is None:
            return
        if self.served and not self._begun and not request.retried:  # it was closed under us: nobody read the request
            request.retried = True
            self.load.tally.retried += 1
            self.load.send_again(request)
        else:
            self.load.tally.add_failure(request, f"{why}, {'answer begun' if self._begun else 'nothing came'}")

    def close(self) -> None:
        """Be done with it."""
        self.open = False
        if self.transport is not None:
            self.transport.close()


class Load:
    """Requests that are due, and connections to send them on."""

    def __init__(self, port: int, questions: Questions, tally: Tally, chance: random.Random) -> None:
        self.port, self.questions, self.tally, self.chance = port, questions, tally, chance
        self.waiting: deque[Request] = deque()
        self.free: list[Connection] = []
        self.all: set[Connection] = set()
        self.opening = 0
        self.most = CONNECTIONS
        self.endless = False
        self._over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what connections say ------------------------------------------------------------------------------------

    def add_idle(self, connection: Connection) -> None:
        """A connection has its answer."""
        if self.endless:
            self.waiting.append(Request(self.questions.draw_question(), time.monotonic()))
        if connection.open:
            self.free.append(connection)
        self.push_request()

    def remove_lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self.all.discard(connection)
        if connection in self.free:
            self.free.remove(connection)
        self.push_request()

    def send_again(self, request: Request) -> None:
        """Send a request once more, before all others, on a connection that nobody used yet."""
        self._open_connection(request)

    # --- sending -------------------------------------------------------------------------------------------------

    def push_request(self) -> None:
        """Send what is due on connections that are free; open more where there are none."""
        while self.waiting and self.free:
            connection = self.free.pop()
            if connection.open:
                connection.send_request(self.waiting.popleft())
        room = self.most - len(self.all) - self.opening
        for _ in range(min(room, len(self.waiting))):
            self._open_connection(self.waiting.popleft())

    def _open_connection(self, request: Request) -> None:
        self.opening += 1
        task = asyncio.get_running_loop().create_task(self._connect_one(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect_one(self, request: Request) -> None:
        loop = asyncio.get_running_loop()
        request.sent, request.wall = time.monotonic(), time.time()
        try:
            async with asyncio.timeout(PATIENCE):
                source = (self.chance.choice(READERS), 0)
                made = loop.create_connection(lambda: Connection(self), "127.0.0.1", self.port, local_addr=source)
                connection = (await made)[1]
        except (OSError, TimeoutError) as error:
            self.tally.add_failure(request, f"{type(error).__name__}, not connected")
            if self.endless:
                self.waiting.append(Request(self.questions.draw_question(), time.monotonic()))
            return
        finally:
            self.opening -= 1
        if not connection.open:  # it was closed while it was being opened
            self.tally.add_failure(request, "closed, nothing came")
            self.push_request()
            return
        self.all.add(connection)
        connection.send_request(request)

    async def _watch_deadlines(self) -> None:
        """Give up what takes too long; read the questions anew; say how far it is."""
        said = time.monotonic()
        while True:
            await asyncio.sleep(1)
            self.questions.read_again()
            now = time.monotonic()
            if now - said >= SAYS_EVERY:
                said = now
                print(json.dumps({"so_far": self.tally.done, "waiting": len(self.waiting)}), flush=True)
            for connection in list(self.all):
                request = connection.request
                if request is not None and now - request.sent > PATIENCE:
                    connection.request = None
                    self.tally.add_failure(request, f"no answer in {PATIENCE:.0f} s")
                    connection.close()

    async def run_closed_loop(self, seconds: float, connections: int) -> None:
        """So many connections, each with the next request as soon as it has its answer."""
        self.most, self.endless = connections, True
        self.tally.add_expected(0)
        for _ in range(connections):
            self.waiting.append(Request(self.questions.draw_question(), time.monotonic()))
        self.push_request()
        await asyncio.sleep(seconds)
        self.endless = False
        await self._end_connections()

    async def run_open_loop(self, seconds: float, rate: float) -> None:
        """Requests by chance at a mean rate, whether or not the earlier ones were answered."""
        self.most, self.endless = CONNECTIONS, False
        self.tally.add_expected(rate)
        due = time.monotonic()
        until = due + seconds
        while due < until:
            now = time.monotonic()
            while due <= now:
                self.waiting.append(Request(self.questions.draw_question(), due))
                due += self.chance.expovariate(rate)
            self.push_request()
            await asyncio.sleep(max(0.001, min(due, until) - time.monotonic()))
        await self._end_connections()

    async def _end_connections(self) -> None:
        """Send what is due for a while, then only wait: no answer that is on its way may be cut off by our own end."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.waiting:
            await asyncio.sleep(0.05)
        while self.waiting:
            self.tally.add_failure(self.waiting.popleft(), "never sent")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and (self.opening or any(c.request for c in self.all)):
            await asyncio.sleep(0.05)
        for connection in list(self.all):
            connection.close()
        await asyncio.sleep(0.05)


async def _obey_orders(port: int, questions: Path, spool: Path, seed: str) -> None:
    chance = random.Random(f"{seed} load")
    tally = Tally(spool, SAMPLES, random.Random(f"{seed} samples"))
    load = Load(port, Questions(questions, chance), tally, chance)
    watching = asyncio.get_running_loop().create_task(load._watch_deadlines())
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(orders.put_nowait, line)
        loop.call_soon_threadsafe(orders.put_nowait, "")

    threading.Thread(target=read, daemon=True).start()
    while line := await orders.get():
        order = json.loads(line)
        tally.clear()
        begun = time.monotonic()
        if "rate" in order:
            await load.run_open_loop(order["seconds"], order["rate"])
        else:
            await load.run_closed_loop(order["seconds"], order["connections"])
        print(json.dumps({**tally.compute_figures(), "seconds": time.monotonic() - begun}), flush=True)
    watching.cancel()


if __name__ == "__main__":
    uvloop.run(_obey_orders(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]))
