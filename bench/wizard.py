"""The import wizard with a long list: seconds and memory of each step, and how the server answers meanwhile."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bench import lists, running
from registry.accounts import sessions
from registry.settings import Settings
from registry.storage.database import Database

AGENT = "bench"


def run(folder: Path, number: int) -> None:
    """A list of ``number`` rows into an empty register, then its next edition over it, until it is proposed."""
    data_dir = folder / "wizard"
    running.add_staff(data_dir)
    first, following = folder / "wizard-1.csv", folder / "wizard-2.csv"
    lists.write_list(first, number)
    lists.write_list(following, number, skip_every=200, rename_every=101)
    print(
        f"{'import wizard':44} {'rows':>8} {'seconds':>8} {'job MiB':>8} {'slowest answer ms':>18} {'server MiB':>11}"
    )
    command = [str(running.REGISTRY), "serve", "--port", "0"]
    with running.run_server(command, running.make_environment(data_dir)) as server:
        _import_list(server, data_dir, first, "2026-01-01", number, "an empty register")
        running.run_command(data_dir, "approve", 1, "--by", "approver")
        _import_list(server, data_dir, following, "2026-02-01", number, "its next edition")


def _import_list(server: running.RunningServer, data_dir: Path, path: Path, day: str, number: int, what: str) -> None:
    editor = _Editor(server.address, data_dir)
    token = editor.read_token("/staff/imports/new")
    sent = {"form_token": token, "kind": "list", "as_of": day, "scope": "national"}

    def upload() -> None:
        with path.open("rb") as file:
            editor.upload_list("/staff/imports", sent, {"file": (path.name, file)})

    for step, begin in (
        ("upload and look", upload),
        ("audit and compare", lambda: editor.upload_list(editor.at + "/columns", editor.confirm_columns())),
        ("propose", lambda: editor.upload_list(editor.at + "/propose", editor.confirm_pairs())),
    ):
        with _ServerWatch(server) as watch:
            before = time.perf_counter()
            begin()
            editor.wait_for_import()
            seconds = time.perf_counter() - before
        job, slowest = watch.job, watch.slowest
        print(
            f"{what + ': ' + step:44} {number:8,} {seconds:8.1f} {job:8.0f} {slowest * 1000:18.0f} "
            f"{server.read_memory():11.0f}",
            flush=True,
        )


class _Editor:
    """Somebody signed in, at the page of one import."""

    def __init__(self, address: str, data_dir: Path) -> None:
        database = Database(Settings(data_dir=data_dir).get_database_url())
        with database.writing() as connection:
            token = sessions.create_session(connection, "editor", "open", "127.0.0.1", AGENT)
        database.close()
        self.client = httpx.Client(
            base_url=address, timeout=120, headers={"user-agent": AGENT, "cookie": f"staff_session={token}"}
        )
        self.at = ""

    def read_token(self, path: str) -> str:
        found = re.search(r'name="form_token" value="(\w+)"', self.client.get(path).text)
        assert found
        return found[1]

    def upload_list(self, path: str, sent: dict[str, str], files: dict[str, object] | None = None) -> None:
        answer = self.client.post(path, data=sent, files=files)
        if answer.status_code != 303:
            raise SystemExit(f"{path} -> {answer.status_code}\n{answer.text[-2000:]}")
        self.at = answer.headers["location"].partition("?")[0].partition("#")[0]

    def wait_for_import(self) -> str:
        while "refresh" in (answer := self.client.get(self.at)).headers:
            time.sleep(0.25)
        return answer.text

    def confirm_columns(self) -> dict[str, str]:
        return {"form_token": self.read_token(self.at)}

    def confirm_pairs(self) -> dict[str, str]:
        """Confirm every pair that a rule suggests, say of the others that they are two, and compare by that."""
        token, page, more = self.read_token(self.at), 1, True
        while more:
            told = self._list_pairs(page)
            decision = {"form_token": token, "tab": "pairs", "page": str(page)}
            if 'value="page"' in told:
                self.upload_list(self.at + "/decide", {**decision, "same": "page"})
                told = self._list_pairs(page)
            for form in told.split("<form ")[1:]:
                key = re.search(r'name="pair" value="(\w+)"', form)
                if key and 'value="no"' in form:
                    self.upload_list(self.at + "/decide", {**decision, "pair": key[1], "same": "no"})
            more = 'rel="next"' in told
            page += 1
        if f'action="{self.at}/propose"' not in self.client.get(self.at).text:
            self.upload_list(self.at + "/compare", {"form_token": token})
            self.wait_for_import()
        return {"form_token": token}

    def _list_pairs(self, page: int) -> str:
        return self.client.get(self.at, params={"tab": "pairs", "page": page}).text


class _ServerWatch:
    """Asks the server a question over and over, and looks at the memory of the process at work."""

    def __init__(self, server: running.RunningServer) -> None:
        self._server, self._over = server, threading.Event()
        self.job = self.slowest = 0.0  # MiB the process held at most; seconds of the slowest answer
        tasks = ((self._ask_server, 0.05), (self._look_at_memory, 0.2))
        self._threads = [threading.Thread(target=self._ask_regularly, args=told, daemon=True) for told in tasks]

    def __enter__(self) -> _ServerWatch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask_regularly(self, do: Callable[[], None], seconds: float) -> None:
        while not self._over.wait(seconds):
            do()

    def _ask_server(self) -> None:
        before = time.perf_counter()
        httpx.get(f"{self._server.address}/api/v1/verify", params={"name": "盛京医院"}, timeout=60).raise_for_status()
        self.slowest = max(self.slowest, time.perf_counter() - before)

    def _look_at_memory(self) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if (
                    b"registry.importers.wizard.job" in path.read_bytes()
                    and sys.executable.encode() in path.read_bytes()
                ):
                    status = (path.parent / "status").read_text()
                    self.job = max(self.job, int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024)
            except (OSError, IndexError):
                continue  # it ended meanwhile
