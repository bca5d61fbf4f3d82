"""QR codes of institutions: proposed to be issued, issued anew or withdrawn, and downloaded to print."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry.accounts import audit_log
from registry.credentials import plan
from registry.credentials.placard import LANGUAGES, PAPERS, SMALL, Placard, make_badges
from registry.domain import regions
from registry.domain.identifiers import parse_code
from registry.errors import Conflict, InvalidCode, InvalidInput, NotAllowed, NotFound
from registry.proposals import credential_proposals
from registry.records import asof
from registry.staff.desk import EDITORS, TEXT_FORM, Desk
from registry.texts import Message

_FORMATS = {
    "pdf": "application/pdf",
    "zip": "application/zip",
    "svg": "image/svg+xml",
    "png": "image/png",
}
#: Codes shown of a region.
_SHOWN = 200
_REFUSALS = (InvalidInput, InvalidCode, NotFound, NotAllowed, Conflict)


def _read_query(desk: Desk, name: str) -> str:
    return str(desk.request.query_params.get(name) or "").strip()[:40]


@get("/qr", sync_to_thread=True)
def show_credentials(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the codes of an institution, or of a region, with their state and what can be done about them."""
    return _render_page(desk, _read_query(desk, "code"), _read_query(desk, "region"))


def _render_page(desk: Desk, code: str, region: str, **values: Any) -> Response[Any]:
    credentials = desk.register.credentials
    errors: list[tuple[str, str]] = values.pop("errors", [])
    found = []
    try:
        found = credentials.list_faults(_choose_credentials(desk, code, region))
    except (InvalidInput, InvalidCode) as error:
        errors = [*errors, *desk.list_errors(error, "code" if code else "region")]
    return desk.render_page(
        "qr",
        status=400 if errors else 200,
        errors=errors,
        code=code,
        region=region,
        found=found[::-1][:_SHOWN],
        more=max(0, len(found) - _SHOWN),
        holding=sum(fault is None for _, fault in found),
        papers=[paper for paper in PAPERS if code or paper != "badge"],
        languages=LANGUAGES,
        formats=list(_FORMATS) if code else ["pdf", "zip"],
        **values,
    )


def _choose_credentials(desk: Desk, code: str, region: str) -> list[Any]:
    """Choose those of an institution, else of the institutions in a region; none before either is named."""
    credentials = desk.register.credentials
    if code:
        return credentials.list_of(parse_code(code))
    if not region:
        return []
    holders = set(credentials.list_holders(_read_region(region)))
    return [one for one in credentials.list_all() if one.institution in holders]


def _read_region(region: str) -> str | None:
    """Read a region's code; None for the whole country."""
    if region == "national":
        return None
    if regions.find_region(region) is None:
        raise InvalidInput(Message("没有行政区划代码“{scope}”；全国请写 national。", scope=region[:20]), field="region")
    return region


@post("/qr/issue", **TEXT_FORM)
def propose_issue(desk: NamedDependency[Desk]) -> Response[Any]:
    """Propose to issue codes, or to issue them anew."""
    code, region, day = (desk.read_field(name) for name in ("code", "region", "expires"))
    try:
        expires = asof.parse_day(day, "expires") if day else None
        codes, place = ([code], None) if code else ((), _read_region(region))
        planned = plan.plan_issue(desk.database, codes, place, expires)
        with audit_log.act_from_address(desk.visitor.address):
            proposal = credential_proposals.propose_issue(
                desk.database, planned, by=desk.account.name, log=desk.register.log
            )
    except _REFUSALS as error:
        return _render_page(desk, code, region, errors=desk.list_errors(error, "expires"), typed=day)
    return desk.redirect_to(f"/staff/proposals/{proposal}")


@post("/qr/withdraw", **TEXT_FORM)
def propose_withdrawal(desk: NamedDependency[Desk]) -> Response[Any]:
    """Propose to withdraw a code, or all of an institution, with a reason that will be published."""
    code, number, reason = desk.read_field("code"), desk.read_field("number", 9), desk.read_field("reason", 2_000)
    try:
        numbers = [int(number)] if number.isascii() and number.isdigit() else []
        planned = plan.plan_withdrawal(desk.database, () if numbers else [code], numbers, reason)
        with audit_log.act_from_address(desk.visitor.address):
            proposal = credential_proposals.propose_withdrawal(
                desk.database, planned, by=desk.account.name, log=desk.register.log
            )
    except _REFUSALS as error:
        return _render_page(desk, code, "", errors=desk.list_errors(error, "reason"), reason=reason)
    return desk.redirect_to(f"/staff/proposals/{proposal}")


@get("/qr/placards", opt=EDITORS | {"lane": "slow"}, sync_to_thread=True)
def download_placards(desk: NamedDependency[Desk]) -> Response[Any]:
    """Download what is to be printed of an institution, or of a region; badges of the people of one institution."""
    from registry.credentials import images, placards  # their library takes 5 MiB, and most processes never draw

    code, region = _read_query(desk, "code"), _read_query(desk, "region")
    kind, paper, languages = (_read_query(desk, name) for name in ("format", "paper", "languages"))
    if kind not in _FORMATS or paper not in PAPERS or languages not in LANGUAGES or (paper == "badge" and not code):
        raise NotFound(Message("此地址没有内容。"))
    desk.register.follow_log()  # what was approved a moment ago is to be printed
    credentials = desk.register.credentials
    codes = [parse_code(code)] if code else credentials.list_holders(_read_region(region))
    chosen: list[Placard] = credentials.list_placards(codes, short=paper in SMALL and kind != "zip")
    if paper == "badge":
        kind, asof = "pdf", desk.register.make_as_of_now()
        chosen = make_badges(chosen, lambda one: desk.register.list_practitioners(one, asof))
    if not chosen or (kind in ("svg", "png") and len(chosen) > 1):
        raise NotFound(Message("没有这样的在用二维码，或已撤回。"))
    public_url = desk.register.settings.public_url
    if kind == "svg":
        content = images.render_svg(chosen[0].text, chosen[0].level)
    elif kind == "png":
        content = images.render_png(chosen[0].text, chosen[0].level, 1200)
    elif kind == "pdf":
        content = placards.render_pdf(chosen, paper, languages, public_url)
    else:
        content = placards.render_zip(chosen, [paper], languages, public_url)
    headers = {"Content-Disposition": f'attachment; filename="qr-{code or region}-{paper}.{kind}"'}
    return Response(content=content, media_type=_FORMATS[kind], headers=headers)
