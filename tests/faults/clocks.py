"""Processes whose clock is another one: Debian's faketime, put before the real `registry` commands and servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from registry.log.publish import PublishedLog
from registry.settings import Settings
from registry.storage.database import Database
from tests.copies import CLOCK
from tests.factories import hash_of
from tests.running import Cli, Ran


def require_faketime() -> None:
    """The library that shifts clocks: where it is missing, the test fails and says so."""
    if not CLOCK["LD_PRELOAD"]:
        pytest.fail("faketime is missing: apt-get install faketime", pytrace=False)


def shifted(offset: str) -> dict[str, str]:
    """The environment of a process whose clock is ahead (+400d) or behind (-11m); all else it measures is right."""
    require_faketime()
    return {**CLOCK, "FAKETIME": offset}


class Clock:
    """The clock of processes that are running: ``set`` moves it under them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "faketime"
        self.set("+0")

    def set(self, offset: str) -> None:
        """Show another time from now on."""
        aside = self._file.with_name("faketime.new")
        aside.write_text(f"{offset}\n", "ascii")
        aside.replace(self._file)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that has this clock."""
        require_faketime()
        return {**CLOCK, "FAKETIME_TIMESTAMP_FILE": str(self._file)}


@dataclass
class Home:
    """A register of its own on one machine: its folder, its database, and what its processes are told of it."""

    folder: Path
    database: Database
    env: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> PublishedLog:
        """The published log, as a process of this machine sees it."""
        return PublishedLog(Settings(data_dir=self.folder))

    def run(self, *args: object, **env: str) -> Ran:
        """The command: a process of its own where it has another clock, else in this one, which is quicker."""
        return Cli(self.folder, inside="LD_PRELOAD" not in env)(*args, **{**self.env, **env})

    def approve(self, proposal: int, **env: str) -> Ran:
        """Approve from the shell what is stored."""
        seen = hash_of(self.database, proposal)
        return self.run("approve", proposal, "--by", "approver.a", "--seen", seen, **env)
