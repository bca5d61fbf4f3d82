"""The command that keeps a verified copy of another register."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.cli import common, main
from registry.cli.witness import (
    Seen,
    by_vkey,
    every,
    print_row,
    refusal,
    repeat,
    tell_checkpoints,
    tell_keys,
    timeout,
    told_of,
)

if TYPE_CHECKING:  # the HTTP client takes a while to import
    from registry.mirror import Mirrored


@main.command("mirror")
@click.argument("url")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@by_vkey
@every
@timeout
@common.as_json
def mirror(url: str, directory: Path, vkeys: tuple[str, ...], every: float | None, timeout: float, json_: bool) -> None:
    """镜像：在 DIR 保存 URL 处名录的经核验副本 / keep a verified copy of the register at URL in DIR.

    之后可用 / afterwards: REGISTRY_DATA_DIR=DIR registry serve
    """
    from registry.log import pinned
    from registry.log.remote import Remote
    from registry.mirror import run

    given = pinned.given(vkeys)
    with Remote(url, timeout) as remote:

        def once() -> Seen:
            with common.progress(quiet=json_) as told:
                done = run(remote, directory, given, told)
            _tell(done, directory, json_, ndjson=every is not None)
            return Seen(done.verdict, refusal(done.verdict, done.evidence, done.forks))

        repeat(every, once)


def _tell(done: Mirrored, directory: Path, json_: bool, ndjson: bool) -> None:
    if json_:
        row = {
            "address": done.address,
            **told_of(done.offered, done.seen, done.verdict),
            "gained": done.gained,
            "folder": str(directory),
            "evidence": str(done.evidence) if done.evidence else None,
            "forks": done.forks,
        }
        print_row(row, ndjson)
        return
    tell_keys(done.offered)
    tell_checkpoints(done.offered, done.seen, done.verdict)
    if done.gained:
        click.echo(f"已取得 / gained: {done.gained} 条 / entries")
