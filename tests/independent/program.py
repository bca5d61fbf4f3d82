"""The verifier beside this file: built once a run, called like any command. Its checks are golang.org/x/mod/sumdb's."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.running import Ran

HERE = Path(__file__).parent
#: Where Debian's golang-golang-x-mod-dev lies; a GOPATH of the caller's comes before it.
DEBIAN_GOPATH = "/usr/share/gocode"
MISSING = (
    "没有 Go 或 golang.org/x/mod / no Go, or no golang.org/x/mod: apt-get install golang-go golang-golang-x-mod-dev; "
    "REGISTRY_TESTS_WITHOUT_GO=1 leaves these tests out"
)


class Program:
    """The verifier: `independent("log", vkeys, folder)`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, *args: object) -> Ran:
        done = subprocess.run(
            [self.path, *map(str, args)], capture_output=True, text=True, encoding="utf-8", check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def accepts(self, *args: object) -> str:
        """What it says of what it accepts; anything but acceptance fails the test."""
        ran = self(*args)
        assert ran.code == 0, f"verify {' '.join(map(str, args))} -> {ran.code}\n{ran.out}{ran.err}"
        assert ran.out.startswith("accepted: ")
        return ran.out.removeprefix("accepted: ").strip()

    def refuses(self, *args: object) -> str:
        """The one-line reason of a refusal; anything else fails the test."""
        ran = self(*args)
        assert ran.code == 1, f"verify {' '.join(map(str, args))} -> {ran.code}\n{ran.out}{ran.err}"
        assert ran.err.startswith("refused: ")
        assert len(ran.err.splitlines()) == 1
        return ran.err.removeprefix("refused: ").strip()


def go(tool: str, *args: object, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run one of Go's tools over the verifier's folder; fails the test, saying what to install, where there is none."""
    path = shutil.which(tool)
    if path is None:
        pytest.fail(MISSING, pytrace=False)
    gopath = os.pathsep.join(filter(None, [os.environ.get("GOPATH"), DEBIAN_GOPATH]))
    # Without modules nothing is fetched.
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": gopath, "GOFLAGS": "", "GOCACHE": str(cache)}
    return subprocess.run([path, *map(str, args)], cwd=HERE, env=env, capture_output=True, text=True, check=False)


def build(folder: Path) -> Program:
    """The program, made in ``folder``; fails the test, saying what to install, where it cannot be made."""
    done = go("go", "build", "-o", folder / "verify", ".", cache=folder / "cache")
    if done.returncode != 0:
        pytest.fail(f"{MISSING}\n{done.stderr}", pytrace=False)
    return Program(folder / "verify")
