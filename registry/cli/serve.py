"""The command that runs every door."""

from __future__ import annotations

import click

from registry.cli import common, main, maintenance


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 / address to listen on")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="端口，0 为任选 / port; 0: any free one",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="进程数 / processes")
@click.option("--setup", is_flag=True, help="先建库；名录为空时加载随附名录 / first init, and seed an empty register")
def serve(host: str, port: int, workers: int, setup: bool) -> None:
    """运行网站与接口 / run the pages and the API; prints one line with the address when ready."""
    from registry import server, settings

    if setup:
        maintenance.prepare_register(quiet=True)
        maintenance.load_seed(demo=False, if_empty=True)
    with common.open_database():
        pass  # refuse before binding when there is nothing to serve
    server.run_server(host, port, workers, settings.load())
