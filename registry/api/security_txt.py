"""``/.well-known/security.txt`` (RFC 9116): whom to tell of a weakness of this register, where its operator says so."""

from __future__ import annotations

import datetime as dt

from litestar import Response

from registry.api.requests import AnyRequest, get_register
from registry.errors import NotFound
from registry.settings import Settings
from registry.texts import Message
from registry.web.routes import route_get

#: How long what is read today may be relied on; RFC 9116 asks for less than a year.
VALID = dt.timedelta(days=90)


@route_get("/.well-known/security.txt", "security_txt", sync_to_thread=False)
def get_security_txt(request: AnyRequest) -> Response[str]:
    """Return whom to tell; NotFound where nobody is named: the hotline for citizens is not made for this."""
    settings = get_register(request).settings
    if not settings.security_contact:
        raise NotFound(
            Message("本名录的主办单位尚未公布安全漏洞的联系方式（REGISTRY_SECURITY_CONTACT）。"),
        )
    return Response(
        content=format_security_txt(settings, dt.datetime.now(dt.UTC)),
        media_type="text/plain",
        headers={"Cache-Control": "public, max-age=86400"},
    )


def format_security_txt(settings: Settings, now: dt.datetime) -> str:
    """Format the file as of an instant; it expires at the end of a day, so that it is the same all day long."""
    expires = (now + VALID).replace(hour=23, minute=59, second=59, microsecond=0)
    lines = [("Contact", contact) for contact in parse_contacts(settings.security_contact)]
    lines += [("Expires", expires.strftime("%Y-%m-%dT%H:%M:%SZ")), ("Preferred-Languages", "zh, en")]
    public = settings.public_url.rstrip("/")
    if public.startswith("https://"):  # RFC 9116 allows no other address
        lines.append(("Canonical", f"{public}/.well-known/security.txt"))
    if settings.security_policy:
        lines.append(("Policy", settings.security_policy))
    return "".join(f"{name}: {value}\n" for name, value in lines)


def parse_contacts(setting: str) -> list[str]:
    """Parse the contacts as RFC 9116 writes them, the preferred one first: a bare e-mail address becomes a ``mailto:``.

    >>> parse_contacts("security@health.example, https://health.example/report")
    ['mailto:security@health.example', 'https://health.example/report']
    """
    contacts = [contact.strip() for contact in setting.split(",") if contact.strip()]
    return [text if text.startswith(("mailto:", "https://", "tel:")) else f"mailto:{text}" for text in contacts]


handlers = [get_security_txt]
