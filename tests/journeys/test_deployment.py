"""What an operator installs and puts around it: wheel and sdist, units of systemd, containers, proxies in front."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from registry.settings import Settings, get_variable_name
from tests.running import PATIENCE, environment, eventually, free_port, serving

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("*.service"))
PROGRAMS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
MOST_EXPOSED = 25  # of 100, as `systemd-analyze security` counts: "OK" reaches to 40


def find_program(name: str) -> str:
    found = shutil.which(name, path=PROGRAMS)
    if found is None:
        pytest.fail(f"没有 {name} / no {name}: bash tests/setup.sh")
    return found


# --- packages --------------------------------------------------------------------------------------------------------


def build(folder: Path) -> list[Path]:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    env = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheel and the source archive, in this order."""
    return build(tmp_path_factory.mktemp("dist"))


def test_the_same_source_builds_the_same_bytes(packages: list[Path], tmp_path: Path) -> None:
    again = build(tmp_path)
    assert [path.name for path in again] == [path.name for path in packages]
    assert [hash_file(path) for path in again] == [hash_file(path) for path in packages]


def hash_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def list_source(*packages: str) -> set[str]:
    command = ["git", "ls-files", "--", *packages]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name for name in listed if (ROOT / name).exists()}


def test_the_wheel_holds_every_file_of_the_product_and_nothing_else(packages: list[Path]) -> None:
    with zipfile.ZipFile(packages[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("METADATA"))).decode()
        assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
    assert names == list_source("registry", "public_site", "seed_data")
    for heading in ("Name: art-registry", "License-Expression: Apache-2.0", "Requires-Python: >=3.11"):
        assert heading in metadata
    assert metadata.count("Classifier: ") >= 8
    assert f"-{re.findall('^Version: (.+)$', metadata, re.M)[0]}-py3-none-any.whl" in packages[0].name


