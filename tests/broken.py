"""A small register on which something is broken: a server, the shell, and what both say meanwhile."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from registry.accounts.vault import Vault
from registry.clients import keys
from registry.domain.identifiers import format_code
from registry.log import signing_keys
from registry.log.publish import PublishedLog
from registry.settings import Settings, get_variable_name, load
from registry.storage.database import Database
from tests.factories import a_database, a_source, an_institution, code_of, enter, propose
from tests.published import hospitals
from tests.running import Cli, Ran, Server, environment, eventually

HOSPITAL = "鞍山市示例3医院"
CLAIM = {"provider": {"name": HOSPITAL}, "techniques": ["IVF"]}
#: Never said to whoever asks about an institution while the register cannot look.
NOT_LICENSED = ("not_found", "technique_not_licensed", "没有这家机构", "未获准开展", "未找到")
#: Said to whoever asks, and to nobody who wanted to write something.
TO_READERS = "这不代表该机构未获批准"


class Broken:
    """A register of 20 institutions with one proposal that waits; its server starts with ``serve``."""

    def __init__(self, data_dir: Path, url: str = "", **settings: object) -> None:
        self.data_dir, self.url = data_dir, url
        self.env = {get_variable_name(name): str(value) for name, value in settings.items()}
        if url:
            self.env["REGISTRY_DATABASE_URL"] = url
        self.settings: Settings = load(environment(data_dir, **self.env))
        data_dir.mkdir(parents=True, exist_ok=True)
        if not url:
            a_database(data_dir).close()
        signing_keys.create_key_file(self.settings.get_key_file())
        self.log = PublishedLog(self.settings)
        institutions = hospitals(20)
        self.code = format_code(code_of(institutions[3]))
        with self.database() as database:
            enter(database, a_source(), *institutions)
            self.log.publish(database)
            self.proposal = propose(database, an_institution("鞍山市示例新医院"))
            with database.writing() as connection:  # before anything breaks: figures are shown to a key
                _, self.key = keys.create_key(
                    connection, keys.NewKey(client="prometheus", scopes=frozenset({"metrics"}))
                )
        Vault(self.settings.get_secrets_file()).create_file()
        self.servers: list[Server] = []
        #: Where servers write their own log: not on the disk that breaks.
        self.errors = Path(tempfile.mkdtemp(prefix="errors-"))

    def __enter__(self) -> Broken:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers:
            server.end()
        shutil.rmtree(self.errors)

    def database(self) -> _Opened:
        """The database, closed at the end of the block."""
        return _Opened(Database(self.settings.get_database_url()))

    def serve(self, **env: str) -> Server:
        """A server over it."""
        self.servers.append(Server(self.data_dir, errors=self.errors, **{**self.env, **env}))
        self.servers[-1].figures_key = self.key
        return self.servers[-1]

    # --- the shell -----------------------------------------------------------------------------------------------

    def run(self, *arguments: object, given: str = "") -> Ran:
        """One command; ``given`` is what it reads."""
        return Cli(self.data_dir, inside=True)(*arguments, input=given, **self.env)

    def refused(self, *arguments: object) -> str:
        """The one line of a command that is refused."""
        return Cli(self.data_dir, inside=True).refused(*arguments, **self.env)

    def approve(self) -> Ran:
        """What the shell says to an approval of what waits."""
        return self.run("approve", self.proposal, "--by", "approver.a")

    def require_untouched(self) -> None:
        """The proposal waits as it did, and nothing was appended."""
        listed = self.run("proposals", "--json").json
        assert [one["id"] for one in listed if one["state"] == "pending"] == [self.proposal]
        with self.database() as database, database.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM entries").scalar() == 21

    def require_whole(self) -> None:
        """The fault is over: what waited is approved and signed, and the log holds."""
        assert (ran := self.approve()).code == 0, ran.err
        said = self.run("log", "check", "--json")
        assert said.code == 0, said.err
        assert (said.json["size"], said.json["signed"]) == (22, 22)

    # --- the server ----------------------------------------------------------------------------------------------

    def faults(self, server: Server) -> set[str]:
        """The codes that /readyz names; /metrics must name the same, unless one comes or goes in between."""
        found: list[set[str]] = []

        def agree() -> bool:
            ready = {one["code"] for one in server.get("/readyz").json()["faults"]}
            measured = set(re.findall(r'registry_fault\{code="(\w+)"\} 1\.0', server.metrics()))
            found.append(ready)
            return ready == measured

        assert eventually(agree)
        return found[-1]

    def begins(self, server: Server, code: str) -> None:
        """The server sees the fault by itself, and says so in one line."""
        assert eventually(lambda: code in self.faults(server), every=0.3), self.faults(server)
        assert self.lines(server, f"{code}: ") == 1, server.errors.read_text()

    def ends(self, server: Server, code: str) -> None:
        """The server sees that it is over, says so in one line, and is ready."""
        assert eventually(lambda: code not in self.faults(server), every=0.3)
        assert self.lines(server, f"{code}: 已恢复 / over") == 1, server.errors.read_text()
        assert eventually(lambda: server.get("/readyz").status_code == 200, every=0.3)

    def lines(self, server: Server, start: str) -> int:
        """Lines of the server's log that begin so; with only a code, of those that say what is wrong."""
        said = [line for line in server.errors.read_text().splitlines() if line.startswith(start)]
        return len(said) if "over" in start else len([line for line in said if "已恢复" not in line])

    def require_reads(self, server: Server) -> None:
        """Questions are answered as ever."""
        assert server.get("/readyz").status_code == 200
        assert server.verify(**CLAIM)["verdict"] == "licensed"
        assert server.api("/institutions")["total"] == 20
        for path in (f"/i/{self.code}", f"/q/{self.code}", f"/check?name={HOSPITAL}", "/search?q=示例"):
            page = server.client.get(path, headers={"accept": "text/html"})
            assert page.status_code == 200 and TO_READERS not in page.text, path
            assert page.headers["x-state-age"] and page.headers["x-state-at"], path


class _Opened:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Database:
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


def answered(answer: Any) -> dict[str, Any]:
    """What a program is told that cannot be answered now: 503, when to come again, and never a verdict."""
    assert answer.status_code == 503, answer.text[:300]
    assert int(answer.headers["retry-after"]) > 0
    assert not any(words in answer.text for words in NOT_LICENSED)
    found: dict[str, Any] = answer.json()
    return found
