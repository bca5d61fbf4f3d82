"""Commands about the log: log check, checkpoint, proof, keys, rotate, retire."""

from __future__ import annotations

from pathlib import Path

import click

from registry import settings
from registry.cli import common, main
from registry.errors import Conflict, NotFound
from registry.log import replication, signing_keys
from registry.log.publish import PublishedLog
from registry.records import asof
from registry.storage import rights
from registry.texts import Message, write_bilingual


@main.group("log", help=write_bilingual("日志：检查、检查点、证明、密钥、见证"))
def log_group() -> None:
    """The append-only log: check, checkpoint, proofs, keys, witness."""


@log_group.command("check", help=write_bilingual("从正文重新推导日志、分片、检查点与视图并比对"))
@common.as_json
def check_log(json_: bool) -> None:
    """Re-derive entries, tree, checkpoints and records, and compare."""
    from registry.log import check, four_eyes
    from registry.proposals import views

    published = PublishedLog(settings.load())
    with common.open_database() as database, common.show_progress(quiet=json_) as report_progress:
        with database.reading() as connection:
            published.refuse_rollback(connection)
            result = check.check_log(connection, published, lambda done: report_progress("check", done))
            four_eyes.check_entries(connection, after=result.signed, whole=True)
            four_eyes.check_proposals(connection)
        check.check_folder(database, published)
        views.check_views(database)
        common.warn_of_lost_secrets_key(database, settings.load())
    if json_:
        common.print_json(result)
        return
    click.echo(f"{write_bilingual('完好')}: {result.size} {write_bilingual('条')}, root {result.root}")
    click.echo(f"{write_bilingual('已签发')}: {result.signed}")
    if result.withheld:  # in a mirror, or after a completed restore; anywhere else they were lost
        click.echo(f"{write_bilingual('未存于本机的个人信息')}: {result.withheld}")


@log_group.command("checkpoint", help=write_bilingual("打印已签名的检查点（如有未签发的先签发）"))
@common.as_json
def print_checkpoint(json_: bool) -> None:
    """Print the signed checkpoint, signing first what is not signed yet."""
    published = PublishedLog(settings.load())
    with common.open_database() as database, common.show_progress(quiet=json_) as report_progress:
        published.publish(database, lambda done: report_progress("publish", done))
    signed = published.get_checkpoint()
    if not json_:
        click.echo(signed.note.decode(), nl=False)
        return
    common.print_json(
        {
            "origin": signed.checkpoint.origin,
            "size": signed.checkpoint.size,
            "root": signed.checkpoint.root.hex(),
            "note": signed.note.decode(),
            "vkeys": [key.text for key in published.list_verifiers()],
        }
    )


@log_group.command("proof", help=write_bilingual("一条日志的离线证明（C2SP tlog-proof）"))
@click.argument("entry", type=click.IntRange(min=1))
@click.option("-o", "--out", type=click.Path(path_type=Path), help=write_bilingual("写入文件"))
def write_proof(entry: int, out: Path | None) -> None:
    """Write a proof of one entry that can be checked without us."""
    from registry.log import entry_proofs

    proof = entry_proofs.make_proof_file(PublishedLog(settings.load()), entry)
    if out is None:
        click.echo(proof.decode(), nl=False)
    else:
        with rights.use_callers_umask():  # it is made to be handed on
            out.write_bytes(proof)
        click.echo(f"{write_bilingual('已写入')}: {out}")


@log_group.command("keys", help=write_bilingual("签名密钥，旧的在前"))
@common.as_json
def list_log_keys(json_: bool) -> None:
    """List the signing keys, oldest first."""
    published = PublishedLog(settings.load())
    rows = [
        {"id": verifier.id.hex(), "vkey": verifier.text, "retired": key.is_retired, "at": key.at}
        | ({"withdrawn": True} if key.withdrawn else {})
        for key, verifier in zip(published.load_keys(), published.list_verifiers(retired=True), strict=True)
    ]
    states = {True: write_bilingual("已停用"), False: write_bilingual("在用")}
    words = [write_bilingual("已收回") if row.get("withdrawn") else states[bool(row["retired"])] for row in rows]
    lines = (
        f"{row['id']}  {word}  {row['at'] or ''}\n    {row['vkey']}" for row, word in zip(rows, words, strict=True)
    )
    common.print_result(rows, lines, json_)


@log_group.command("rotate", help=write_bilingual("增加新签名密钥，与旧密钥并行签名"))
@click.option("--lost", is_flag=True, help=write_bilingual("原密钥文件已遗失，重建"))
def rotate_log_key(lost: bool) -> None:
    """Add a signing key, which signs beside those in use."""
    published = PublishedLog(settings.load())
    published.find_checkpoint()  # a checkpoint that cannot be read is found before the key file changes
    path = settings.load().get_key_file()
    if lost and path.exists():
        raise Conflict(Message("密钥文件 {path} 仍在，无需重建。", path=path))
    with common.open_database() as database:
        with database.reading() as connection:
            replication.refuse_mirror(connection)
            lost_keys = [verifier.public for verifier in published.list_lost_keys(connection)]
        key = signing_keys.recreate_key_file(path, lost_keys) if lost else signing_keys.add_key(path)
        published.publish(database)
    new = next(verifier for verifier in published.list_verifiers() if verifier.public == key.public)
    click.echo(f"{write_bilingual('新密钥')}: {new.text}")
    common.print_both(Message("请通知核验方加入新公钥；过渡期满后停用旧密钥：registry log retire ID"))


@log_group.command("retire", help=write_bilingual("停用一个签名密钥；其公钥保留以便核验旧签名"))
@click.argument("identifier", metavar="ID")
@click.option("--compromised", is_flag=True, help=write_bilingual("密钥可能已为他人所得：其一切签名从此不算数"))
def retire_log_key(identifier: str, compromised: bool) -> None:
    """Let a key sign no more; its public half is kept. A compromised one is withdrawn, with all that it signed."""
    published = PublishedLog(settings.load())
    keys = published.list_verifiers(retired=compromised)
    verifier = next((key for key in keys if key.id.hex() == identifier.lower()), None)
    if verifier is None:
        raise NotFound(Message("没有在用的密钥 {identifier}，见：registry log keys", identifier=identifier))
    with common.open_database() as database:
        with database.reading() as connection:
            # Receipts bear the register's time: none that was given until now may seem to be of a later one.
            now = asof.find_now(connection)
        end_key = signing_keys.withdraw_key if compromised else signing_keys.retire_key
        new = end_key(settings.load().get_key_file(), verifier.public, now)
        published.publish(database)
    click.echo(f"{write_bilingual('已停用')}: {identifier}")
    if new is not None:
        text = next(key.text for key in published.list_verifiers() if key.public == new.public)
        click.echo(f"{write_bilingual('新密钥')}: {text}")
    if compromised:
        common.print_both(Message("请重发此前签发的全部二维码：registry qr issue --all --by USER"))