def test_the_source_archive_has_changelog_papers_and_documentation(packages: list[Path]) -> None:
    with tarfile.open(packages[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"CHANGELOG.md", "LICENSE", "README.md", "README.zh-CN.md", "requirements.lock", "pyproject.toml"} <= names
    assert {name for name in list_source("docs") if name.startswith("docs/deploy/")} <= names
    assert list_source("registry", "public_site", "seed_data") <= names


def test_the_wheel_alone_is_a_register_that_answers(packages: list[Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(packages[0]) as wheel:
        wheel.extractall(tmp_path / "site")
    env = {**environment(tmp_path / "var"), "PYTHONPATH": str(tmp_path / "site")}
    port = free_port()
    run = "import registry, sys; from registry.cli import main; sys.stderr.write(registry.__file__); main()"
    command = [sys.executable, "-P", "-c", run, "serve", "--setup", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            while (line := server.stdout.readline()) and "http://" not in line:
                pass
            assert line, "it did not start"
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
                for path in ("/", "/search?q=盛京", "/developers", "/favicon.ico", "/verify-offline", "/staff/sign-in"):
                    assert client.get(path).status_code == 200, path
                assert client.get("/api/v1/verify", params={"name": "鞍山市妇儿医院"}).json()["match"]
        finally:
            server.terminate()
            _, said = server.communicate(timeout=PATIENCE)
    assert said.startswith(str(tmp_path / "site")), said


# --- systemd ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def unit_folder(tmp_path: Path) -> Path:
    """The units, with the program where this machine has it."""
    for path in [*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")]:
        text = path.read_text("utf-8").replace(
            "/opt/art-register/bin/registry", str(Path(sys.executable).with_name("registry"))
        )
        (tmp_path / path.name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("unit", [*UNITS, "art-register-backup.timer"])
def test_systemd_finds_nothing_wrong_with_a_unit(unit_folder: Path, unit: str) -> None:
    analyse = find_program("systemd-analyze")
    done = subprocess.run([analyse, "verify", str(unit_folder / unit)], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "art-register" in line]
    assert (done.returncode, said) == (0, []), done.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_leaves_the_program_little_of_the_machine(unit: str) -> None:
    analyse = find_program("systemd-analyze")
    command = [analyse, "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", str(DEPLOY / unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


# --- containers ------------------------------------------------------------------------------------------------------


def test_the_container_copies_what_there_is_and_runs_a_command_that_there_is() -> None:
    lines = (DEPLOY / "Containerfile").read_text("utf-8")
    copied = [name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", lines, re.M) for name in line.split()]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"requirements.lock", "registry", "public_site", "seed_data"} <= set(copied)
    assert "--require-hashes" in lines
    assert re.findall(r"^USER (\S+)$", lines, re.M) == ["10001"]
    assert '"registry", "serve", "--setup"' in lines


def test_the_services_of_the_composition_know_each_other_and_set_what_there_is() -> None:
    composition: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    services = composition["services"]
    own = services["register"]
    known = {get_variable_name(field) for field in Settings.__struct_fields__}
    assert set(own["environment"]) <= known
    assert f"@{'database'}/" in own["environment"]["REGISTRY_DATABASE_URL"]
    assert own["environment"]["REGISTRY_SEARCH_URL"] == "http://search:7700"
    assert {"database", "search", "front", "register"} == set(services)
    named = {name.split(":")[0] for one in services.values() for name in one["volumes"] if not name.startswith(".")}
    assert named == set(composition["volumes"])
    files = [name.split(":")[0] for one in services.values() for name in one["volumes"] if name.startswith("./")]
    assert "./nginx.conf" in files
    assert (DEPLOY / own["build"]["context"]).resolve() == ROOT
    assert (ROOT / own["build"]["dockerfile"]).is_file()
    subnet = composition["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert own["environment"]["REGISTRY_TRUSTED_PROXIES"] == subnet
    assert "server register:8000;" in (DEPLOY / "nginx.conf").read_text("utf-8")


# --- in front --------------------------------------------------------------------------------------------------------


def make_certificate(folder: Path) -> None:
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=register.example",
    ]
    names = ["-addext", "subjectAltName=DNS:register.example,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "register.key"), "-out", str(folder / "register.crt")]
    subprocess.run([*command, *names, *files], capture_output=True, check=True)
    (folder / "register.pem").write_text((folder / "register.crt").read_text() + (folder / "register.key").read_text())


def start_nginx(folder: Path, register: str, port: int) -> subprocess.Popen[bytes]:
    text = (DEPLOY / "nginx.conf").read_text("utf-8").replace("register:8000", register)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{free_port()};").replace(
        "listen 443", f"listen 127.0.0.1:{port}"
    )
    text = text.replace("/etc/nginx/tls", str(folder))
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    as_root = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{as_root} daemon off; pid {folder}/pid; events {{}} http {{ access_log off; {paths} {text} }}"
    )
    return subprocess.Popen([find_program("nginx"), "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "errors"])


def start_haproxy(folder: Path, register: str, port: int) -> subprocess.Popen[bytes]:
    text = (DEPLOY / "haproxy.cfg").read_text("utf-8").replace("127.0.0.1:8000", register)
    text = text.replace("bind :80", f"bind 127.0.0.1:{port} ssl crt {folder}/register.pem alpn h2,http/1.1")
    (folder / "haproxy.cfg").write_text(text)
    return subprocess.Popen([find_program("haproxy"), "-db", "-f", folder / "haproxy.cfg"])


@pytest.fixture(scope="module", params=[start_nginx, start_haproxy], ids=["nginx", "haproxy"])
def front(
    request: pytest.FixtureRequest, seed_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A client of a register behind a proxy with TLS that it trusts, set up by the file of the documentation."""
    folder, port = tmp_path_factory.mktemp("front"), free_port()
    shutil.copytree(seed_dir, folder / "var")
    make_certificate(folder)
    env = {"REGISTRY_TRUSTED_PROXIES": "127.0.0.1", "REGISTRY_PUBLIC_URL": "https://register.example"}
    trusted = ssl.create_default_context(cafile=str(folder / "register.crt"))
    with (
        serving(folder / "var", **env, REGISTRY_ANONYMOUS_LIMIT="40") as server,
        httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusted, timeout=PATIENCE) as client,
    ):
        process = request.param(folder, server.url.removeprefix("http://"), port)
        client.headers["Host"] = "register.example"
        try:
            assert eventually(lambda: is_up(client)), "the proxy does not answer"
            yield client
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def test_pages_interface_and_log_are_answered_through_the_proxy(front: httpx.Client) -> None:
    page = front.get("/")
    assert page.status_code == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    assert front.get("/api/v1/verify", params={"name": "鞍山市妇儿医院"}).json()["verdict"] == "licensed"
    assert front.get("/log/checkpoint").text.startswith("127.0.0.1:8000/log\n")


def test_figures_are_for_nobody_outside(front: httpx.Client) -> None:
    assert front.get("/metrics").status_code == 403


def test_each_visitor_has_a_limit_of_his_own_whatever_he_says_of_himself(front: httpx.Client) -> None:
    answers = [
        front.get(
            "/api/v1/suggest", params={"q": "鞍山"}, headers={"X-Forwarded-For": f"203.0.113.{number}"}
        ).status_code
        for number in range(60)
    ]
    assert 429 in answers
    assert set(answers) <= {200, 429}


def test_what_is_too_large_is_refused(front: httpx.Client) -> None:
    refused = front.post("/api/v1/verify", content=b" " * (3 << 20), headers={"Content-Type": "application/json"})
    assert refused.status_code in (413, 429)
