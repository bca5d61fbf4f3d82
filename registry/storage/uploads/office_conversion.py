"""Old Office files (doc, xls) as new ones, by LibreOffice where it is installed.

The program gets a profile of its own that goes with it, so that it runs no macros of anybody's, and a time within which
it is done. What it makes is read as any file of strangers is.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

PROGRAMS = ("soffice", "libreoffice")
_NEW = {"doc": "docx", "xls": "xlsx"}
#: Seconds that a conversion may take: a list of 1,800 rows with merged cells takes minutes.
SECONDS = 600


def convert_old_file(path: Path, kind: str, folder: Path) -> Path | None:
    """The file as docx or xlsx in a folder; None where no LibreOffice is installed, or it makes nothing of the file."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        return None
    source = folder / f"list.{kind}"
    shutil.copyfile(path, source)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    options = ("--headless", "--norestore", "--nolockcheck", "--convert-to", _NEW[kind], "--outdir", str(folder))
    process = subprocess.Popen(  # noqa: S603 - a program that is installed, and names of our own
        [program, profile, *options, str(source)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LANG": "C.UTF-8"},
        start_new_session=True,  # it starts another, which has to end with it
    )
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    new = folder / f"list.{_NEW[kind]}"
    return new if new.is_file() else None
