"""Another department watches the log: what it accepts, what it refuses, and that a fork never passes for growth."""

from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.log import note, signing_keys
from registry.log.folder import CHECKPOINT, VKEY, LogFolder
from registry.log.note import SignedCheckpoint, parse_signed_checkpoint
from tests.copies import REGISTRY, CopyProcess
from tests.factories import a_source
from tests.published import (
    SIZE,
    Alter,
    Answer,
    Origin,
    Static,
    an_origin,
    as_is,
    hospitals,
    only,
    require_proof,
    serving_folder,
)
from tests.running import PATIENCE, Cli, Ran, Server, environment, eventually
from tests.thoroughness import THOROUGH

NAME = "witness.example/w1"


class Watching:
    """`registry log witness` with a folder of its own."""

    def __init__(self, cli: Cli, folder: Path, url: str) -> None:
        self.cli = cli
        self.folder = folder
        self.url = url

    def __call__(self, *more: object, **env: str) -> Ran:
        return self.cli("log", "witness", self.url, "--dir", self.folder, "--json", *more, **env)

    def look(self, verdict: str, *more: object, code: int = 0, **env: str) -> Any:
        """The JSON of one look, which must be as said."""
        ran = self(*more, **env)
        assert (ran.code, ran.json["verdict"]) == (code, verdict), f"{ran.out}\n{ran.err}"
        return ran.json

    def refused(self, *more: object, **env: str) -> str:
        """The reason of a look that came to nothing; what was kept stays as it was."""
        before = self.kept()
        ran = self(*more, **env)
        assert ran.code == 1
        assert ran.out == ""
        assert len(ran.err.strip().splitlines()) == 1
        assert self.kept() == before
        return ran.err

    def kept(self) -> dict[str, bytes]:
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != ".lock"]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def history(self) -> list[Any]:
        return [json.loads(line) for line in (self.folder / "history.ndjson").read_text().splitlines()]


@pytest.fixture
def watching(cli: Cli, tmp_path: Path, served: Static) -> Watching:
    return Watching(cli, tmp_path / "w", served.url)


def of(signed: SignedCheckpoint) -> dict[str, Any]:
    return {"size": signed.checkpoint.size, "root": signed.checkpoint.root.hex()}


# --- a log that grows ------------------------------------------------------------------------------------------------


def test_the_first_look_pins_the_key_and_says_that_somebody_must_compare_it(
    origin: Origin, served: Static, cli: Cli
) -> None:
    vkey = origin.log.list_verifiers()[0].text
    ran = cli.ok("log", "witness", served.url)
    assert vkey in ran.out
    assert "trusted at first use" in ran.out
    assert "compare it by another channel" in ran.out
    folder = cli.data_dir / "witness" / "127.0.0.1_8000_log"
    assert (folder / CHECKPOINT).read_bytes() == origin.log.get_checkpoint().note
    assert (folder / "pinned").read_text() == f"{vkey}\n"
    again = cli.ok("log", "witness", served.url)
    assert vkey not in again.out
    assert "no change" in again.out


def test_growth_is_followed_on_a_running_register_and_every_look_is_remembered(
    origin: Origin, cli: Cli, tmp_path: Path, start: Callable[..., Server]
) -> None:
    server = start(origin.data_dir)
    watching = Watching(cli, tmp_path / "w", server.url)
    seen = [origin.log.get_checkpoint()]
    looks = [watching.look("first"), watching.look("same")]
    for step, number in enumerate((1, 255, 300)):
        seen.append(origin.gains(*hospitals(number, 1000 * (step + 1))))
        looks.append(watching.look("grown"))
        assert looks[-1]["checkpoint"] == seen[-1].note.decode()
        assert looks[-1]["seen"]["checkpoint"] == seen[-2].note.decode()
        assert (watching.folder / CHECKPOINT).read_bytes() == seen[-1].note
    told = [{"size": row["size"], "root": row["root"]} for row in watching.history()]
    assert told == [of(one) for one in (seen[0], seen[0], *seen[1:])]
    assert [row["verdict"] for row in watching.history()] == ["first", "same", "grown", "grown", "grown"]
    assert all(row["time"].endswith("Z") for row in watching.history())


