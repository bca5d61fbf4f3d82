"""A verifier made of golang.org/x/mod/sumdb, which nobody here wrote, reads what a served register publishes."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from registry.log import entry_proofs, tiles
from tests.factories import a_list
from tests.independent.logs import altered, lines_of
from tests.independent.program import Program
from tests.running import Cli, Server, serving


@dataclass
class Grown:
    """A served register whose log has grown since somebody kept a checkpoint."""

    cli: Cli
    server: Server
    older: Path
    folder: Path

    @property
    def size(self) -> int:
        return int((self.folder / "checkpoint").read_text("utf-8").split("\n")[1])

    @property
    def kept(self) -> int:
        return int(self.older.read_text("utf-8").split("\n")[1])

    def log(self, path: str = "") -> str:
        return f"{self.server.url}/log{path}"

    def entry(self, number: int, to: Path) -> Path:
        """The bytes of an entry, out of its bundle as it is served."""
        tile = tiles.make_tile(None, (number - 1) // 256, self.size)
        body = tiles.decode_bundle(self.server.get(f"/log/tile/{tile.path}").content)[(number - 1) % 256]
        assert json.loads(body)["number"] == number
        to.write_bytes(body)
        return to


@pytest.fixture(scope="module")
def grown(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grown]:
    """Both national lists, a checkpoint that was kept, then a list that fills the last tile and begins another."""
    folder = tmp_path_factory.mktemp("grown")
    shutil.copytree(staffed_dir, folder / "var")
    cli = Cli(folder / "var", inside=True)
    older = folder / "older"
    older.write_text(cli.ok("log", "checkpoint").out, "utf-8")
    rows = [{"name": f"示例市第{n}医院", "address": f"辽宁省鞍山市铁西区示例路{n}号"} for n in range(1, 260)]
    listed = a_list(folder / "list.csv", rows)
    proposed = cli.ok("import", listed, "--as-of", "2025-07-01", "--scope", "partial", "--by", "editor", "--json").json
    cli.ok("approve", proposed["proposal"], "--by", "approver")
    with serving(folder / "var", REGISTRY_PUBLIC_URL="http://127.0.0.1:8000") as server:
        yield Grown(cli, server, older, folder / "var" / "log")


def test_the_log_of_a_served_register_is_accepted_entry_by_entry(independent: Program, grown: Grown) -> None:
    said = independent.accepts("log", grown.log("/vkey"), grown.log())
    assert said == f"a log of {grown.size} entries, each of them read"
    assert independent.accepts("log", grown.folder / "vkey", grown.folder) == said
    assert independent.accepts("checkpoint", grown.log("/vkey"), grown.log("/checkpoint"))


def test_a_checkpoint_kept_earlier_is_a_beginning_of_the_served_log(independent: Program, grown: Grown) -> None:
    assert grown.kept // 256 < grown.size // 256
    said = independent.accepts("same", grown.log("/vkey"), grown.older, grown.log("/checkpoint"), grown.log())
    assert said == f"the log of {grown.size} entries begins with that of {grown.kept}"
    reason = independent.refuses("same", grown.log("/vkey"), grown.log("/checkpoint"), grown.older, grown.log())
    assert "invalid inputs" in reason


def test_a_consistency_proof_of_the_server_is_accepted_and_an_altered_one_refused(
    independent: Program, grown: Grown, tmp_path: Path
) -> None:
    told = grown.server.get("/log/proof/consistency", **{"from": grown.kept}).json()
    assert (told["from"], told["to"]) == (grown.kept, grown.size)
    proof = tmp_path / "proof"
    proof.write_text(lines_of([bytes.fromhex(one) for one in told["proof"]]))
    asked = ("consistency", grown.log("/vkey"), grown.older, grown.log("/checkpoint"), proof)
    independent.accepts(*asked)
    assert base64.b64decode(grown.older.read_text("utf-8").split("\n")[2]).hex() == told["from_root"]
    whole = proof.read_text()
    proof.write_text("".join(whole.splitlines(keepends=True)[1:]))
    assert "invalid transparency proof" in independent.refuses(*asked)
    proof.write_text(lines_of([bytes(32)]) + whole)
    assert "invalid transparency proof" in independent.refuses(*asked)


def test_every_entry_has_a_proof_file_that_is_accepted_for_it_and_for_no_other(
    independent: Program, grown: Grown, tmp_path: Path
) -> None:
    proof, vkeys = tmp_path / "entry.tlog-proof", grown.log("/vkey")
    for number in (1, 256, 257, grown.kept, grown.kept + 1, grown.size):
        proof.write_bytes(grown.server.get(f"/log/proof/{number}.tlog-proof").content)
        entry = grown.entry(number, tmp_path / "entry")
        assert independent.accepts("inclusion", vkeys, entry, proof) == f"entry {number} of {grown.size}"
        neighbour = grown.entry(number - 1 if number > 1 else 2, tmp_path / "neighbour")
        assert "invalid transparency proof" in independent.refuses("inclusion", vkeys, neighbour, proof)
        altered(entry, 5)
        assert "invalid transparency proof" in independent.refuses("inclusion", vkeys, entry, proof)


def test_an_altered_proof_file_is_refused(independent: Program, grown: Grown, tmp_path: Path) -> None:
    entry, proof = grown.entry(700, tmp_path / "entry"), tmp_path / "entry.tlog-proof"
    whole = grown.server.get("/log/proof/700.tlog-proof").text
    lines = whole.split("\n")
    assert lines[:2] == [entry_proofs.FORMAT, "index 699"]
    for wrong in (
        whole.replace("index 699", "index 698"),
        whole.replace("index 699", f"index {grown.size}"),
        whole.replace("index 699", "index -1"),
        whole.replace(lines[2], lines[3]),
        whole.replace(f"{lines[2]}\n", ""),
        whole.replace(f"\n{grown.size}\n", f"\n{grown.size - 1}\n"),
        whole.replace("@v1", "@v2"),
    ):
        assert wrong != whole
        proof.write_text(wrong, "utf-8")
        independent.refuses("inclusion", grown.log("/vkey"), entry, proof)


def test_the_log_is_served_as_the_specification_says(grown: Grown) -> None:
    def kind(path: str) -> str:
        answer = grown.server.get(f"/log{path}")
        assert answer.status_code == 200, answer.text
        return answer.headers["content-type"]

    assert kind("/checkpoint") == "text/plain; charset=utf-8"
    last = tiles.make_tile(0, grown.size // 256, grown.size)
    bundle = tiles.make_tile(None, last.index, grown.size)
    for path in ("0/000", tiles.make_tile(1, 0, grown.size).path, last.path, bundle.path, "entries/000"):
        assert kind(f"/tile/{path}") == "application/octet-stream"
    # Partial tiles of a checkpoint that somebody kept, though full ones have taken their place.
    partial = tiles.make_tile(0, grown.kept // 256, grown.kept)
    full = grown.server.get(f"/log/tile/0/{partial.index:03d}").content
    assert grown.server.get(f"/log/tile/{partial.path}").content == full[: 32 * partial.width]
    for path in ("0/000.p/0", "0/000.p/256", "0/0", "0/001/000", "1/001", "64/000", "data/000", "0/" + "x001/" * 900):
        assert grown.server.get(f"/log/tile/{path}").status_code == 404
    beyond = f"/log/tile/0/{last.index:03d}.p/{last.width + 1}"
    assert grown.server.get(beyond).status_code == 404


def test_while_a_key_is_replaced_verifiers_of_either_key_accept_the_log(
    independent: Program, staffed: Cli, tmp_path: Path
) -> None:
    folder, old, new = staffed.data_dir / "log", tmp_path / "old", tmp_path / "new"
    old.write_bytes((folder / "vkey").read_bytes())
    staffed.ok("log", "rotate")
    keys = (folder / "vkey").read_text().splitlines()
    assert keys[0] == old.read_text().strip()
    new.write_text(keys[1])
    for vkeys in (old, new, folder / "vkey"):
        independent.accepts("log", vkeys, folder)
    staffed.ok("log", "retire", keys[0].split("+")[1])
    independent.accepts("log", new, folder)
    assert "no verifiable signatures" in independent.refuses("log", old, folder)


def test_a_server_that_has_no_log_is_no_reason_to_accept_anything(independent: Program, grown: Grown) -> None:
    assert "404" in independent.refuses("log", grown.log("/vkey"), f"{grown.server.url}/nothing")
