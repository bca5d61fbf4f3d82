"""OpenRefine itself, driven by the commands its own page sends: a table in, matched and extended, a table out."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import PATIENCE, free_port

MISSING = "没有 OpenRefine / no OpenRefine: on Debian 12, apt-get install openrefine"
#: No facet: the engine of every command works on all rows.
EVERYTHING = json.dumps({"facets": [], "mode": "row-based"})


@contextmanager
def openrefine(folder: Path) -> Iterator[Table]:
    """An OpenRefine of its own; skips, and says so, where there is none: not every system's packages have it."""
    program = shutil.which("openrefine")
    if program is None or os.environ.get("REGISTRY_TESTS_WITHOUT_OPENREFINE") == "1":
        pytest.skip(MISSING)
    port = free_port()
    where = ["-p", str(port), "-i", "127.0.0.1", "-d", str(folder)]
    with (folder / "openrefine.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *where, "-m", "512M", "-x", "refine.headless=true"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
            start_new_session=True,  # a shell script that starts Java: both are ended together
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            _until_ready(client, process, folder / "openrefine.log")
            yield Table(client)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            if client.get("/command/core/get-version").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.3)
    pytest.fail(f"OpenRefine did not start:\n{log.read_text('utf-8', errors='replace')[-2000:]}")


class Table:
    """One project of an OpenRefine."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._project = ""

    def _command(self, name: str, **fields: str) -> httpx.Response:
        token = self._client.get("/command/core/get-csrf-token").json()["token"]
        answer = self._client.post(
            f"/command/core/{name}",
            params={"project": self._project},
            data={"engine": EVERYTHING, "csrf_token": token, **fields},
        )
        assert answer.status_code == 200, answer.text[:500]
        return answer

    def _done(self, answer: httpx.Response, seconds: float = 2 * PATIENCE) -> None:
        """Wait until what a command began is finished."""
        told = answer.json()
        assert told["code"] in ("ok", "pending"), told
        until = time.monotonic() + seconds
        while self._client.get("/command/core/get-processes", params={"project": self._project}).json()["processes"]:
            assert time.monotonic() < until, "OpenRefine did not finish"
            time.sleep(0.2)

    def read(self, rows: list[dict[str, str]]) -> None:
        """Make the project of a table."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        token = self._client.get("/command/core/get-csrf-token").json()["token"]
        answer = self._client.post(
            "/command/core/create-project-from-upload",
            params={"csrf_token": token, "format": "text/line-based/*sv", "options": json.dumps({"separator": ","})},
            files={"project-file": ("table.csv", text.getvalue().encode(), "text/csv")},
            data={"project-name": "table"},
        )
        assert answer.status_code == 302, answer.text[:500]
        self._project = answer.headers["location"].rsplit("project=", 1)[1]

    def reconcile(self, column: str, service: dict[str, Any], address: str, details: dict[str, str]) -> None:
        """Match a column with a service whose manifest is given; ``details`` are other columns with their property."""
        config = {
            "mode": "standard-service",
            "service": address,
            "identifierSpace": service["identifierSpace"],
            "schemaSpace": service["schemaSpace"],
            "type": service["defaultTypes"][0],
            "autoMatch": True,
            "columnDetails": [
                {"column": name, "propertyName": pid, "propertyID": pid} for name, pid in details.items()
            ],
            "limit": 0,
        }
        self._done(self._command("reconcile", columnName=column, config=json.dumps(config)))

    def extend(self, column: str, service: dict[str, Any], address: str, properties: list[dict[str, Any]]) -> None:
        """Fetch columns of what was matched."""
        self._done(
            self._command(
                "extend-data",
                baseColumnName=column,
                endpoint=address,
                identifierSpace=service["identifierSpace"],
                schemaSpace=service["schemaSpace"],
                columnInsertIndex="2",
                extension=json.dumps({"properties": properties}),
            )
        )

    def judgments(self, column: str) -> list[dict[str, Any]]:
        """How OpenRefine judged each row of a column: `j` is matched or none, `m` the match, `c` the candidates."""
        answer = self._command("get-rows", start="0", limit="1000").json()
        models = self._client.get("/command/core/get-models", params={"project": self._project}).json()
        index = next(c["cellIndex"] for c in models["columnModel"]["columns"] if c["name"] == column)
        recons = answer["pool"]["recons"]
        return [recons[str(row["cells"][index]["r"])] for row in answer["rows"]]

    def rows(self) -> list[dict[str, str]]:
        """The table as it is now."""
        answer = self._command("export-rows/table.csv", format="csv")
        return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