@pytest.mark.parametrize("end", ["", "/", "/log", "/log/", "/log/checkpoint"])
def test_the_registers_address_and_the_logs_prefix_mean_the_same(served: Static, cli: Cli, end: str) -> None:
    assert cli.ok("log", "witness", served.url + end, "--json").json["address"] == f"{served.url}/log"


def test_a_folder_on_disk_is_watched_as_an_address_is(origin: Origin, cli: Cli) -> None:
    for place in (origin.data_dir, origin.log.folder.path):
        look = cli.ok("log", "witness", place, "--json").json
        assert look["address"] == str(origin.log.folder.path)
        assert look["size"] == SIZE


def test_a_log_that_moved_to_another_address_is_the_same_log(
    origin: Origin, served: Static, cli: Cli, tmp_path: Path
) -> None:
    cli.ok("log", "witness", served.url)
    origin.gains(*hospitals(3, 1000))
    with serving_folder(origin.log.folder.path) as moved:
        assert cli.ok("log", "witness", moved.url, "--json").json["verdict"] == "grown"


def test_a_log_is_watched_from_its_very_beginning(cli: Cli, tmp_path: Path) -> None:
    origin = an_origin(tmp_path / "new")
    with serving_folder(origin.log.folder.path) as served:
        watching = Watching(cli, tmp_path / "w", served.url)
        assert watching.look("first")["size"] == 0
        origin.gains(a_source())
        assert watching.look("grown")["size"] == 1


def test_a_partial_tile_that_was_deleted_is_cut_from_the_full_one(
    origin: Origin, served: Static, watching: Watching, tmp_path: Path
) -> None:
    watching.look("first")
    old = origin.gains(*hospitals(5, 1000))
    origin.gains(*hospitals(300, 2000))
    assert not list(origin.log.folder.path.glob("tile/0/001.p/*"))
    served.alter = only(CHECKPOINT, old.note)
    assert watching.look("grown")["size"] == SIZE + 5
    assert "tile/0/001" in served.asked


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_rotated_key_is_taken_in_beside_the_pinned_one_and_the_old_one_may_go(
    origin: Origin, cli: Cli, tmp_path: Path, start: Callable[..., Server]
) -> None:
    register = Cli(origin.data_dir, inside=True)
    watching = Watching(cli, tmp_path / "w", start(origin.data_dir).url)
    old = watching.look("first")["pinned"]
    register.ok("log", "rotate")
    look = watching.look("same")
    assert len(look["taken_in"]) == 1
    assert look["pinned"] == old + look["taken_in"]
    assert not look["first_use"]
    assert watching.look("same")["taken_in"] == []
    register.ok("log", "retire", old[0].split("+")[1])
    signed = origin.gains(*hospitals(2, 1000))
    assert len(note.parse_note(signed.note).signatures) == 1
    assert watching.look("grown")["pinned"] == old + look["taken_in"]


def test_a_key_that_replaced_the_pinned_one_unseen_is_refused_until_it_is_given(
    origin: Origin, served: Static, watching: Watching
) -> None:
    old = watching.look("first")["pinned"][0]
    register = Cli(origin.data_dir, inside=True)
    register.ok("log", "rotate")
    register.ok("log", "retire", old.split("+")[1])
    assert "not signed by a trusted key" in watching.refused(LC_ALL="en_US.UTF-8")
    new = origin.log.list_verifiers()[0].text
    assert watching.look("same", "--vkey", new)["pinned"] == [old, new]
    assert watching.look("same")["pinned"] == [old, new]


def test_over_an_open_channel_a_new_key_is_told_of_but_not_taken_in(
    origin: Origin, served: Static, cli: Cli, tmp_path: Path
) -> None:
    watching = Watching(cli, tmp_path / "w", "http://register.example")
    old = watching.look("first", HTTP_PROXY=served.url)["pinned"]
    Cli(origin.data_dir, inside=True).ok("log", "rotate")
    look = watching.look("same", HTTP_PROXY=served.url)
    assert (look["pinned"], look["taken_in"]) == (old, [])
    assert look["unknown_keys"] == [origin.log.list_verifiers()[1].id.hex()]


