"""The command that writes the public site as files."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from registry import settings
from registry.cli import common, main
from registry.texts import Message, write_bilingual


@main.command("export-site", help=write_bilingual("把公开网站写成静态文件，供CDN或U盘使用"))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@common.as_json
def export_site(directory: Path, json_: bool) -> None:
    """Write the public site of the last checkpoint as files that need no server."""
    from public_site import static_site
    from registry.register import open_register

    register = open_register(settings.load())
    try:
        with common.show_progress(quiet=json_) as report_progress:
            site = static_site.export_site(register, directory, report_progress)
    finally:
        register.close()
    if json_:
        common.print_json(msgspec.to_builtins(site))
        return
    common.print_both(
        Message(
            "已写入 {folder}：{institutions}家机构，{files}个文件，{size} kB；日志第{entry}条，根哈希 {root}",
            folder=str(directory),
            institutions=site.institutions,
            files=site.files,
            size=site.bytes // 1000,
            entry=site.log_size,
            root=site.root,
        )
    )
