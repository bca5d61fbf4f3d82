"""Commands by which another department follows a register: log witness watches its log, mirror copies it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from registry import settings
from registry.cli import common, detect_language, main
from registry.cli.log import log_group
from registry.errors import CannotAnswer, Conflict, InvalidInput, LogDamaged, RegistryError
from registry.log import signing_keys
from registry.texts import Message, write_bilingual

if TYPE_CHECKING:  # the HTTP client takes a while to import: only when a command asks somebody
    from registry.log.forks import Verdict
    from registry.log.note import SignedCheckpoint
    from registry.log.trusted_keys import OfferedCheckpoint
    from registry.log.witness import Observation, Signer
    from registry.operations.mirror import MirrorResult

_VERDICTS: dict[Verdict, str] = {
    "first": write_bilingual("首次"),
    "same": write_bilingual("无变化"),
    "grown": write_bilingual("增长"),
    "older": write_bilingual("较旧"),
    "unproven": write_bilingual("未能证明一致"),
    "fork": write_bilingual("分叉"),
}

by_vkey = click.option(
    "--vkey", "vkeys", multiple=True, metavar="FILE_OR_VKEY", help=write_bilingual("所信任的日志公钥")
)
every = click.option(
    "--every", type=click.FloatRange(min=0.1), metavar="SECONDS", help=write_bilingual("反复进行直到中断")
)
timeout = click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help=write_bilingual("每次请求的秒数")
)


@log_group.command(
    "witness",
    help=common.write_help(
        Message("见证：核对 URL 处名录的日志只增不改，可会签"), Message("URL 可为名录网址、日志前缀或本机文件夹")
    ),
)
@click.argument("url")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help=write_bilingual("状态文件夹，默认在数据文件夹的 witness/ 下"),
)
@by_vkey
@click.option("--key", type=click.Path(path_type=Path), help=write_bilingual("以此密钥会签，无则生成"))
@click.option("--name", help=write_bilingual("会签所用名称，默认为本机名"))
@every
@timeout
@common.as_json
def witness_log(  # noqa: PLR0913 - one parameter per option
    url: str,
    directory: Path | None,
    vkeys: tuple[str, ...],
    key: Path | None,
    name: str | None,
    every: float | None,
    timeout: float,
    json_: bool,
) -> None:
    """Watch that a register's log only grows, and cosign it if asked."""
    from registry.log import trusted_keys
    from registry.log.remote_log import RemoteLog
    from registry.log.witness import Witness

    keys = trusted_keys.read_given_keys(vkeys)
    signer = _load_signer(key, name)
    with RemoteLog(url, timeout) as remote:
        witness = Witness(remote, settings.load().data_dir / "witness", directory, keys, signer)

        def run_once() -> RunResult:
            observation = witness.observe_log()
            _print_observation(observation, signer, json_, ndjson=every is not None)
            refusal = find_refusal(observation.verdict, observation.evidence, observation.forks)
            return RunResult(observation.verdict, refusal)

        run_repeatedly(every, run_once)


class RunResult(msgspec.Struct, frozen=True):
    """The verdict of one run, and the refusal to end with, if any."""

    verdict: Verdict
    refusal: RegistryError | None


def run_repeatedly(every: float | None, once: Callable[[], RunResult]) -> None:
    """Run once and raise its refusal; or every so many seconds until interrupted, a fork, or a log that is refused.

    Other failures are printed on stderr, and the run is tried again.
    """
    has_run = False
    try:
        while True:
            refusal, is_final = None, every is None
            try:
                result = once()
                has_run, refusal = True, result.refusal
                is_final = is_final or result.verdict == "fork"
            except OSError as error:
                refusal = CannotAnswer(Message("无法读写 {where}。", where=f"{error.filename}: {error.strerror}"))
            except RegistryError as error:
                refusal = error
                is_final = is_final or isinstance(error, Conflict) or (isinstance(error, InvalidInput) and not has_run)
            if refusal and is_final:
                raise refusal
            if every is None:
                return
            if refusal:
                click.echo(f"registry: {refusal.get_text(detect_language())}", err=True)
            time.sleep(every)
    except KeyboardInterrupt:
        if every is None:
            raise
        click.echo(write_bilingual("已停止"), err=True)


def find_refusal(verdict: Verdict, evidence: Path | None, forks: tuple[str, ...]) -> RegistryError | None:
    """Return the refusal of a run, which says whom to tell; None when all is well."""
    if verdict == "fork":
        return LogDamaged(
            Message(
                "分叉：该名录签发了两份互相矛盾的检查点，历史被改写或密钥被冒用。证据在 {evidence}，"
                "已有的检查点未被替换。请勿采信该名录此后的内容，并以其他途径通知主办单位及其上级主管部门。",
                evidence=evidence,
            )
        )
    if verdict == "unproven":
        return LogDamaged(
            Message(
                "该日志没有证明其检查点与所见的一致：文件缺失、被改动或被回退，也可能是分叉。两份检查点在 {evidence}，"
                "已有的未被替换。请稍后重试，仍如此则通知主办单位。",
                evidence=evidence,
            )
        )
    if verdict == "older":
        return LogDamaged(Message("该日志给出的检查点比所见的旧：可能是过期缓存，或名录被回退。已有的未被替换。"))
    if forks:
        return LogDamaged(
            Message(
                "此前发现过分叉，证据在 {forks}；在处理完毕并移走该文件夹之前，每次都会提示，且不会签。",
                forks=forks[-1],
            )
        )
    return None