def test_a_forged_line_beside_the_pinned_signature_brings_no_key_in(
    origin: Origin, served: Static, watching: Watching, tmp_path: Path
) -> None:
    watching.look("first")
    signing_keys.create_key_file(tmp_path / "other.key")
    other = signing_keys.load_keys(tmp_path / "other.key")[0]
    signed = origin.log.get_checkpoint()
    forged = note.sign_text("another text\n", signed.checkpoint.origin, [other]).signatures[0]
    vkey = note.Verifier(name=signed.checkpoint.origin, kind=note.ED25519, public=other.public).text
    changed = {CHECKPOINT: signed.note + forged.line.encode(), VKEY: f"{vkey}\n".encode()}
    served.alter = changed.get
    look = watching.look("same")
    assert (look["taken_in"], look["unknown_keys"]) == ([], [forged.id.hex()])


def test_a_given_key_is_trusted_instead_of_the_first_one_offered(
    origin: Origin, watching: Watching, tmp_path: Path
) -> None:
    vkey = origin.log.list_verifiers()[0].text
    (tmp_path / "vkey").write_text(f"{vkey}\n")
    look = watching.look("first", "--vkey", tmp_path / "vkey")
    assert (look["pinned"], look["taken_in"], look["first_use"]) == ([vkey], [], False)


def test_a_log_of_another_key_than_the_given_one_is_refused_and_nothing_kept(
    origin: Origin, watching: Watching, tmp_path: Path
) -> None:
    signing_keys.create_key_file(tmp_path / "other.key")
    other = signing_keys.load_keys(tmp_path / "other.key")[0].public
    name = origin.log.get_origin()
    refused = watching.refused("--vkey", note.Verifier(name=name, kind=note.ED25519, public=other).text)
    assert "未获所信任的密钥签名" in refused
    elsewhere = note.Verifier(name="other.example/log", kind=note.ED25519, public=other).text
    assert "不是同一日志" in watching.refused("--vkey", elsewhere)
    witness = note.Verifier(name=name, kind=note.COSIGNATURE, public=other).text
    assert "而不是见证方" in watching.refused("--vkey", witness)
    assert "格式有误" in watching.refused("--vkey", "nonsense")
    assert watching.kept() == {}


def test_a_log_that_calls_itself_otherwise_is_refused_also_without_a_folder_of_ones_own(
    origin: Origin, served: Static, cli: Cli, tmp_path: Path
) -> None:
    cli.ok("log", "witness", served.url)
    text = origin.log.get_checkpoint().checkpoint.text.replace(origin.log.get_origin(), "other.example/log")
    renamed = note.sign_text(text, "other.example/log", origin.log.load_keys()).encode()
    served.alter = only(CHECKPOINT, renamed)
    assert "不是同一日志" in cli.refused("log", "witness", served.url)


# --- cosigning -------------------------------------------------------------------------------------------------------


def test_a_cosignature_is_appended_to_what_is_kept_and_holds(
    origin: Origin, watching: Watching, tmp_path: Path
) -> None:
    key = tmp_path / "witness.key"
    before = int(time.time())
    look = watching.look("first", "--key", key, "--name", NAME)
    kept = (watching.folder / CHECKPOINT).read_bytes()
    assert kept == origin.log.get_checkpoint().note + look["cosignature"].encode()
    who = note.parse_verifier((watching.folder / VKEY).read_text())
    assert (who.text, who.kind, who.name) == (look["vkey"], note.COSIGNATURE, NAME)
    assert note.verify_note(kept, [who])[1] == [who]
    assert note.verify_note(kept, origin.log.list_verifiers())[1] == origin.log.list_verifiers()
    stamp = note.parse_note(kept).signatures[-1].timestamp
    assert stamp is not None
    assert before <= stamp <= time.time()
    assert signing_keys.load_keys(key)[0].public == who.public
    again = watching.look("same", "--key", key, "--name", NAME)
    assert (watching.folder / CHECKPOINT).read_bytes() == origin.log.get_checkpoint().note + again[
        "cosignature"
    ].encode()
    assert watching.look("same")["cosignature"] is None
    assert (watching.folder / CHECKPOINT).read_bytes() == origin.log.get_checkpoint().note + again[
        "cosignature"
    ].encode()


def test_a_checkpoint_that_comes_back_with_our_cosignature_carries_it_once(
    origin: Origin, served: Static, watching: Watching, tmp_path: Path
) -> None:
    key = tmp_path / "witness.key"
    first = watching.look("first", "--key", key, "--name", NAME)
    served.alter = only(CHECKPOINT, (watching.folder / CHECKPOINT).read_bytes())
    look = watching.look("same", "--key", key, "--name", NAME)
    kept = (watching.folder / CHECKPOINT).read_bytes()
    assert kept == origin.log.get_checkpoint().note + look["cosignature"].encode()
    assert first["vkey"] == look["vkey"]


