"""Nothing is appended while it cannot be signed: the key is gone, or is another one, or somebody else signed last."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from registry import proposals
from registry.errors import RegistryError
from registry.log import signing_keys
from registry.log.folder import CHECKPOINT
from registry.proposals import emergency
from tests.broken import TO_READERS, Broken
from tests.published import an_origin

SENTENCES = {"signing_key_missing": "不在", "signing_key_foreign": "不是签发本日志的密钥"}


def taken_away(one: Broken, aside: Path) -> str:
    one.settings.get_key_file().rename(aside)
    return "signing_key_missing"


def exchanged(one: Broken, aside: Path) -> str:
    one.settings.get_key_file().rename(aside)
    signing_keys.create_key_file(one.settings.get_key_file())
    return "signing_key_foreign"


Happens = Callable[[Broken, Path], str]


@pytest.mark.parametrize("happens", [taken_away, exchanged])
def test_without_the_key_that_signed_the_log_nothing_is_appended_and_everything_is_read(
    broken: Callable[..., Broken], tmp_path: Path, happens: Happens
) -> None:
    one = broken()
    server = one.serve()
    code = happens(one, tmp_path / "aside")
    one.begins(server, code)
    said = one.approve()
    assert said.code == 1 and f"({code})" in said.err and SENTENCES[code] in said.err and TO_READERS not in said.err
    assert_no_way_in(one, code)
    one.require_untouched()
    one.require_reads(server)
    again = one.serve()  # a server that starts without it says the same, and reads
    one.begins(again, code)
    one.require_reads(again)
    again.stop()
    one.servers.remove(again)
    shutil.move(tmp_path / "aside", one.settings.get_key_file())
    one.ends(server, code)
    one.require_whole()


def assert_no_way_in(one: Broken, code: str) -> None:
    """Every other way into the log: at once, by the register's own rule, from the lists that come with the product."""
    with one.database() as database:
        subject = f"institution:{one.code.replace('-', '')}"
        with pytest.raises(RegistryError) as found:
            proposals.suspend(database, subject, by="editor.a", reason="现场检查", log=one.log)
        assert found.value.code == code
    assert f"({code})" in one.refused("seed", "--json")
    with one.database() as database, database.reading() as connection:  # what it had proposed waits with the rest
        waiting = [each.id for each in proposals.list_proposals(connection) if each.id != one.proposal]
    for each in waiting:
        assert one.run("reject", each, "--by", "system.installation", "--reason", "x").code == 1  # a reserved account
    with one.database() as database:
        for each in waiting:
            proposals.reject(database, each, by="approver.a", reason="没有签名密钥", log=one.log)


def test_an_emergency_suspension_does_not_fall_back_without_the_key(
    broken: Callable[..., Broken], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = broken()
    with one.database() as database:
        subject = f"institution:{one.code.replace('-', '')}"
        done = proposals.suspend(database, subject, by="editor.a", reason="现场检查", log=one.log)
        exchanged(one, tmp_path / "aside")
        after = done.confirm_by + 1
        monkeypatch.setattr("registry.proposals.emergency.get_now_ms", lambda: after)
        assert emergency.end_expired_suspensions(database, one.log) == []
        with pytest.raises(RegistryError) as found:
            proposals.reject(database, done.waiting, by="approver.a", reason="不属实", log=one.log)
        assert found.value.code == "signing_key_foreign"
        with database.reading() as connection:
            assert proposals.get_proposal(connection, done.waiting).state == "pending"
        shutil.move(tmp_path / "aside", one.settings.get_key_file())
        assert emergency.end_expired_suspensions(database, one.log) == [done.waiting]
    assert one.run("log", "check").code == 0


def test_the_check_of_the_log_says_that_the_key_is_another_one(broken: Callable[..., Broken], tmp_path: Path) -> None:
    one = broken()
    exchanged(one, tmp_path / "aside")
    said = one.refused("log", "check")
    assert "(signing_key_foreign)" in said and SENTENCES["signing_key_foreign"] in said
    assert "(signing_key_foreign)" in one.refused("log", "checkpoint")
    shutil.move(tmp_path / "aside", one.settings.get_key_file())
    one.require_whole()


def test_a_key_file_that_is_no_key_is_said_to_be_unreadable(broken: Callable[..., Broken]) -> None:
    one = broken()
    good = one.settings.get_key_file().read_bytes()
    one.settings.get_key_file().write_bytes(b"no key")
    said = one.approve()
    assert said.code == 1 and "无法读取" in said.err and "(signing_key_missing)" in said.err
    one.require_untouched()
    one.settings.get_key_file().write_bytes(good)
    one.require_whole()


def test_a_checkpoint_that_somebody_else_signed_is_not_gone_on_from(
    broken: Callable[..., Broken], tmp_path: Path
) -> None:
    one = broken()
    server = one.serve()
    path = one.log.folder.path / CHECKPOINT
    good = path.read_bytes()
    stranger = an_origin(tmp_path / "stranger", 0)
    theirs = stranger.log.get_checkpoint().note
    assert theirs != good
    path.write_bytes(forged(good, tmp_path))
    one.begins(server, "checkpoint_foreign")
    said = one.approve()
    assert said.code == 1 and "(checkpoint_foreign)" in said.err
    one.require_untouched()
    one.require_reads(server)
    path.write_bytes(good)
    one.ends(server, "checkpoint_foreign")
    one.require_whole()


def forged(note_of_ours: bytes, folder: Path) -> bytes:
    """What our checkpoint says, signed by a key of somebody else."""
    from registry.log import note

    signing_keys.create_key_file(folder / "theirs.key")
    text = note.parse_note(note_of_ours).text
    return note.sign_text(text, text.split("\n")[0], signing_keys.load_keys(folder / "theirs.key")).encode()