def make_json_fields(offered: OfferedCheckpoint, seen: SignedCheckpoint | None, verdict: Verdict) -> dict[str, Any]:
    """Return what a run prints as JSON about checkpoints and keys."""
    checkpoint = offered.signed.checkpoint
    return {
        "verdict": verdict,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "checkpoint": offered.signed.note.decode(),
        "seen": {"size": seen.checkpoint.size, "root": seen.checkpoint.root.hex(), "checkpoint": seen.note.decode()}
        if seen
        else None,
        "pinned": [key.text for key in offered.keys],
        "taken_in": [key.text for key in offered.taken_in],
        "first_use": offered.is_first,
        "unknown_keys": offered.unknown,
    }


def print_keys(offered: OfferedCheckpoint) -> None:
    """Print which keys are trusted from now on, and that somebody has to compare them."""
    label = write_bilingual("首次采信的公钥") if offered.is_first else write_bilingual("与已采信者并行的新公钥")
    for key in offered.taken_in:
        click.echo(f"{label}: {key.text}")
    if offered.taken_in:
        click.echo(write_bilingual("请以其他途径（来函、电话）核对"))
    for identifier in offered.unknown:
        click.echo(
            write_bilingual("另有未采信的密钥 {identifier} 签名；核对后用 --vkey 给出", identifier=identifier), err=True
        )


def print_checkpoints(offered: OfferedCheckpoint, seen: SignedCheckpoint | None, verdict: Verdict) -> None:
    """Print one line of what was found; both checkpoints, byte for byte, where they do not agree."""
    checkpoint = offered.signed.checkpoint
    sizes = f"{seen.checkpoint.size} -> {checkpoint.size}" if seen else str(checkpoint.size)
    click.echo(f"{_VERDICTS[verdict]}: {checkpoint.origin} {sizes} {checkpoint.root.hex()}")
    if seen and verdict in ("fork", "unproven", "older"):
        click.echo(
            f"{write_bilingual('--- 所见')}\n{seen.note.decode()}"
            f"{write_bilingual('--- 现给出')}\n{offered.signed.note.decode()}---"
        )


def print_row(row: dict[str, Any], ndjson: bool) -> None:
    """Print one JSON document; as one line where more may follow."""
    if ndjson:
        click.echo(msgspec.json.encode(row).decode())
    else:
        common.print_json(row)


def _load_signer(key: Path | None, name: str | None) -> Signer | None:
    if key is None:
        return None
    from registry.log import note
    from registry.log.witness import Signer

    signer_name = note.check_name(name or socket.gethostname())
    if signing_keys.create_key_file(key):
        click.echo(f"{write_bilingual('已生成会签密钥')}: {key}", err=True)
    return Signer(name=signer_name, key=[pair for pair in signing_keys.load_keys(key) if not pair.is_retired][-1])


def _print_observation(observation: Observation, signer: Signer | None, json_: bool, ndjson: bool) -> None:
    if json_:
        row = {
            "time": observation.at,
            "address": observation.address,
            **make_json_fields(observation.offered, observation.seen, observation.verdict),
            "folder": str(observation.folder),
            "evidence": str(observation.evidence) if observation.evidence else None,
            "forks": observation.forks,
            "cosignature": observation.cosignature,
            "vkey": signer.verifier.text if signer else None,
        }
        print_row(row, ndjson)
        return
    print_keys(observation.offered)
    print_checkpoints(observation.offered, observation.seen, observation.verdict)
    if observation.cosignature and signer:
        click.echo(f"{write_bilingual('已会签')}: {signer.verifier.text}\n{observation.cosignature}", nl=False)


@main.command(
    "mirror",
    help=common.write_help(
        Message("镜像：在 DIR 保存 URL 处名录的经核验副本"), Message("之后可用：REGISTRY_DATA_DIR=DIR registry serve")
    ),
)
@click.argument("url")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@by_vkey
@every
@timeout
@common.as_json
def mirror_register(
    url: str, directory: Path, vkeys: tuple[str, ...], every: float | None, timeout: float, json_: bool
) -> None:
    """Keep a verified copy of the register at URL in DIR."""
    from registry.log import trusted_keys
    from registry.log.remote_log import RemoteLog
    from registry.operations.mirror import update_mirror

    keys = trusted_keys.read_given_keys(vkeys)
    with RemoteLog(url, timeout) as remote:

        def run_once() -> RunResult:
            with common.show_progress(quiet=json_) as report_progress:
                result = update_mirror(remote, directory, keys, report_progress)
            _print_mirror_result(result, directory, json_, ndjson=every is not None)
            return RunResult(result.verdict, find_refusal(result.verdict, result.evidence, result.forks))

        run_repeatedly(every, run_once)


def _print_mirror_result(result: MirrorResult, directory: Path, json_: bool, ndjson: bool) -> None:
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
        click.echo(f"{write_bilingual('已取得')}: {result.gained} {write_bilingual('条')}")
