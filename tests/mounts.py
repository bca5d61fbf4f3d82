"""Real small disks for tests: a tmpfs that fills up, a file system that breaks off writing. Skips where none mounts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

MIB = 1024 * 1024


def _mount(*arguments: object) -> None:
    """Mount, or leave the test out, saying so, where this account or machine cannot."""
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here (root is needed): {done.stderr.strip()}")


@contextmanager
def _mounted(folder: Path, *arguments: object) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    _mount(*arguments, folder)
    try:
        yield
    finally:  # lazily: a process that was killed may still hold a file
        subprocess.run(["umount", "--lazy", folder], check=True)


class Disk:
    """A disk that can be filled and emptied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def free(self) -> int:
        """Bytes."""
        there = os.statvfs(self.folder)
        return there.f_bavail * there.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Fill it until ``leave`` bytes are free."""
        with suppress(OSError), self._ballast.open("ab") as file:
            while (left := self.free() - leave) > 0:
                file.write(bytes(min(left, MIB)))
                file.flush()
        assert self.free() <= leave

    def empty(self) -> None:
        """Take away what filled it."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Disk]:
    """A disk of ``size`` bytes at ``folder``."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield Disk(folder)


class FailingDisk:
    """A disk that stops writing, as ext4 does after an error: what is open for writing fails, what is read is read."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder, self._image = folder, image

    def stop_writing(self) -> None:
        """As after an error of the hardware."""
        subprocess.run(["mount", "-o", "remount,abort", self.folder], check=True)

    def write_again(self) -> None:
        """Mount it anew: nobody may have a file of it open."""
        subprocess.run(["umount", self.folder], check=True)
        subprocess.run(["mount", "-o", "loop", self._image, self.folder], check=True)


@contextmanager
def failing_disk(folder: Path, image: Path, size: int = 64 * MIB) -> Iterator[FailingDisk]:
    """An ext4 file system in a file, at ``folder``."""
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with _mounted(folder, "-o", "loop,errors=remount-ro", image):
        yield FailingDisk(folder, image)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """``folder`` as it is, on a mount that takes no writes from whoever opens a file from now on."""
    with _mounted(folder, "--bind", folder):
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
