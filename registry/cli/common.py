"""What commands share: the database of this environment, JSON output, dates, progress on a terminal."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import msgspec

from registry import accounts, settings
from registry.errors import InvalidInput, NotAllowed, SecretsKeyMissing
from registry.log.publish import PublishedLog
from registry.operations import presence
from registry.records import asof
from registry.storage.database import Database

PHASES = {
    "read": "读取 / reading",
    "compare": "比对 / comparing",
    "propose": "写入提案 / proposing",
    "append": "写入名录 / appending",
    "rebuild": "重建 / rebuilding",
    "verify": "核验 / verifying",
    "check": "检查 / checking",
    "publish": "公布日志 / publishing the log",
    "content": "读取名录 / reading the list",
}


#: What is said after a proposal was made.
NEXT = "由另一人审批 / another person approves: registry approve {} --by USER"


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


as_json = click.option("--json", "json_", is_flag=True, help="机器可读输出 / print JSON")


def _check_acting_account(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """Accounts of the product itself act in its own code only: nobody borrows them to be a second pair of eyes."""
    if name is not None and name.startswith(accounts.RESERVED):
        raise NotAllowed(
            f"“{name}”是系统保留账号，不能用于提案或审批。", f"“{name}” is reserved; it cannot propose or decide."
        )
    return name


by_user = click.option(
    "--by", metavar="USER", callback=_check_acting_account, help="账号 / account acting (registry user add)"
)
by_decider = click.option(
    "--by",
    metavar="USER",
    required=True,
    callback=_check_acting_account,
    help="审批账号 / deciding account, not the proposer's",
)


class DayParam(click.ParamType[dt.date]):
    """A day as YYYY-MM-DD."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """The date, or a usage error that says the form."""
        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"“{value}” 不是 YYYY-MM-DD 日期 / is not a YYYY-MM-DD date", param, ctx)


class KnownAtParam(click.ParamType[dt.datetime]):
    """An instant as RFC 3339 with its zone, or a day: then the end of that day in Shanghai."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        """The instant in UTC, or a usage error that shows both forms."""
        if isinstance(value, dt.datetime):
            return value
        try:
            return (
                asof.parse_instant(value) if len(value) > len("2025-07-01") else asof.get_day_end(asof.parse_day(value))
            )
        except InvalidInput:
            self.fail(
                f"“{value}” 不是日期，也不是带时区的时刻 / is neither a day nor an instant with its zone; "
                "例如 / for example: 2025-07-01, 2025-07-01T09:30:00+08:00",
                param,
                ctx,
            )


@contextmanager
def open_database(create: bool = False) -> Iterator[Database]:
    """The database of this environment; CannotAnswer when it was never initialised, unless ``create``, or is gone."""
    loaded = settings.load()
    found, published = Database(loaded.get_database_url()), PublishedLog(loaded)
    try:
        (presence.require_database_file if create else presence.require_database)(found, published)
        yield found
    finally:
        found.close()


def warn_of_lost_secrets_key(found: Database, loaded: settings.Settings) -> bool:
    """Whether the key of second factors is not here although something was sealed with it; said on stderr."""
    from registry.accounts import factors
    from registry.accounts.vault import Vault
    from registry.cli import detect_language

    try:
        with found.reading() as connection:
            factors.require_key(connection, Vault(loaded.get_secrets_file()))
    except SecretsKeyMissing as error:
        click.echo(f"registry: {error.get_text(detect_language())}", err=True)
        return True
    return False


@contextmanager
def show_progress(quiet: bool = False) -> Iterator[Callable[[str, int], None]]:
    """A callback (phase, done) that shows a line that moves on a terminal, and nothing elsewhere."""
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
