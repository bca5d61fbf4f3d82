"""The list of advisories: made from a checkout of the PyPA's database, read without any service."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

FILE = Path(__file__).with_name("snapshot.json")
SOURCE = "pypa/advisory-database"
LICENCE = "CC-BY-4.0"
#: Of a span without a beginning, in the words of the database.
_ALWAYS = "0"


@dataclass(frozen=True)
class Advisory:
    """One known weakness of one package: spans of versions (from, up to, whether that one is still affected), and
    versions that are named one by one."""

    id: str
    aliases: tuple[str, ...]
    spans: tuple[tuple[str, str | None, bool], ...]
    versions: tuple[str, ...]

    def affects(self, version: str) -> bool:
        """Whether a version has it."""
        if version in self.versions:
            return True
        asked = Version(version)
        return any(_within(asked, *span) for span in self.spans)

    def fixed(self) -> str:
        """The versions that no longer have it, as far as they are named."""
        return ", ".join(end for _, end, included in self.spans if end and not included) or "-"


@dataclass(frozen=True)
class Snapshot:
    """Every advisory by the package's name, as the database was at ``as_of`` (a day)."""

    as_of: str
    advisories: dict[str, tuple[Advisory, ...]]

    def about(self, name: str, version: str) -> list[Advisory]:
        """The advisories that one version of a package has."""
        return [one for one in self.advisories.get(canonicalize_name(name), ()) if one.affects(version)]


def load(file: Path = FILE) -> Snapshot:
    """The list that lies here."""
    held = json.loads(file.read_text("utf-8"))
    return Snapshot(
        as_of=held["as_of"],
        advisories={
            name: tuple(
                Advisory(
                    id=one["id"],
                    aliases=tuple(one.get("aliases", ())),
                    spans=tuple((begin, end, included) for begin, end, included in one.get("spans", ())),
                    versions=tuple(one.get("versions", ())),
                )
                for one in found
            )
            for name, found in held["advisories"].items()
        },
    )


def refresh(checkout: Path, file: Path = FILE) -> Snapshot:
    """Make the list anew from a git checkout of the database (its work tree or its git folder)."""
    git = ["git", "-C", str(checkout)]
    last = subprocess.run([*git, "log", "-1", "--format=%cs"], capture_output=True, text=True, check=True)
    found: dict[str, list[dict[str, Any]]] = {}
    for text in _files(git):
        for name, advisory in _shorten(text):
            found.setdefault(name, []).append(advisory)
    lines = [
        f"{json.dumps(name)}: {json.dumps(sorted(found[name], key=lambda one: str(one['id'])), ensure_ascii=False)}"
        for name in sorted(found)
    ]
    head = json.dumps({"source": SOURCE, "licence": LICENCE, "as_of": last.stdout.strip()})[:-1]
    file.write_text(f'{head}, "advisories": {{\n' + ",\n".join(lines) + "\n}}\n", "utf-8")
    return load(file)


def _files(git: list[str]) -> Iterator[str]:
    """The text of every advisory."""
    listed = subprocess.run([*git, "ls-tree", "-r", "--name-only", "HEAD", "vulns"], capture_output=True, check=True)
    names = [name for name in listed.stdout.decode().splitlines() if name.endswith(".yaml")]
    for name in names:
        yield subprocess.run([*git, "show", f"HEAD:{name}"], capture_output=True, check=True).stdout.decode()


def _shorten(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(package, what is kept) of one file; nothing of an advisory that was withdrawn."""
    import yaml  # only whoever refreshes the list needs it

    told = yaml.safe_load(text)
    if told.get("withdrawn"):
        return
    for one in told.get("affected", ()):
        if one["package"]["ecosystem"] != "PyPI":
            continue
        spans = [
            span for held in one.get("ranges", ()) if held["type"] == "ECOSYSTEM" for span in _spans(held["events"])
        ]
        kept: dict[str, Any] = {"id": told["id"], "aliases": sorted(told.get("aliases", ()))}
        named = [str(version) for version in one.get("versions", ())]
        unspanned = [version for version in named if not _is_in(version, spans)]
        if spans:
            kept["spans"] = spans
        if unspanned:
            kept["versions"] = unspanned
        yield canonicalize_name(one["package"]["name"]), kept


def _spans(events: list[dict[str, str]]) -> Iterator[tuple[str, str | None, bool]]:
    begin: str | None = None
    for event in events:
        if "introduced" in event:
            begin = str(event["introduced"])
        elif begin is not None and ("fixed" in event or "last_affected" in event):
            yield begin, str(event.get("fixed") or event["last_affected"]), "last_affected" in event
            begin = None
    if begin is not None:
        yield begin, None, True


def _is_in(version: str, spans: list[tuple[str, str | None, bool]]) -> bool:
    try:
        asked = Version(version)
    except InvalidVersion:
        return bool(spans)  # older than the rule for versions, and nothing that anybody pins
    return any(_within(asked, *span) for span in spans)


def _within(asked: Version, begin: str, end: str | None, included: bool) -> bool:
    if begin != _ALWAYS and asked < Version(begin):
        return False
    return end is None or asked < Version(end) or (included and asked == Version(end))
