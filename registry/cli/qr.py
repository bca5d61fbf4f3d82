"""Commands about QR codes: issue, withdraw, list, verify, bundle, placards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from registry import settings
from registry.cli import common, main
from registry.credentials import plan
from registry.credentials.service import load_bundle
from registry.credentials.verifier import ScanAnswer, check_scan, get_fault_sentence, get_sentence
from registry.domain.techniques import BY_CODE
from registry.errors import InvalidInput
from registry.log.clock import read_clock
from registry.log.publish import PublishedLog
from registry.register import open_register
from registry.storage import rights
from registry.texts import Message, write_bilingual

#: Ways of choosing institutions.
codes_argument = click.argument("codes", nargs=-1, metavar="CODE...")
of_region = click.option("--region", help=write_bilingual("这个行政区划内的全部机构"))
every = click.option("--all", "all_", is_flag=True, help=write_bilingual("全部机构"))


@main.group("qr", help=write_bilingual("二维码：签发、撤回、核验、标牌"))
def qr_group() -> None:
    """QR codes of institutions."""


def require_choice(codes: tuple[str, ...], region: str | None, all_: bool) -> None:
    """Require exactly one way of choosing institutions."""
    if sum((bool(codes), region is not None, all_)) != 1:
        raise click.UsageError(write_bilingual("请给出编码，或 --region，或 --all"))


@qr_group.command("issue", help=write_bilingual("提出签发或重发二维码；由另一人审批"))
@codes_argument
@of_region
@every
@click.option("--expires", type=common.DayParam(), help=write_bilingual("有效期的最后一天，默认两年"))
@common.by_user
@common.as_json
def issue_credentials(
    codes: tuple[str, ...], region: str | None, all_: bool, expires: dt.date | None, by: str | None, json_: bool
) -> None:
    """Propose to issue credentials; a second person approves."""
    from registry.proposals import credential_proposals

    by = common.require_account(by)
    require_choice(codes, region, all_)
    with common.open_database() as database:
        planned = plan.plan_issue(database, codes, region, expires)
        log = PublishedLog(settings.load())
        proposal = credential_proposals.propose_issue(database, planned, by=by, log=log)
    _print_plan(planned, proposal, json_)


@qr_group.command("withdraw", help=write_bilingual("提出撤回二维码；由另一人审批"))
@codes_argument
@click.option("--number", "numbers", type=int, multiple=True, help=write_bilingual("只撤回这一号，可重复"))
@click.option("--reason", required=True, help=write_bilingual("撤回的理由，公众会看到"))
@common.by_user
@common.as_json
def withdraw_credentials(
    codes: tuple[str, ...], numbers: tuple[int, ...], reason: str, by: str | None, json_: bool
) -> None:
    """Propose to withdraw credentials, all of an institution or some by number."""
    from registry.proposals import credential_proposals

    by = common.require_account(by)
    if not codes and not numbers:
        raise click.UsageError(write_bilingual("请给出编码，或 --number"))
    with common.open_database() as database:
        planned = plan.plan_withdrawal(database, codes, numbers, reason)
        log = PublishedLog(settings.load())
        proposal = credential_proposals.propose_withdrawal(database, planned, by=by, log=log)
    _print_plan(planned, proposal, json_)


def _print_plan(planned: plan.CredentialPlan, proposal: int, json_: bool) -> None:
    if json_:
        common.print_json({"proposal": proposal, "count": len(planned.drafts), "omitted": planned.omitted})
        return
    click.echo(f"{write_bilingual('二维码')}: {len(planned.drafts)}")
    for name in planned.omitted:
        click.echo(f"{write_bilingual('未签发：今天没有可以开展的技术')}: {name}")
    common.print_proposal(proposal)


@qr_group.command("list", help=write_bilingual("已签发的二维码，及其是否仍然有效"))
@codes_argument
@common.as_json
def list_credentials(codes: tuple[str, ...], json_: bool) -> None:
    """List credentials with their state."""
    from registry.domain.identifiers import parse_code

    wanted = {parse_code(code) for code in codes}
    register = open_register(settings.load())
    register.follow_log()
    try:
        chosen = [one for one in register.credentials.list_all() if not wanted or one.institution in wanted]
        found = register.credentials.list_faults(chosen)
    finally:
        register.close()
    rows = [{**msgspec.to_builtins(one), "institution": one.code, "fault": fault} for one, fault in found]
    lines = (
        f"{one.number:>6}  {one.code}  {one.expires}  {one.name}"
        + (f"  [{get_fault_sentence(fault).to_bilingual()}]" if fault else "")
        for one, fault in found
    )
    common.print_result(rows, lines, json_)


@qr_group.command("verify", help=write_bilingual("核验二维码：其文字，或一张图片"))
@click.argument("scanned", metavar="TEXT|IMAGE")
@click.option(
    "--offline",
    "saved",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=write_bilingual("只用这个文件（registry qr bundle 所存），不问名录"),
)
@common.as_json
def verify_scan(scanned: str, saved: Path | None, json_: bool) -> None:
    """Say in one word what a scanned code is worth; exits 0 when what is printed holds, 1 otherwise."""
    from registry.credentials.pictures import is_picture, read_codes
    from registry.credentials.scan import parse_scan

    texts = read_codes(Path(scanned).read_bytes()) if is_picture(Path(scanned)) else [scanned]
    if len(texts) > 1:
        raise InvalidInput(Message("图片中有{count}个二维码，请只拍一个。", count=len(texts)))
    if saved is not None:
        bundle = load_bundle(saved)
        answer = check_scan(parse_scan(texts[0], bundle.address), bundle, read_clock())
    else:
        register = open_register(settings.load())
        try:
            register.follow_log()
            answer = register.credentials.check_text(texts[0])
        finally:
            register.close()
    common.print_result(answer, _describe_answer(answer), json_)
    if not answer.is_good:
        raise click.exceptions.Exit(1)


def _describe_answer(answer: ScanAnswer) -> Iterator[str]:
    yield from get_sentence(answer.word).get_both()
    if answer.fault is not None:
        yield from get_fault_sentence(answer.fault).get_both()
    if (token := answer.token) is not None:
        techniques = "、".join(BY_CODE[technique].plain_zh for technique in token.techniques)
        for label, value in (
            (Message("编码"), token.sub),
            (Message("所印名称"), token.name),
            (Message("所印地址"), token.address),
            (Message("所印技术"), techniques),
            (Message("签发"), token.issue_time.date()),
        ):
            yield f"{label.to_bilingual()}: {value}"
    if answer.list_age is not None:
        yield write_bilingual("状态列表签发于{minutes}分钟前", minutes=answer.list_age // 60)
    if answer.now is not None:
        name, address, standing = answer.now.name, answer.now.address, answer.now.standing
        yield f"{write_bilingual('名录现在所载')}: {name}  {address}  [{standing}]"


@qr_group.command("bundle", help=write_bilingual("存下公钥与状态列表，供离线核验"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def save_bundle(file: Path) -> None:
    """Save what `verify --offline` needs."""
    register = open_register(settings.load())
    try:
        register.follow_log()
        bundle = register.credentials.make_bundle()
    finally:
        register.close()
    with rights.use_callers_umask():  # it is made to be handed on
        file.write_bytes(msgspec.json.encode(bundle))
    click.echo(f"{write_bilingual('已写入')}: {file}")
