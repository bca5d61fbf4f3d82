"""Commands against loss: backup, restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry import settings
from registry.cli import common, main, maintenance
from registry.log import codec
from registry.log.publish import PublishedLog

if TYPE_CHECKING:  # takes a while to import
    from registry.operations.backup.restore import RestoreResult

#: Seconds that a mirror may take for one answer.
_TIMEOUT = 30.0


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="覆盖同名的旧备份 / overwrite an earlier backup of that name")
@common.as_json
def backup(file: Path, replace: bool, json_: bool) -> None:
    """在线备份为一个经过校验的文件 / back the register up, while it is in use, into one checked file."""
    from registry.operations.backup import make

    loaded = settings.load()
    with common.open_database() as database, common.show_progress(quiet=json_) as report_progress:
        result = make.make_backup(database, PublishedLog(loaded), file, replace=replace, progress=report_progress)
    if json_:
        common.print_json(result)
        return
    click.echo(
        f"备份 / backup: {result.file}  ({codec.format_timestamp(result.made_at)}, {result.bytes:,} 字节 / bytes)"
    )
    click.echo(f"日志 / log: {result.size} 条 / entries, root {result.root}")
    click.echo("  ".join(f"{name} {number}" for name, number in result.rows.items()))
    click.echo("备份含个人信息与密码哈希，请加密保存，至多 90 天。签名密钥和验证器密钥不在其中，请另存：")
    click.echo("It holds personal data and password hashes: keep it encrypted, 90 days at most. The keys are not in")
    click.echo(f"it, keep copies of them elsewhere: {loaded.get_key_file()}, {loaded.get_secrets_file()}")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--complete", is_flag=True, help="备份之后已公布的条目，从本机日志目录补齐 / add entries published since")
@click.option("--complete-from", "mirror", metavar="MIRROR", help="从镜像的网址或目录补齐 / add them from a mirror")
@common.as_json
def restore(file: Path, complete: bool, mirror: str | None, json_: bool) -> None:
    """恢复备份；会使已公布日志分叉的，一律拒绝 / restore a backup; refused where it would fork the published log."""
    from registry.log.remote_log import RemoteLog
    from registry.operations.backup import compare
    from registry.operations.backup import restore as restoring

    loaded = settings.load()
    with RemoteLog(mirror or "", timeout=_TIMEOUT) as remote, common.show_progress(quiet=json_) as report_progress:
        source = compare.read_remote_log(remote) if mirror else None
        result = restoring.restore_backup(
            loaded, file, completing=complete or bool(mirror), source=source, progress=report_progress
        )
    with common.open_database() as database:
        # The backup may be of a version that did not seal, or be sealed by a key that is not here: that is printed.
        maintenance.seal_secrets(database, loaded)
    if json_:
        common.print_json(result)
        return
    _print_restoration(result)
    for line in _describe_next_steps(result, loaded.get_key_file()):
        click.echo(line, err=True)
    click.echo("下一步 / next: registry log check")


def _print_restoration(result: RestoreResult) -> None:
    click.echo(f"已恢复 / restored: {result.file}  ({codec.format_timestamp(result.made_at)})")
    click.echo(f"日志 / log: {result.size} 条 / entries, root {result.root}")
    if result.completed:
        click.echo(f"其中从已公布的日志补齐 / of them taken from the published log: {result.completed}")
    if result.closed:
        numbers = ", ".join(map(str, result.closed))
        click.echo(f"备份之后已批准的提案，已结案 / proposals approved since the backup, closed: {numbers}")
    if result.withheld:
        click.echo(f"未持有的个人信息，须由工作人员重新录入，否则不显示姓名：{result.withheld}")
        click.echo(f"Personal values not held; staff enter them again, or they stay unnamed: {result.withheld}")
    click.echo("提案与账号为备份时的状态 / proposals and accounts are those of the backup")
    if result.kept:
        label = "原数据库（含个人信息，确认无误后请删除）/ the database before, delete it when all is well"
        click.echo(f"{label}:\n{result.kept}")


def _describe_next_steps(result: RestoreResult, path: Path) -> Iterator[str]:
    """Describe what the person who restored still has to do, in Chinese and in English."""
    if not result.compared:
        yield "注意：本机没有已公布的日志可供核对。若镜像或见证方见过更多条目，请勿启动服务，改用 --complete-from。"
        yield "Note: no published log was here to compare with. If a mirror or witness has seen more entries, do not"
        yield "start the server; restore with --complete-from."
    if result.unsigned:
        yield f"最后{result.unsigned}条在备份时尚未签名，请核对其内容：registry proposals --all"
        yield f"No signature vouched for the last {result.unsigned} entries yet; look at them: registry proposals --all"
    if result.key == "missing":
        yield f"签名密钥不在本机，不签发新检查点：请把 signing.key 复制到 {path}；确已遗失：registry log rotate --lost"
        yield "The signing key is not here and nothing new is signed: copy signing.key there; if it is lost for good:"
        yield "registry log rotate --lost"
    if result.key == "another":
        yield f"{path} 不是签发该日志的密钥：请移走它，把原密钥复制到此；确已遗失：registry log rotate --lost"
        yield "The key there did not sign this log: move it away and copy the right one there; if that one is lost"
        yield "for good: registry log rotate --lost"
    if result.unpublished:
        yield f"日志尚未公布：{result.unpublished['zh']}"
        yield f"The log is not published yet: {result.unpublished['en']}"
