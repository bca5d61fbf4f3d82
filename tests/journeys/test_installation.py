"""An installation: the address it serves is the one it prints, and `registry doctor` says what is wrong with it."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from PIL import Image
from pyzbar import pyzbar

from tests.copies import REGISTRY, CopyProcess
from tests.running import PASSWORD, PATIENCE, Cli, Server, environment, free_port, serving

LISTED = "鞍山市妇儿医院"


def examine(cli: Cli, **env: str) -> dict[str, dict[str, str]]:
    """What the doctor found, by its code."""
    ran = cli("doctor", "--json", **env)
    findings = {one["code"]: one for one in ran.json}
    assert ran.code == any(one["state"] == "wrong" for one in ran.json), ran.err
    assert all(one["zh"] and one["en"] for one in ran.json)
    return findings


def list_states(findings: dict[str, dict[str, str]], state: str) -> set[str]:
    return {code for code, one in findings.items() if one["state"] == state}


def read_code(server: Server) -> str:
    code = server.api("/suggest", q=LISTED)["items"][0]["code"]
    picture = server.get(f"/i/{code}/qr.png")
    assert picture.status_code == 200, picture.text
    return pyzbar.decode(Image.open(io.BytesIO(picture.content)))[0].data.decode()


@pytest.fixture
def bare(seed_dir: Path, tmp_path: Path) -> Cli:
    """A register whose log nobody has given a name yet: it was not served before."""
    shutil.copytree(seed_dir, tmp_path / "var")
    return Cli(tmp_path / "var")


def test_without_a_public_address_codes_and_documents_lead_to_the_port_that_is_served(bare: Cli) -> None:
    with serving(bare.data_dir) as server:
        assert not server.url.endswith(":8000")
        assert read_code(server).startswith(f"{server.url}/q/")
        assert server.api("/openapi.json")["servers"] == [{"url": server.url}]
        assert server.get("/").status_code == 200
        assert server.client.get("/healthz", headers={"Host": "any.example"}).status_code == 200
        assert server.client.get("/", headers={"Host": "any.example"}).status_code == 200


def test_a_public_address_that_is_set_stands_in_codes_whatever_the_port(bare: Cli) -> None:
    with serving(bare.data_dir, REGISTRY_PUBLIC_URL="https://register.example") as server:
        assert read_code(server).startswith("https://register.example/q/")
        assert server.api("/openapi.json")["servers"] == [{"url": "https://register.example"}]


def test_a_new_register_names_its_log_after_the_address_it_is_served_at(tmp_path: Path) -> None:
    port = free_port()
    command = [REGISTRY, "serve", "--setup", "--port", str(port)]
    with CopyProcess(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(tmp_path)) as server:
        try:
            assert server.stdout is not None
            while (line := server.stdout.readline().decode()) and "http://" not in line:
                pass
            assert line.strip().endswith(f"http://127.0.0.1:{port}")
            checkpoint = httpx.get(f"http://127.0.0.1:{port}/log/checkpoint", timeout=PATIENCE).text
        finally:
            server.terminate()
    assert checkpoint.splitlines()[0] == f"127.0.0.1:{port}/log"


def test_whoever_serves_to_others_without_a_public_address_hears_that_their_phones_cannot_open_it(bare: Cli) -> None:
    process = CopyProcess(
        [REGISTRY, "serve", "--host", "0.0.0.0", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(bare.data_dir),
    )
    assert process.stdout is not None
    assert b"http://127.0.0.1:" in process.stdout.readline()
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE)
    assert "REGISTRY_PUBLIC_URL" in said.decode()


def test_a_path_in_the_public_address_is_refused_with_what_to_do(bare: Cli) -> None:
    reason = bare.refused("serve", "--port", "0", REGISTRY_PUBLIC_URL="https://health.example/art")
    assert "https://health.example" in reason


def test_the_doctor_of_an_empty_folder_says_what_to_run_first(tmp_path: Path) -> None:
    findings = examine(Cli(tmp_path / "nothing", inside=True))
    assert "registry init" in findings["cannot_answer"]["en"]
    assert not (tmp_path / "nothing").exists()


def test_the_doctor_finds_a_sound_installation_sound(staffed: Cli) -> None:
    for name in ("head", "deputy"):
        staffed.ok("user", "add", name, "--role", "administrator", input=PASSWORD)
    env = {"REGISTRY_OPERATOR": "示例市卫生健康委员会", "REGISTRY_SECURITY_CONTACT": "mailto:post@register.example"}
    with serving(staffed.data_dir, **env) as server:
        findings = examine(staffed, REGISTRY_PUBLIC_URL=server.url, **env)
    assert list_states(findings, "wrong") == set()
    # nobody has signed in yet, no web server is asked for the time, and the machine may keep none of its own
    assert list_states(findings, "warning") <= {"second_factors", "time_source", "clock"}
    assert {"database", "log", "views", "storage", "rights", "secrets_key", "search", "public_answer"} <= set(findings)


def test_the_doctor_names_what_is_missing_for_four_eyes(seeded: Cli) -> None:
    assert {"people", "administrators"} <= list_states(examine(seeded), "warning")


def lose_the_signing_key(folder: Path) -> None:
    (folder / "signing.key").unlink()


def take_another_signing_key(folder: Path) -> None:
    (folder / "signing.key").unlink()
    Cli(folder / "other", inside=True).ok("init")
    (folder / "other" / "signing.key").rename(folder / "signing.key")


def open_a_file_to_all(folder: Path) -> None:
    (folder / "register.sqlite").chmod(0o644)


def roll_the_database_back(folder: Path) -> None:
    Cli(folder.parent / "young", inside=True).ok("init")
    (folder.parent / "young" / "register.sqlite").replace(folder / "register.sqlite")


def lose_the_database(folder: Path) -> None:
    (folder / "register.sqlite").unlink()


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lose_the_signing_key, "signing_key_missing"),
        (take_another_signing_key, "signing_key_foreign"),
        (open_a_file_to_all, "rights"),
        (roll_the_database_back, "log_rolled_back"),
        (lose_the_database, "database_unreachable"),
    ],
)
def test_the_doctor_names_each_harm_and_changes_nothing(seeded: Cli, harm: Callable[[Path], None], code: str) -> None:
    harm(seeded.data_dir)
    before = {path: path.stat().st_mode for path in seeded.data_dir.rglob("*")}
    findings = examine(seeded)
    assert code in list_states(findings, "wrong")
    assert {path: path.stat().st_mode for path in before if path.exists()} == before
    shown = seeded("doctor")
    assert shown.code == 1
    assert f"  {code}: " in shown.out


def test_a_public_address_that_leads_elsewhere_is_told_from_one_that_does_not_answer(
    seeded: Cli, tmp_path: Path
) -> None:
    Cli(tmp_path / "other", inside=True).ok("init")
    with serving(tmp_path / "other") as other:
        findings = examine(seeded, REGISTRY_PUBLIC_URL=other.url)
    assert findings["public_answer"]["state"] == "warning"
    silent = examine(seeded, REGISTRY_PUBLIC_URL=f"http://127.0.0.1:{free_port()}")
    assert silent["public_answer"]["state"] == "warning"
    assert silent["public_answer"]["en"] != findings["public_answer"]["en"]
