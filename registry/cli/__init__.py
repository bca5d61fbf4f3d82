"""The command-line door: `registry`. Exits 0 on success, 1 on a refusal with its reason on stderr, 2 on wrong usage."""

from __future__ import annotations

import gc
import locale
import os
import sys
from importlib import import_module

import click

from registry.errors import FAULTS, RegistryError, find_storage_fault
from registry.storage import rights
from registry.texts import write_bilingual

#: The module of each command, which registers it on ``main``. It is imported when its command is asked for: all of them
#: take a second of the processor, which a small command, and the supervisor of a server, need not spend.
_MODULES = {
    "approve": "proposals",
    "backup": "backup",
    "check": "check",
    "clock": "maintenance",
    "correct": "proposals",
    "doctor": "maintenance",
    "export": "publish",
    "export-site": "export_site",
    "import": "proposals",
    "init": "maintenance",
    "key": "accounts",
    "known-as": "proposals",
    "lag": "maintenance",
    "leads": "leads",
    "letter": "letters",
    "log": "witness",  # which adds to the commands of the module `log`
    "migrate-db": "backup",
    "mirror": "witness",
    "proposals": "proposals",
    "publish": "publish",
    "qr": "placards",  # which adds to the commands of the module `qr`
    "rebuild": "maintenance",
    "receipt": "check",
    "redact": "proposals",
    "reject": "proposals",
    "report": "report",
    "restore": "backup",
    "sanctions": "sanctions",
    "search": "queries",
    "seed": "maintenance",
    "serve": "maintenance",
    "settings": "maintenance",
    "suspend": "proposals",
    "user": "accounts",
    "verify": "queries",
}


class _Command(click.Command):
    """A command whose help is in both languages to the last line."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = write_bilingual("显示本说明")
        return option


class _Subgroup(_Command, click.Group):
    """A group of such commands."""

    command_class = _Command


class _Group(_Subgroup):
    """Find a command in its module; turn refusals into one line on stderr and exit status 1."""

    group_class = _Subgroup

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of the commands."""
        return sorted({*_MODULES, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None."""
        if cmd_name in _MODULES:
            gc.disable()  # it would take a fifth of the time and find nothing
            import_module(f"registry.cli.{_MODULES[cmd_name]}")
            gc.enable()
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            with rights.use_private_umask():
                return super().invoke(ctx)
        except RegistryError as error:
            refusal = error
        except OSError as error:  # a disk that is full or read-only is a reason, not a traceback
            fault = find_storage_fault(error)
            if fault is None:
                raise
            refusal = fault
        code = f" ({refusal.code})" if isinstance(refusal, FAULTS) else ""
        click.echo(f"registry: {refusal.get_text(detect_language())}{code}", err=True)
        raise click.exceptions.Exit(1)


def detect_language() -> str:
    """Return "en" where the locale is English (LC_ALL, LC_MESSAGES, LANG), otherwise "zh-CN"."""
    locale_name = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "en" if locale_name.startswith("en") else "zh-CN"


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help=write_bilingual("人类辅助生殖技术机构名录"),
)
@click.version_option(package_name="art-registry", help=write_bilingual("显示版本"))
def main() -> None:
    """The register of institutions approved for assisted reproduction."""
    # A terminal without UTF-8 must not turn an answer into a traceback.
    if locale.getpreferredencoding(False).upper() not in ("UTF-8", "UTF8"):
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
