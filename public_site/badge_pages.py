"""Pictures of an institution for other people's pages: its badge and its share card, and the share card of the site."""

from __future__ import annotations

from typing import ClassVar

from litestar import Response
from litestar.params import FromPath

from public_site import responses, share_card
from public_site.responses import PageContext, PageRequest, get_register, read_language
from registry.domain.model import Institution
from registry.errors import CannotAnswer, InvalidInput, NotFound
from registry.web.i18n import Language
from registry.web.labels import describe_standing
from registry.web.routes import route_get
from registry.web.standing import TONES, Standing, State, Tone, make_standing

#: A badge is asked for by many pages; a minute later it may say something else.
_CACHE = {"Cache-Control": responses.PAGE_CACHE, "Content-Security-Policy": "default-src 'none'"}


class Badge(PageContext, frozen=True, kw_only=True):
    """The badge: whose register says it, and the word of the standing."""

    template: ClassVar[str] = "badge.svg"
    state: State
    tone: Tone
    code: str = ""

    def measure(self, label: str, word: str) -> tuple[int, int]:
        """Measure the halves for the label and the word, in pixels."""
        return share_card.measure_text(label) + 44, share_card.measure_text(word) + 24


def _render_badge(
    request: PageRequest, state: State, status: int, code: str = "", tone: Tone | None = None
) -> Response[str]:
    headers = _CACHE if status == 200 else {**_CACHE, "Cache-Control": "no-store"}
    badge = Badge(state=state, tone=tone or TONES[state], code=code)
    text = responses.render_page(badge, read_language(request).lang)
    return Response(text, status_code=status, media_type="image/svg+xml", headers=headers)


def render_error_badge(request: PageRequest, error: Exception) -> Response[str]:
    """Draw why there is no standing to show, in the same place: a picture that fails would say nothing."""
    state: State = (
        "not_found"
        if isinstance(error, NotFound)
        else "mistyped"
        if isinstance(error, InvalidInput)
        else "cannot_answer"
    )
    status = {"not_found": 404, "mistyped": 400}.get(state, 503)
    return _render_badge(request, state, status)


@route_get("/badge/{name:str}", "badge", exception_handlers={Exception: render_error_badge})
def get_badge(request: PageRequest, name: FromPath[str]) -> Response[str]:
    """Draw the standing of an institution today, for a page of its own; ``name`` is its code with .svg."""
    register = get_register(request)
    institution = register.get_institution(name.removesuffix(".svg"), register.make_as_of_now())
    standing = make_standing(institution)
    return _render_badge(request, standing.state, 200, institution.code, standing.tone)


@route_get("/i/{code:str}/card.png", "card", opt={"lane": "slow"})  # a tenth of a second of drawing
def get_institution_card(request: PageRequest, code: FromPath[str]) -> Response[bytes]:
    """Draw the share card of an institution: its name, its standing today, what may be done there."""
    register, language = get_register(request), read_language(request)
    institution = register.get_institution(code, register.make_as_of_now())
    standing = make_standing(institution, register.read_first_days(code, register.make_as_of_now()))
    return _make_picture_response(draw_institution_card(language, institution, standing))


def draw_institution_card(language: Language, institution: Institution, standing: Standing) -> bytes:
    """Draw the share card of an institution as PNG."""
    lines = [str(line.striptags()) for line in describe_standing(language, standing)[:2]]
    day = language.format_day(institution.source.as_of).striptags() if institution.source else "–"
    return share_card.render_card(
        (language.english and institution.name_en) or institution.name,
        str(language.translate(f"verdict.{standing.state}.word")),
        standing.tone,
        (institution.address, *lines),
        str(language.translate("card.footer", site=language.translate("site.name"), day=day)),
    )


@route_get("/card.png", "site_card", opt={"lane": "slow"})
def get_site_card(request: PageRequest) -> Response[bytes]:
    """Draw the share card of the site: its name, its figure and the day of that."""
    language = read_language(request)
    try:
        stats = responses.get_stats(request)
    except CannotAnswer:
        stats = None
    figure = (
        ""
        if stats is None or stats.as_of is None
        else str(language.translate("home.count", count=stats.total, day=language.format_day(stats.as_of)).striptags())
    )
    name, title = str(language.translate("site.name")), str(language.translate("home.title"))
    lead = str(language.translate("home.lead"))
    return _make_picture_response(share_card.render_card(title, figure or name, "plain", (lead,), name))


def _make_picture_response(picture: bytes) -> Response[bytes]:
    return Response(picture, media_type="image/png", headers={"Cache-Control": "public, max-age=3600"})
