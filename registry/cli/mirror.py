"""The command that keeps a verified copy of another register."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry.cli import common, main
from registry.cli.witness import (
    RunResult,
    by_vkey,
    every,
    find_refusal,
    make_json_fields,
    print_checkpoints,
    print_keys,
    print_row,
    run_repeatedly,
    timeout,
)
from registry.texts import write_bilingual

if TYPE_CHECKING:  # the HTTP client takes a while to import
    from registry.operations.mirror import MirrorResult


@main.command("mirror")
@click.argument("url")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@by_vkey
@every
@timeout
@common.as_json
def mirror_register(
    url: str, directory: Path, vkeys: tuple[str, ...], every: float | None, timeout: float, json_: bool
) -> None:
    """镜像：在 DIR 保存 URL 处名录的经核验副本 / keep a verified copy of the register at URL in DIR.

    之后可用 / afterwards: REGISTRY_DATA_DIR=DIR registry serve
    """
    from registry.log import trusted_keys
    from registry.log.remote_log import RemoteLog
    from registry.operations.mirror import update_mirror

    keys = trusted_keys.read_given_keys(vkeys)
    with RemoteLog(url, timeout) as remote:

        def run_once() -> RunResult:
            with common.show_progress(quiet=json_) as report_progress:
                result = update_mirror(remote, directory, keys, report_progress)
            _print_outcome(result, directory, json_, ndjson=every is not None)
            return RunResult(result.verdict, find_refusal(result.verdict, result.evidence, result.forks))

        run_repeatedly(every, run_once)


def _print_outcome(result: MirrorResult, directory: Path, json_: bool, ndjson: bool) -> None:
    if json_:
        row = {
            "address": result.address,
            **make_json_fields(result.offered, result.seen, result.verdict),
            "gained": result.gained,
            "folder": str(directory),
            "evidence": str(result.evidence) if result.evidence else None,
            "forks": result.forks,
        }
        print_row(row, ndjson)
        return
    print_keys(result.offered)
    print_checkpoints(result.offered, result.seen, result.verdict)
    if result.gained:
        click.echo(write_bilingual("已取得") + f": {result.gained} " + write_bilingual("条"))
