"""What an institution's page says to programs and to other people's pages: a sentence, and schema.org's description."""

from __future__ import annotations

import msgspec
from markupsafe import Markup

from registry.domain.model import Institution
from registry.web.i18n import Language
from registry.web.labels import describe_standing
from registry.web.standing import Standing

#: What could end the element in which the data stand, or begin another.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def describe_institution(language: Language, institution: Institution, standing: Standing) -> str:
    """Describe an institution in a sentence for share cards: its standing, what may be done there, where."""
    word = language.translate(f"verdict.{standing.state}.word")
    lines = [line.striptags() for line in describe_standing(language, standing)]
    return language.translate(
        "card.description", word=word, lines=" ".join(lines), address=institution.address
    ).unescape()


def encode_institution(language: Language, institution: Institution, public_url: str) -> Markup:
    """Encode an institution as schema.org MedicalClinic, safe to stand in a page as a data block.

    Only what is in force is offered, and nothing is said of quality.
    """
    region = institution.region
    data = {
        "@context": "https://schema.org",
        "@type": "MedicalClinic",
        "@id": f"{public_url}/i/{institution.code}",
        "url": f"{public_url}/i/{institution.code}",
        "identifier": institution.code,
        "name": institution.name,
        "alternateName": [name for name in (*institution.aliases, institution.name_en) if name],
        "address": {
            "@type": "PostalAddress",
            "addressCountry": "CN",
            "addressRegion": region.province,
            "addressLocality": region.city,
            "streetAddress": institution.address,
        },
        "availableService": [
            {
                "@type": "MedicalTherapy",
                "name": language.get_official_name(approval.technique),
                "alternateName": language.get_plain_word(approval.technique),
            }
            for approval in institution.approvals
            if institution.status == "listed" and approval.standing == "in_force"
        ],
    }
    text = msgspec.json.encode({name: value for name, value in data.items() if value}).decode()
    return Markup("".join(_ESCAPES.get(character, character) for character in text))  # noqa: S704  escaped for scripts