def test_a_cosignature_is_byte_for_byte_what_the_specification_says() -> None:
    """The example of c2sp.org/tlog-cosignature: the message that is signed."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert note.encode_cosigned_text(text, 1679315147) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    assert note.parse_checkpoint(text).text == text


def test_the_logs_own_key_is_no_witness(origin: Origin, watching: Watching) -> None:
    assert "见证没有意义" in watching.refused("--key", origin.data_dir / "signing.key", "--name", NAME)


def test_a_name_that_cannot_stand_in_a_note_is_refused(watching: Watching, tmp_path: Path) -> None:
    assert "不得含空格" in watching.refused("--key", tmp_path / "k", "--name", "two words")
    assert not (tmp_path / "k").exists()


# --- forks -----------------------------------------------------------------------------------------------------------


def forked(origin: Origin, folder: Path, entries: int) -> Origin:
    """A register with the same key and name, and another history."""
    return an_origin(folder, entries, first=5000, like=origin)


@pytest.mark.parametrize("entries", [SIZE, SIZE + 1, 2 * SIZE])
def test_another_history_under_the_same_key_is_a_fork_with_both_checkpoints(
    origin: Origin, served: Static, watching: Watching, tmp_path: Path, entries: int
) -> None:
    watching.look("first", "--key", tmp_path / "k", "--name", NAME)
    kept = watching.kept()
    other = forked(origin, tmp_path / "other", entries)
    served.folder = other.log.folder.path
    ran = watching("--key", tmp_path / "k", "--name", NAME)
    assert ran.code == 1
    assert ran.json["verdict"] == "fork"
    assert ran.json["cosignature"] is None
    assert ran.json["checkpoint"] == other.log.get_checkpoint().note.decode()
    assert ran.json["seen"]["checkpoint"].startswith(origin.log.get_checkpoint().note.decode())
    assert "分叉" in ran.err
    assert "主办单位" in ran.err
    assert ran.json["evidence"] in ran.err
    after = watching.kept()
    assert {name: after[name] for name in kept if name != "history.ndjson"} == {
        name: kept[name] for name in kept if name != "history.ndjson"
    }
    evidence = LogFolder(Path(ran.json["evidence"]))
    assert evidence.find_file("offered") == other.log.get_checkpoint().note
    assert evidence.find_file("seen") == kept[CHECKPOINT]
    assert watching.history()[-1]["verdict"] == "fork"
    if entries > SIZE:
        require_proof(evidence)


def test_both_checkpoints_of_a_fork_are_shown_to_people_byte_for_byte(
    origin: Origin, served: Static, cli: Cli, tmp_path: Path
) -> None:
    cli.ok("log", "witness", served.url)
    other = forked(origin, tmp_path / "other", 2 * SIZE)
    served.folder = other.log.folder.path
    ran = cli("log", "witness", served.url, LC_ALL="en_US.UTF-8")
    assert ran.code == 1
    assert origin.log.get_checkpoint().note.decode() in ran.out
    assert other.log.get_checkpoint().note.decode() in ran.out
    assert ran.err.startswith("registry: FORK: ")


def test_after_a_fork_the_alarm_stays_on_and_nothing_is_cosigned_until_it_is_settled(
    origin: Origin, served: Static, watching: Watching, tmp_path: Path
) -> None:
    cosigning = ("--key", tmp_path / "k", "--name", NAME)
    watching.look("first", *cosigning)
    served.folder = forked(origin, tmp_path / "other", 2 * SIZE).log.folder.path
    evidence = watching.look("fork", *cosigning, code=1)["evidence"]
    assert watching.look("fork", *cosigning, code=1)["evidence"] == evidence, "the same two are kept once"
    served.folder = origin.log.folder.path
    signed = origin.gains(*hospitals(2, 1000))
    look = watching.look("grown", *cosigning, code=1)
    assert (look["cosignature"], look["forks"]) == (None, [evidence])
    assert (watching.folder / CHECKPOINT).read_bytes() == signed.note
    Path(evidence).rename(tmp_path / "settled")
    assert watching.look("same", *cosigning)["cosignature"] is not None


def test_a_fork_is_found_also_when_the_log_has_moved(
    origin: Origin, served: Static, cli: Cli, tmp_path: Path, start: Callable[..., Server]
) -> None:
    cli.ok("log", "witness", served.url)
    server = start(forked(origin, tmp_path / "other", 2 * SIZE).data_dir)
    ran = cli("log", "witness", server.url, "--json")
    assert (ran.code, ran.json["verdict"]) == (1, "fork")


# --- less than was seen ----------------------------------------------------------------------------------------------


def test_an_old_checkpoint_that_was_seen_is_told_as_older_and_changes_nothing(
    origin: Origin, served: Static, watching: Watching
) -> None:
    watching.look("first")
    old = origin.log.get_checkpoint()
    origin.gains(*hospitals(3, 1000))
    watching.look("grown")
    kept = (watching.folder / CHECKPOINT).read_bytes()
    served.alter = only(CHECKPOINT, old.note)
    ran = watching()
    assert (ran.code, ran.json["verdict"], ran.json["evidence"]) == (1, "older", None)
    assert "较" in ran.err or "旧" in ran.err
    assert (watching.folder / CHECKPOINT).read_bytes() == kept
    served.alter = as_is
    watching.look("same")


def test_an_old_checkpoint_never_seen_is_older_where_the_hashes_show_it(
    origin: Origin, served: Static, watching: Watching
) -> None:
    old = origin.log.get_checkpoint()
    origin.gains(*hospitals(3, 1000))
    watching.look("first")
    served.alter = only(CHECKPOINT, old.note)
    watching.look("older", code=1)


def test_a_smaller_checkpoint_of_another_history_is_a_fork_where_the_hashes_show_it(
    origin: Origin, served: Static, watching: Watching, tmp_path: Path
) -> None:
    watching.look("first")
    served.alter = only(CHECKPOINT, forked(origin, tmp_path / "other", 20).log.get_checkpoint().note)
    watching.look("fork", code=1)


def test_a_register_rolled_back_proves_nothing_and_is_a_fork_once_it_grows_again(
    origin: Origin, served: Static, watching: Watching, tmp_path: Path
) -> None:
    other = origin.copy(tmp_path / "restored")
    origin.gains(*hospitals(50, 1000))
    watching.look("first")
    served.folder = other.log.folder.path
    ran = watching()
    assert (ran.code, ran.json["verdict"]) == (1, "unproven")
    assert "可能是分叉" in ran.err
    assert LogFolder(Path(ran.json["evidence"])).find_file("offered") == other.log.get_checkpoint().note
    other.gains(*hospitals(80, 2000))
    watching.look("fork", code=1)


# --- servers that are broken, or lie ---------------------------------------------------------------------------------


def altered(tile: str, change: Callable[[bytes], bytes]) -> Alter:
    return lambda path, content: change(content) if content and path.startswith(tile) else content


def flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


@pytest.mark.parametrize(
    "change", [flipped, lambda c: c[:-1], lambda c: c[:-32], lambda c: c + c, lambda c: c[:0], lambda c: c[::-1]]
)
def test_an_altered_tile_is_never_growth_and_never_a_false_alarm_of_a_fork(
    origin: Origin, served: Static, watching: Watching, change: Callable[[bytes], bytes]
) -> None:
    watching.look("first")
    kept = (watching.folder / CHECKPOINT).read_bytes()
    origin.gains(*hospitals(400, 1000))
    served.alter = altered("tile/", change)
    watching.look("unproven", code=1)
    assert (watching.folder / CHECKPOINT).read_bytes() == kept
    served.alter = as_is
    watching.look("grown")


def test_a_log_whose_tiles_do_not_fit_its_checkpoint_is_not_begun_with(served: Static, watching: Watching) -> None:
    served.alter = altered("tile/0/", flipped)
    assert "与其检查点不符" in watching.refused()
    served.alter = altered("tile/0/", lambda content: content[:-1])
    assert "长度有误" in watching.refused()
    assert watching.kept() == {}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, b"<!doctype html><title>Welcome</title>"), "没有名录日志"),
        (Answer(200, b"\xff\xfe\x00"), "没有名录日志"),
        (Answer(200, b"x" * 2_000_000), "过长"),
        (Answer(200, gzip.compress(bytes(50_000_000)), Content_Encoding="gzip"), "过长"),
        (Answer(200, b"not gzip", Content_Encoding="gzip"), "无法解压"),
        (Answer(302, b"", Location="https://elsewhere.example/log/checkpoint"), "elsewhere.example"),
        (Answer(403, b"no"), "HTTP 403"),
        (Answer(500, b"oh"), "HTTP 500"),
    ],
    ids=["html", "bytes", "long", "bomb", "garbled", "redirect", "403", "500"],
)
def test_what_is_no_log_is_told_apart(watching: Watching, served: Static, answer: Answer, said: str) -> None:
    def alter(_path: str, _content: bytes | None) -> bytes | None:
        raise answer

    served.alter = alter
    assert said in watching.refused()


def test_a_server_that_is_slow_is_given_up(watching: Watching, served: Static) -> None:
    watching.look("first")
    served.drip = 0.4
    assert "没有答复" in watching.refused("--timeout", "1")


def test_nobody_at_the_address_is_said_as_such(watching: Watching) -> None:
    watching.url = "http://127.0.0.1:1"
    assert "无法连接 http://127.0.0.1:1/log/checkpoint" in watching.refused()


@pytest.mark.parametrize(
    "where", ["ftp://x", "https://:80", "http://u:p@x", "http://x/?q=1", "http://[", "http://x:99999"]
)
def test_what_is_no_address_is_refused_at_once(watching: Watching, where: str) -> None:
    watching.url = where
    assert "不是可用的网址" in watching.refused()


def test_a_folder_that_is_not_there_and_one_without_a_log_are_told(watching: Watching, tmp_path: Path) -> None:
    watching.url = "register.example"
    assert "https://" in watching.refused()
    watching.url = str(tmp_path)
    assert "没有名录日志" in watching.refused()


def test_a_busy_server_is_asked_again_when_it_says(watching: Watching, served: Static) -> None:
    first: list[float] = []

    def busy(_path: str, content: bytes | None) -> bytes | None:
        first[:] = first or [time.monotonic()]
        if time.monotonic() < first[0] + 4.9:  # longer than all pauses that nobody asked for
            raise Answer(429, b"later", Retry_After="5")
        return content

    served.alter = busy
    watching.look("first")
    assert served.asked.count(CHECKPOINT) == 3


def test_what_passes_by_itself_is_not_worth_a_word(watching: Watching, served: Static) -> None:
    turned_away: list[str] = []

    def busy(path: str, content: bytes | None) -> bytes | None:
        if path not in turned_away:
            turned_away.append(path)
            raise Answer(503, b"later", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT" if path == VKEY else "soon")
        return content

    served.alter = busy
    watching.look("first")
    assert {CHECKPOINT, VKEY} < set(turned_away)


def test_a_certificate_is_accepted_from_an_authority_that_is_trusted_and_no_other(
    origin: Origin, watching: Watching, tmp_path: Path
) -> None:
    with serving_folder(origin.log.folder.path) as server:
        authority = server.speak_tls(tmp_path)
        watching.url = server.url
        assert "证书不可信" in watching.refused()
        assert watching.look("first", SSL_CERT_FILE=str(authority))["address"] == f"{server.url}/log"


def test_a_server_without_tls_is_not_asked_in_the_open_when_https_was_said(watching: Watching, served: Static) -> None:
    watching.url = served.url.replace("http://", "https://")
    assert "无法连接" in watching.refused()
    assert served.asked == []


# --- going on --------------------------------------------------------------------------------------------------------


class Going:
    """`registry log witness --every` as a process of its own."""

    def __init__(self, data_dir: Path, url: str, folder: Path) -> None:
        self.out = data_dir / "out"
        self.err = data_dir / "err"
        data_dir.mkdir(exist_ok=True)
        command = [REGISTRY, "log", "witness", url, "--dir", folder, "--json", "--every", "0.2"]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = CopyProcess(
                [str(part) for part in command], stdout=out, stderr=err, env=environment(data_dir)
            )

    def verdicts(self) -> list[str]:
        return [json.loads(line)["verdict"] for line in self.out.read_text().splitlines()]

    def comes_to(self, verdict: str) -> bool:
        return eventually(lambda: verdict in self.verdicts()[-1:])


def test_it_goes_on_through_trouble_and_growth_and_ends_with_a_fork(
    origin: Origin, served: Static, tmp_path: Path
) -> None:
    going = Going(tmp_path / "var", served.url, tmp_path / "w")
    try:
        assert going.comes_to("same")
        served.alter = only(CHECKPOINT, b"<html>maintenance</html>")
        assert eventually(lambda: "没有名录日志" in going.err.read_text())
        served.alter = as_is
        origin.gains(*hospitals(2, 1000))
        assert eventually(lambda: "grown" in going.verdicts())
        served.folder = forked(origin, tmp_path / "other", 2 * SIZE).log.folder.path
        assert going.process.wait(timeout=PATIENCE) == 1
    finally:
        going.process.kill()
        going.process.wait()
    assert going.verdicts()[-1] == "fork"
    assert "分叉" in going.err.read_text().splitlines()[-1]


def test_interrupted_it_stops_and_says_so(served: Static, tmp_path: Path) -> None:
    going = Going(tmp_path / "var", served.url, tmp_path / "w")
    assert going.comes_to("same")
    going.process.send_signal(signal.SIGINT)
    assert going.process.wait(timeout=PATIENCE) == 0
    assert "stopped" in going.err.read_text()


def test_several_witnesses_in_one_folder_take_turns(origin: Origin, served: Static, watching: Watching) -> None:
    """None is told of an older checkpoint because another had looked meanwhile."""
    watching.look("first")
    going = [Going(watching.folder.with_name(f"var{n}"), served.url, watching.folder) for n in range(3)]
    try:
        assert all(one.comes_to("same") for one in going)
        for step in range(8):
            signed = origin.gains(*hospitals(1, 1000 + step))
        assert eventually(lambda: (watching.folder / CHECKPOINT).read_bytes() == signed.note)
    finally:
        for one in going:
            one.process.kill()
            one.process.wait()
    assert {verdict for one in going for verdict in one.verdicts()} == {"same", "grown"}
    assert [one.err.read_text() for one in going] == ["", "", ""]
    sizes = [row["size"] for row in watching.history()]
    assert sizes == sorted(sizes)


def test_a_witness_killed_at_any_moment_goes_on_where_it_was(
    origin: Origin, served: Static, watching: Watching, tmp_path: Path
) -> None:
    key = tmp_path / "k"
    watching.look("first", "--key", key, "--name", NAME)
    who = note.parse_verifier((watching.folder / VKEY).read_text())
    rolled = random.Random(7)
    command = [REGISTRY, "log", "witness", served.url, "--dir", watching.folder, "--key", key, "--name", NAME]
    for step in range(10 if THOROUGH else 5):
        signed = origin.gains(*hospitals(1, 1000 + step))
        asked = len(served.asked)
        process = CopyProcess(
            [*map(str, command), "--every", "0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(tmp_path / "var"),
        )
        assert eventually(lambda asked=asked: len(served.asked) > asked, every=0.005)
        time.sleep(rolled.random() * 0.15)
        process.kill()
        process.wait()
        kept = (watching.folder / CHECKPOINT).read_bytes()
        assert parse_signed_checkpoint(kept).checkpoint.size in (signed.checkpoint.size - 1, signed.checkpoint.size)
        assert note.verify_note(kept, [who])[1] == [who]
        ran = watching("--key", key, "--name", NAME)
        assert ran.code == 0
        assert ran.json["verdict"] in ("grown", "same")
        assert (watching.folder / CHECKPOINT).read_bytes().startswith(signed.note)
    whole = [row["size"] for row in watching.history()]
    assert whole == sorted(whole)


def test_a_line_of_history_that_was_cut_short_is_ended_and_passed_over(
    origin: Origin, served: Static, watching: Watching
) -> None:
    watching.look("first")
    old = origin.log.get_checkpoint()
    with (watching.folder / "history.ndjson").open("ab") as file:
        file.write(b'{"time":"2026-')
    origin.gains(*hospitals(1, 1000))
    watching.look("grown")
    lines = (watching.folder / "history.ndjson").read_bytes().split(b"\n")
    assert [line[:1] for line in lines] == [b"{", b"{", b"{", b""]
    served.alter = only(CHECKPOINT, old.note)
    watching.look("older", code=1)
