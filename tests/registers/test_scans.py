"""What a scan is worth: the same word by the register, by a saved bundle, and in the script of the pages."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from registry import texts
from registry.credentials.scan import parse_scan
from registry.credentials.verifier import PAGE_WORDS, check_scan, get_fault_sentence
from registry.web.page_templates import STATIC
from tests.running import Cli
from tests.scans import CASES, Case, World

#: Runs the script of the pages over cases on standard input; prints a word for each.
_PROGRAM = """
const fs = require("fs");
require(process.argv[1]);
const cases = JSON.parse(fs.readFileSync(0, "utf-8"));
Promise.all(cases.map((one) => artCredential.check(one.text, one.bundle, one.now)))
  .then((answers) => console.log(JSON.stringify(answers)));
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.register.database.close()


@pytest.mark.parametrize("name", CASES)
def test_every_scan_has_its_word(world: World, name: str) -> None:
    case = CASES[name]
    answer = world.register.credentials.check_text(case.scan(world))
    assert answer.word == case.word
    bundle = case.bundle(world)
    offline = check_scan(parse_scan(case.scan(world), bundle.address), bundle, world.register.find_now())
    assert offline.word == (case.offline or case.word if case.word != "foreign" else offline.word)
    assert (offline.token is None) == (answer.token is None)


def find_offline_word(world: World, case: Case) -> str:
    """The word of a verifier that has the case's bundle and no register."""
    bundle = case.bundle(world)
    return check_scan(parse_scan(case.scan(world), bundle.address), bundle, world.register.find_now()).word


def test_the_command_says_the_same_with_the_register_and_without(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(CASES) >= 60
    monkeypatch.setattr("registry.cli.qr.open_register", lambda _settings: world.register)
    monkeypatch.setattr(world.register, "close", lambda: None)
    command, saved = Cli(world.register.settings.data_dir, inside=True), tmp_path / "bundle.json"
    words = dict[str, tuple[str, str]]()
    for name, case in CASES.items():
        text = case.scan(world)
        saved.write_bytes(msgspec.json.encode(case.bundle(world)))
        asked = [command("qr", "verify", "--json", *more, "--", text) for more in ((), ("--offline", saved))]
        words[name] = (asked[0].json["word"], asked[1].json["word"])
        assert [ran.code for ran in asked] == [word not in ("genuine", "older") for word in words[name]], name
    assert words == {name: (case.word, find_offline_word(world, case)) for name, case in CASES.items()}


def test_the_script_of_the_pages_says_the_same(world: World) -> None:
    now = int(world.register.find_now().timestamp())
    node = shutil.which("node")
    assert node, "node is missing: bash tests/setup.sh clients"
    given = [
        {"text": case.scan(world), "bundle": msgspec.to_builtins(case.bundle(world)), "now": now}
        for case in CASES.values()
    ]
    command = [node, "-e", _PROGRAM, str(STATIC / "credential.js")]
    run = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    expected = {name: find_offline_word(world, case) for name, case in CASES.items()}
    answers = dict(zip(CASES, json.loads(run.stdout), strict=True))
    assert {name: answer["word"] for name, answer in answers.items()} == expected
    assert answers["as printed"]["token"]["name"] == world.printed["plain"].name


def test_every_word_has_a_sentence_in_both_languages() -> None:
    for word in PAGE_WORDS:
        chinese, english = (texts.find_text(f"scan.{word}", lang) for lang in ("zh-CN", "en"))
        assert chinese != english and english.isascii()
    assert get_fault_sentence("address").to_text("en").isascii()
