"""The command that prints QR codes: registry qr placards."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from registry import settings
from registry.cli import common
from registry.cli.qr import codes_argument, every, of_region, qr_group, require_choice
from registry.credentials.placard import LANGUAGES, LEVELS, PAPERS, SMALL, Languages, Level, Paper, Placard, make_badges
from registry.domain.identifiers import parse_code
from registry.errors import InvalidInput
from registry.register import Register, open_register
from registry.storage import rights
from registry.texts import Message, write_bilingual


@qr_group.command(
    "placards",
    help=common.write_help(
        Message("写出可供印刷的二维码与标牌，以文件名的后缀定格式"),
        Message(".pdf 为标牌（每家一页），.zip 为全部文件，.svg、.png 为一个二维码"),
    ),
)
@codes_argument
@of_region
@every
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--paper", type=click.Choice(PAPERS), default="a4", show_default=True, help=write_bilingual("纸张"))
@click.option("--lang", type=click.Choice(LANGUAGES), default="both", show_default=True, help=write_bilingual("语言"))
@click.option("--level", type=click.Choice(LEVELS), help=write_bilingual("纠错等级，默认 M，短码为 Q"))
@click.option("--pixels", type=int, default=1000, show_default=True, help=write_bilingual("png 的边长"))
@click.option(
    "--quiet-zone", type=click.IntRange(0, 20), default=4, show_default=True, help=write_bilingual("四周留白的格数")
)
@click.option("--module", type=float, default=1.0, show_default=True, help=write_bilingual("svg 每格的毫米数"))
@click.option("--short", is_flag=True, help=write_bilingual("只含网址，供小幅印刷；小标牌总是如此"))
def write_placards(  # noqa: PLR0913 - one parameter per option
    codes: tuple[str, ...],
    region: str | None,
    all_: bool,
    out: Path,
    paper: Paper,
    lang: Languages,
    level: Level | None,
    pixels: int,
    quiet_zone: int,
    module: float,
    short: bool,
) -> None:
    """Write placards or codes to print, of the newest credential of each institution that holds."""
    from registry.credentials import images, placards

    require_choice(codes, region, all_)
    kind = out.suffix.lower()
    register = open_register(settings.load())
    try:
        register.follow_log()
        chosen = _choose_placards(register, codes, region, short=short or (kind == ".pdf" and paper in SMALL))
        if paper == "badge":
            asof = register.make_as_of_now()
            chosen = make_badges(chosen, lambda code: register.list_practitioners(code, asof))
    finally:
        register.close()
    if level is not None:
        chosen = [msgspec.structs.replace(one, level=level) for one in chosen]
    if kind in (".svg", ".png") and len(chosen) != 1:
        raise InvalidInput(Message("{kind} 只能写一家机构的二维码；多家请写 .zip 或 .pdf。", kind=kind))
    public_url = settings.load().public_url
    if kind == ".svg":
        content = images.render_svg(chosen[0].text, chosen[0].level, quiet_zone, module)
    elif kind == ".png":
        content = images.render_png(chosen[0].text, chosen[0].level, pixels, quiet_zone)
    elif kind == ".pdf":
        content = placards.render_pdf(chosen, paper, lang, public_url)
    elif kind == ".zip":
        content = placards.render_zip(chosen, [paper], lang, public_url, pixels)
    else:
        raise InvalidInput(Message("文件名须以 .pdf、.zip、.svg 或 .png 结尾。"))
    with rights.use_callers_umask():  # it is made to be handed on
        out.write_bytes(content)
    click.echo(f"{write_bilingual('已写入')}: {out} ({len(chosen)})")


def _choose_placards(register: Register, codes: tuple[str, ...], region: str | None, *, short: bool) -> list[Placard]:
    """Those of the institutions named, else of every one in the region that has a credential that holds."""
    compact = [parse_code(code) for code in codes] or register.credentials.list_holders(region)
    return register.credentials.list_placards(compact, short=short)
