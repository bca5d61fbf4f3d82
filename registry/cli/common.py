"""What commands share: the database of this environment, options, JSON output, progress on a terminal."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import msgspec

from registry import accounts, settings
from registry.errors import InvalidInput, NotAllowed, SecretsKeyMissing
from registry.log.publish import PublishedLog
from registry.operations import health
from registry.records import asof
from registry.storage.database import Database
from registry.texts import Message, write_bilingual

PHASES = {
    "read": write_bilingual("读取"),
    "compare": write_bilingual("比对"),
    "propose": write_bilingual("写入提案"),
    "append": write_bilingual("写入名录"),
    "rebuild": write_bilingual("重建"),
    "verify": write_bilingual("核验"),
    "check": write_bilingual("检查"),
    "publish": write_bilingual("公布日志"),
    "content": write_bilingual("读取名录"),
    "pages": write_bilingual("写入网页"),
}


def print_both(message: Message, *, err: bool = False) -> None:
    """A sentence in Chinese, and in English on the next line."""
    for line in message.get_both():
        click.echo(line, err=err)


def write_help(*paragraphs: Message) -> str:
    """Return the help of a command in several paragraphs, in both languages."""
    return "\n\n".join(paragraph.to_bilingual() for paragraph in paragraphs)


def print_json(value: Any) -> None:
    """Print a value as one JSON document on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_result(value: Any, lines: Iterable[str], json_: bool) -> None:
    """Print a value as one JSON document; or, for people, its lines."""
    if json_:
        print_json(value)
    else:
        for line in lines:
            click.echo(line)


def print_proposal(number: int) -> None:
    """Print the number of a new proposal, and how another person approves it."""
    approval = f"{write_bilingual('由另一人审批')} {number} --by USER"
    click.echo(f"{write_bilingual('提案')}: {number}    {approval}")


as_json = click.option("--json", "json_", is_flag=True, help=write_bilingual("机器可读输出"))


def _check_acting_account(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """Return the name; NotAllowed for the product's own accounts: nobody may use one as a second pair of eyes."""
    if name is not None and name.startswith(accounts.RESERVED):
        raise NotAllowed(Message("“{name}”是系统保留账号，不能用于提案或审批。", name=name))
    return name


by_user = click.option("--by", metavar="USER", callback=_check_acting_account, help=write_bilingual("账号"))
by_decider = click.option(
    "--by", metavar="USER", required=True, callback=_check_acting_account, help=write_bilingual("审批账号")
)


def require_account(by: str | None, *, or_dry_run: bool = False) -> str:
    """Return the account that acts; a usage error without one, which names ``--dry-run`` where that would do."""
    if by is None:
        message = Message("，或用 --dry-run") if or_dry_run else ("", "")
        raise click.UsageError(write_bilingual("请加 --by 账号{message}", message=message))
    return by


class DayParam(click.ParamType[dt.date]):
    """A day as YYYY-MM-DD."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """Return the date; a usage error that names the form."""
        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail(write_bilingual("“{value}” 不是 YYYY-MM-DD 日期", value=value), param, ctx)


class InstantParam(click.ParamType[dt.datetime]):
    """An instant as RFC 3339 with its zone, or a day alone, which ``from_day`` makes an instant of.

    ``example``: the day that a usage error shows.
    """

    name = "TIME"

    def __init__(self, from_day: Callable[[dt.date], dt.datetime], example: str) -> None:
        self._from_day = from_day
        self._example = example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        """Return the instant in UTC; a usage error that shows both forms."""
        if isinstance(value, dt.datetime):
            return value
        try:
            is_day = len(value) <= len("YYYY-MM-DD")
            return self._from_day(asof.parse_day(value)) if is_day else asof.parse_instant(value)
        except InvalidInput:
            examples = f"{write_bilingual('例如')}: {self._example}, {self._example}T09:30:00+08:00"
            self.fail(f"“{value}” {write_bilingual('不是日期，也不是带时区的时刻')}; {examples}", param, ctx)


@contextmanager
def open_database(create: bool = False) -> Iterator[Database]:
    """Open the database of this environment; CannotAnswer when it is gone or, unless ``create``, was never made."""
    loaded = settings.load()
    database, published = Database(loaded.get_database_url()), PublishedLog(loaded)
    try:
        (health.require_database_file if create else health.require_database)(database, published)
        yield database
    finally:
        database.close()


def warn_of_lost_secrets_key(database: Database, loaded: settings.Settings) -> bool:
    """Warn on stderr when the key that sealed second factors is not here; return whether it is missing."""
    from registry.accounts import factors
    from registry.accounts.vault import Vault
    from registry.cli import detect_language

    try:
        with database.reading() as connection:
            factors.require_key(connection, Vault(loaded.get_secrets_file()))
    except SecretsKeyMissing as error:
        click.echo(f"registry: {error.get_text(detect_language())}", err=True)
        return True
    return False


@contextmanager
def show_progress(quiet: bool = False) -> Iterator[Callable[[str, int], None]]:
    """Yield a callback (phase, done) that moves a line on a terminal, and shows nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield lambda _phase, _done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def update_bar(phase: str, done: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(PHASES.get(phase, phase), total=None)
            bars.update(tasks[phase], completed=done)

        yield update_bar
