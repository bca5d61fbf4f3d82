"""What strangers send who want to stop it: bombs as files, wrong sign-ins, connections that never end, and leaving."""

from __future__ import annotations

import io
import json
import random
import socket
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import httpx

from bench.running import PATIENCE

_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
#: What may be answered to a file that is not taken, or is.
_EXPECTED = frozenset({200, 400, 403, 404, 408, 409, 411, 413, 414, 415, 417, 422, 429, 431})
_LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in zip("abcdefghi", "bcdefghij", strict=True)
)


def _make_workbook(sheet: str | bytes, sheets: int = 1, part: str = "xl/worksheets/sheet{}.xml") -> bytes:
    """An xlsx file whose every sheet has this content."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        parts = [part.format(n) for n in range(1, sheets + 1)]
        kinds = "".join(f'<Override PartName="/{one}" ContentType="{_CONTENT}.worksheet+xml"/>' for one in parts)
        packed.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_CONTENT}.sheet.main+xml"/>{kinds}</Types>',
        )
        head = f'<Relationships xmlns="{_PACKAGE}/relationships">'
        packed.writestr(
            "_rels/.rels",
            f'{head}<Relationship Id="r1" Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>",
        )
        names = "".join(f'<sheet name="s{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, sheets + 1))
        packed.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_SHEET}" xmlns:r="{_RELATIONS}"><sheets>{names}</sheets></workbook>',
        )
        targets = "".join(
            f'<Relationship Id="r{n}" Type="{_RELATIONS}/worksheet" Target="{one.removeprefix("xl/")}"/>'
            for n, one in enumerate(parts, 1)
        )
        packed.writestr("xl/_rels/workbook.xml.rels", f"{head}{targets}</Relationships>")
        for one in parts:
            packed.writestr(one, sheet)
    return held.getvalue()


def _make_rows(*cells: str) -> str:
    return f'<worksheet xmlns="{_SHEET}"><sheetData>{"".join(cells)}</sheetData></worksheet>'


def _make_text_cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


@cache
def make_files() -> dict[str, tuple[str, bytes]]:
    """Files by what is wrong with them: (name, content)."""
    heading = f'<row r="1">{_make_text_cell("A1", "name")}</row>'
    far = f'<row r="999999999">{_make_text_cell("A999999999", "x")}</row>'
    huge = f'<row r="2">{_make_text_cell("A2", "9" * 100_000_000)}</row>'
    laughing = f'{_LAUGHS}]>{_make_rows(heading, f"""<row r="2">{_make_text_cell("A2", "&j;")}</row>""")}'
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("inner.xlsx", _make_workbook(_make_rows(heading)))
        packed.writestr("bomb.bin", bytes(200_000_000))
    return {
        "nine-digit row": ("list.xlsx", _make_workbook(_make_rows(heading, far))),
        "100 MB in a cell": ("list.xlsx", _make_workbook(_make_rows(heading, huge))),
        "billion laughs": ("list.xlsx", _make_workbook(laughing)),
        "a sheet that is no .xml": (
            "list.xlsx",
            _make_workbook(_make_rows(heading, far), part="xl/worksheets/sheet{}.bin"),
        ),
        "10,000 sheets": ("list.xlsx", _make_workbook(_make_rows(heading), sheets=10_000)),
        "nested zip": ("list.xlsx", nested.getvalue()),
        "20 MB csv field": ("list.csv", b'name,address\n"' + b"x" * 20_000_000 + b'",y\n'),
        "no file at all": ("list.xlsx", bytes(range(256)) * 400),
    }


class Stranger:
    """Many addresses, one mind: each deed by chance, counted by what came of it."""

    def __init__(self, port: int, chance: random.Random, is_declared: Callable[[float, float], bool]) -> None:
        self._port, self._chance, self._is_declared = port, chance, is_declared
        self._address = f"http://127.0.0.1:{port}"
        self.counts: Counter[str] = Counter()
        self.undeclared: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def _draw_address(self, where: int) -> str:
        return f"127.{where}.{self._chance.randrange(1, 250)}.{self._chance.randrange(1, 250)}"

    def _open_client(self, where: int = 66) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=self._draw_address(where))
        return httpx.Client(base_url=self._address, timeout=PATIENCE, transport=transport)

    def _note_answer(self, what: str, outcome: str) -> None:
        with self._lock:
            self.counts[f"{what}: {outcome}"] += 1

    def _send_file(self, what: str, ask: Callable[[], httpx.Response]) -> None:
        """Count what came of a request; a crash, or 5xx that is no documented problem, is kept."""
        begun = time.monotonic()
        try:
            answer = ask()
        except httpx.HTTPError as error:
            cut = "cut off" if isinstance(error, httpx.WriteError) else type(error).__name__
            self._note_answer(what, cut)
            if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, httpx.ReadTimeout)) and not (
                self._is_declared(begun, time.monotonic())
            ):
                self._keep_connection(what, f"{type(error).__name__}: {error}", begun)
            return
        self._note_answer(what, str(answer.status_code))
        if answer.status_code not in _EXPECTED:
            later = answer.headers.get("retry-after")
            if not (answer.status_code == 503 and later):
                self._keep_connection(what, f"{answer.status_code} {answer.text[:500]}", begun)

    def _keep_connection(self, what: str, outcome: str, begun: float) -> None:
        with self._lock:
            data = {"what": what, "outcome": outcome, "seconds": time.monotonic() - begun}
            self.undeclared.append(data)

    # --- deeds -------------------------------------------------------------------------------------------------------

    def upload_file(self) -> None:
        """A hostile file to a door that takes files."""
        kind = self._chance.choice(list(make_files()))
        name, body = make_files()[kind]
        with self._open_client() as client:
            if name.endswith(".csv") and self._chance.random() < 0.5:
                self._send_file(
                    f"batch, {kind}",
                    lambda: client.post("/api/v1/verify/batch", content=body, headers={"content-type": "text/csv"}),
                )
            else:
                wanted = self._chance.choice(("page", "csv", "xlsx"))
                sent = {"file": (name, body)}
                self._send_file(
                    f"check/list, {kind}", lambda: client.post("/check/list", files=sent, data={"as": wanted})
                )

    def send_malformed(self) -> None:
        """A body that no parser should love, to the doors of programs."""
        kind, path, body, form = self._chance.choice(_BODIES)
        with self._open_client() as client:
            self._send_file(kind, lambda: client.post(path, content=body(), headers={"content-type": form}))

    def guess_password(self, name: str) -> None:
        """Wrong passwords for somebody's account, some of them at once."""

        def one() -> None:
            with self._open_client(67) as client:
                self._send_file("wrong sign-in", lambda: self._sign_in(client, name))

        threads = [threading.Thread(target=one) for _ in range(self._chance.randrange(2, 9))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @staticmethod
    def _sign_in(client: httpx.Client, name: str) -> httpx.Response:
        page = client.get("/staff/sign-in").text
        token = page.partition('name="form_token"')[2].partition('value="')[2].partition('"')[0]
        return client.post(
            "/staff/sign-in", data={"form_token": token, "name": name, "password": "not this one at all"}
        )

    def send_slowly(self, over: threading.Event, seconds: float = 20.0) -> None:
        """Connections that send a byte now and then and never finish; how many the server cut."""
        sockets = []
        source = self._draw_address(68)
        for _ in range(self._chance.randrange(10, 40)):
            with suppress(OSError):
                made = socket.create_connection(("127.0.0.1", self._port), 5, source_address=(source, 0))
                made.sendall(b"GET /search?q=x HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                sockets.append(made)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not over.wait(1.0):
            for made in list(sockets):
                try:
                    made.sendall(b"a")
                except OSError:
                    sockets.remove(made)
                    self._note_answer("slow sender", "cut off by the server")
        for made in sockets:
            made.close()
            self._note_answer("slow sender", "gave up by itself")

    def leave_early(self) -> None:
        """Ask for something long and go away before it is there."""
        path = self._chance.choice(
            ("/api/v1/snapshot", "/api/v1/institutions?limit=500", "/search?q=a", "/i/XXXX-XXXX")
        )
        with suppress(OSError):
            made = socket.create_connection(("127.0.0.1", self._port), 5, source_address=(self._draw_address(69), 0))
            made.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
            time.sleep(self._chance.random() * 0.2)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            made.close()
            self._note_answer("left before the answer", "-")


_BODIES: tuple[tuple[str, str, Callable[[], bytes], str], ...] = (
    ("verify, 100,000 brackets", "/api/v1/verify", lambda: b"[" * 100_000, "application/json"),
    ("batch, 100,000 brackets", "/api/v1/verify/batch", lambda: b'{"claims":' + b"[" * 100_000, "application/json"),
    (
        "batch, a line of 20 MB",
        "/api/v1/verify/batch",
        lambda: b'{"provider":{"name":"' + b"x" * 20_000_000 + b'"}}\n',
        "application/x-ndjson",
    ),
    ("batch, billion laughs", "/api/v1/verify/batch", (_LAUGHS + "]><x>&j;</x>").encode, "text/csv"),
    (
        "verify, 300 techniques",
        "/api/v1/verify",
        lambda: json.dumps({"provider": {"name": "x"}, "techniques": ["IVF"] * 300}).encode(),
        "application/json",
    ),
    ("reconcile, nonsense", "/reconcile", lambda: b"queries=" + b"%7B" * 50_000, "application/x-www-form-urlencoded"),
)
