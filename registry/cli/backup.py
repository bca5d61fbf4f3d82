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
from registry.texts import FixedText, Message, write_bilingual

if TYPE_CHECKING:  # takes a while to import
    from registry.operations.backup.restore import RestoreResult

#: Seconds that a mirror may take for one answer.
_TIMEOUT = 30.0


@main.command(help=write_bilingual("在线备份为一个经过校验的文件"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help=write_bilingual("覆盖同名的旧备份"))
@common.as_json
def backup(file: Path, replace: bool, json_: bool) -> None:
    """Back the register up, while it is in use, into one checked file."""
    from registry.operations.backup import make

    loaded = settings.load()
    with common.open_database() as database, common.show_progress(quiet=json_) as report_progress:
        result = make.make_backup(database, PublishedLog(loaded), file, replace=replace, progress=report_progress)
    if json_:
        common.print_json(result)
        return
    size = f"{result.bytes:,} {write_bilingual('字节')}"
    click.echo(f"{write_bilingual('备份')}: {result.file}  ({codec.format_timestamp(result.made_at)}, {size})")
    click.echo(f"{write_bilingual('日志')}: {result.size} {write_bilingual('条')}, root {result.root}")
    click.echo("  ".join(f"{name} {number}" for name, number in result.rows.items()))
    chinese, english = Message(
        "备份含个人信息与密码哈希，请加密保存，至多 90 天。签名密钥和验证器密钥不在其中，请另存："
    ).get_both()
    click.echo(chinese)
    click.echo(f"{english} {loaded.get_key_file()}, {loaded.get_secrets_file()}")


@main.command(help=write_bilingual("恢复备份；会使已公布日志分叉的，一律拒绝"))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--complete", is_flag=True, help=write_bilingual("备份之后已公布的条目，从本机日志目录补齐"))
@click.option("--complete-from", "mirror", metavar="MIRROR", help=write_bilingual("从镜像的网址或目录补齐"))
@common.as_json
def restore(file: Path, complete: bool, mirror: str | None, json_: bool) -> None:
    """Restore a backup; refused where it would fork the published log."""
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
    for message in _describe_next_steps(result, loaded.get_key_file()):
        common.print_both(message, err=True)
    click.echo(f"{write_bilingual('下一步')}: registry log check")


@main.command("migrate-db", help=write_bilingual("把名录从一个数据库搬到另一个空数据库，并逐表比对"))
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@common.as_json
def migrate_db(source: str, target: str, json_: bool) -> None:
    """Copy the register between SQLite and PostgreSQL: addresses as in REGISTRY_DATABASE_URL, or files of SQLite."""
    from registry.operations.backup import move

    with common.show_progress(quiet=json_) as report_progress:
        result = move.move_register(
            settings.load(), _complete_address(source), _complete_address(target), report_progress
        )
    if json_:
        common.print_json(result)
        return
    click.echo(f"{result.source} -> {result.target}")
    click.echo(f"{write_bilingual('日志')}: {result.size} {write_bilingual('条')}, root {result.root}")
    click.echo("  ".join(f"{name} {number}" for name, number in result.rows.items()))
    for message in (
        Message("请停止使用原数据库的服务，把 REGISTRY_DATABASE_URL 设为新地址，再启动；然后：registry log check"),
        Message("搬移之后写入原数据库的内容不在新库中；新库少于已公布的日志时，服务会拒绝启动。"),
    ):
        common.print_both(message, err=True)


def _complete_address(text: str) -> str:
    return text if "://" in text else f"sqlite:///{Path(text).absolute()}"


def _print_restoration(result: RestoreResult) -> None:
    click.echo(f"{write_bilingual('已恢复')}: {result.file}  ({codec.format_timestamp(result.made_at)})")
    click.echo(f"{write_bilingual('日志')}: {result.size} {write_bilingual('条')}, root {result.root}")
    if result.completed:
        click.echo(f"{write_bilingual('其中从已公布的日志补齐')}: {result.completed}")
    if result.closed:
        numbers = ", ".join(map(str, result.closed))
        click.echo(f"{write_bilingual('备份之后已批准的提案，已结案')}: {numbers}")
    if result.withheld:
        common.print_both(
            Message("未持有的个人信息，须由工作人员重新录入，否则不显示姓名：{count}", count=result.withheld)
        )
    click.echo(write_bilingual("提案与账号为备份时的状态"))
    if result.kept:
        chinese, english = Message("原数据库（含个人信息，确认无误后请删除）").get_both()
        click.echo(f"{chinese}/ {english}:\n{result.kept}")


def _describe_next_steps(result: RestoreResult, path: Path) -> Iterator[Message]:
    """Describe what the person who restored still has to do."""
    if not result.compared:
        yield Message(
            "注意：本机没有已公布的日志可供核对。若镜像或见证方见过更多条目，请勿启动服务，改用 --complete-from。"
        )
    if result.unsigned:
        yield Message(
            "最后{unsigned}条在备份时尚未签名，请核对其内容：registry proposals --all", unsigned=result.unsigned
        )
    if result.key == "missing":
        yield Message(
            "签名密钥不在本机，不签发新检查点：请把 signing.key 复制到 {key}；确已遗失：registry log rotate --lost",
            key=path,
        )
    if result.key == "another":
        yield Message(
            "{key} 不是签发该日志的密钥：请移走它，把原密钥复制到此；确已遗失：registry log rotate --lost", key=path
        )
    if result.unpublished:
        reason = FixedText(result.unpublished["zh"], result.unpublished["en"])
        yield Message("日志尚未公布：{reason}", reason=reason)
