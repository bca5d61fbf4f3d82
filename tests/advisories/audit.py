"""Which pinned versions have a known weakness, by the list that lies here and by whoever can be asked."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.advisories import snapshot

ROOT = Path(__file__).parents[2]
#: Seconds that the service may take for one lock file.
PATIENCE = 60
#: Advisories that do not concern this product: id -> why.
ACCEPTED: dict[str, str] = {}
#: Packages that are installed on every machine: what only some need, the service leaves out elsewhere.
_EVERYWHERE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==[^\s;\\]+ *\\?$", re.MULTILINE)
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Weakness:
    """A pinned version with a known weakness."""

    lock: str
    package: str
    version: str
    advisory: str
    fixed: str

    def __str__(self) -> str:
        return f"{self.lock}: {self.package} {self.version}: {self.advisory} (fixed in {self.fixed})"


class CannotAskError(Exception):
    """The service could not be asked, or did not answer about every package."""


def read_pins(lock: Path) -> list[tuple[str, str]]:
    """(package, version) of every line of a lock file."""
    return _PINNED.findall(lock.read_text("utf-8"))


def find_locks(root: Path = ROOT) -> list[Path]:
    """Every lock file of the product, those of the tools of its tests included."""
    return [*sorted(root.glob("*.lock")), *sorted((root / "tests").glob("*/*.lock"))]


def find_weaknesses(lock: Path, held: snapshot.Snapshot) -> Iterator[Weakness]:
    """What the list that lies here says of a lock file."""
    for package, version in read_pins(lock):
        for one in held.about(package, version):
            if not {one.id, *one.aliases} & ACCEPTED.keys():
                yield Weakness(lock.name, package, version, " ".join((one.id, *one.aliases)), one.fixed())


def ask_service(lock: Path, program: str) -> list[Weakness]:
    """What the service of `pip-audit` says of a lock file; CannotAskError. What it skips it has not answered."""
    command = [
        program,
        "--requirement",
        str(lock),
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
    ]
    try:
        done = subprocess.run([*command, "off"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        dependencies = json.loads(done.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        raise CannotAskError(type(error).__name__) from error
    answered = {canonicalize_name(one["name"]) for one in dependencies if "skip_reason" not in one}
    missing = {canonicalize_name(package) for package in _EVERYWHERE.findall(lock.read_text("utf-8"))} - answered
    if missing:
        raise CannotAskError(f"no answer about {len(missing)} packages")
    return [
        Weakness(lock.name, one["name"], one["version"], found["id"], ", ".join(found["fix_versions"]) or "-")
        for one in dependencies
        for found in one.get("vulns", ())
        if not {found["id"], *found.get("aliases", ())} & ACCEPTED.keys()
    ]


def audit(files: list[Path], say: Callable[[str], object] = print, program: str | None = None) -> int:
    """Look every lock file up and say what was found and what could not be asked; 1 for a known weakness."""
    held = snapshot.load()
    found = {str(one): one for lock in files for one in find_weaknesses(lock, held)}
    number = sum(len(read_pins(lock)) for lock in files)
    total = sum(map(len, held.advisories.values()))
    say(f"advisories: {number} pinned versions against a list of {total:,} as of {held.as_of} ({snapshot.SOURCE})")
    try:
        if program is None:
            raise CannotAskError("pip-audit is not installed")
        found |= {str(one): one for lock in files for one in ask_service(lock, program)}
        say("advisories: asked pip-audit's service as well")
    except CannotAskError as error:
        say(f"advisories: nobody could be asked ({error}); what became known after {held.as_of} is not in this answer")
    for line in sorted(found):
        say(f"advisories: {line}")
    return 1 if found else 0


def main(arguments: list[str]) -> int:
    """Audit the lock files, or those named; or make the list anew from a git checkout. The exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.advisories")
    parser.add_argument("--refresh", type=Path, metavar="CHECKOUT")
    parser.add_argument("lock", nargs="*", type=Path)
    told = parser.parse_args(arguments)
    if told.refresh:
        made = snapshot.refresh(told.refresh)
        print(f"advisories: {sum(map(len, made.advisories.values())):,} as of {made.as_of}")
        return 0
    return audit(told.lock or find_locks(), program=shutil.which("pip-audit"))
