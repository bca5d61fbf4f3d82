"""The manifest of the service: where it is, what its identifiers mean, which properties and types it offers."""

from __future__ import annotations

from typing import Any

from registry import __version__
from registry.domain.techniques import TECHNIQUES
from registry.reconciliation.properties import PROPERTIES, Property
from registry.texts import Message, write_bilingual

#: Queries of one batch at most.
BATCH = 50
TYPE = "institution"
_TYPE_NAME = Message("名录中的机构")
_ON = (Message("所问日期", context="setting"), Message("按这一天的记载，YYYY-MM-DD；不填为今天"))
_TECHNIQUE = (Message("技术", context="setting"), Message("批准类属性只取这一项技术"))
_ALL = Message("全部")


def describe_type(lang: str) -> dict[str, str]:
    """Describe the one type there is: being in the register, which is not being licensed."""
    return {"id": TYPE, "name": _TYPE_NAME.to_text(lang)}


def make_manifest(public_url: str, lang: str) -> dict[str, Any]:
    """Make the service manifest. Its addresses are those the public reaches: ``REGISTRY_PUBLIC_URL``."""
    root = public_url.rstrip("/")
    base = f"{root}/reconcile"
    documentation = f"{root}/developers#reconcile"

    def make_suggest_entry(what: str) -> dict[str, str]:
        return {
            "service_url": base,
            "service_path": f"/suggest/{what}",
            "flyout_service_url": base,
            "flyout_service_path": f"/flyout/{what}?id=${{id}}",
        }

    return {
        "versions": ["0.2"],
        "name": write_bilingual("人类辅助生殖技术机构名录"),
        "identifierSpace": f"{root}/i/",
        "schemaSpace": documentation,
        "documentation": documentation,
        "serviceVersion": __version__,
        "defaultTypes": [describe_type(lang)],
        "view": {"url": f"{root}/i/{{{{id}}}}"},
        "feature_view": {"url": f"{documentation}-{{{{id}}}}"},
        "preview": {"url": f"{base}/preview?id={{{{id}}}}", "width": 420, "height": 320},
        "suggest": {what: make_suggest_entry(what) for what in ("entity", "property", "type")},
        "extend": {
            "propose_properties": {"service_url": base, "service_path": "/properties"},
            "property_settings": _make_settings(lang),
        },
        "batchSize": BATCH,
    }


def _make_settings(lang: str) -> list[dict[str, Any]]:
    on, on_help, technique, technique_help = (text.to_text(lang) for text in (*_ON, *_TECHNIQUE))
    choices = [{"value": "", "name": _ALL.to_text(lang)}]
    choices += [{"value": t.code, "name": f"{t.code} {t.get_plain_word(lang)}"} for t in TECHNIQUES]
    return [
        {"name": "on", "label": on, "type": "text", "default": "", "help_text": on_help},
        {
            "name": "technique",
            "label": technique,
            "type": "select",
            "default": "",
            "help_text": technique_help,
            "choices": choices,
        },
    ]


def describe_property(prop: Property, lang: str) -> dict[str, str]:
    """Describe a property as suggestions and proposals show it."""
    return {"id": prop.id, "name": prop.get_name(lang), "description": prop.get_meaning(lang)}


def search_properties(prefix: str, lang: str) -> list[dict[str, str]]:
    """List properties whose id, name or meaning has what was typed, those beginning with it first; all for nothing."""
    typed = prefix.strip().lower()
    names = {prop.id: (prop.id.lower(), *(name.lower() for name in prop.name.get_both())) for prop in PROPERTIES}
    first = [prop for prop in PROPERTIES if any(name.startswith(typed) for name in names[prop.id])]
    others = [
        prop
        for prop in PROPERTIES
        if prop not in first and typed in f"{names[prop.id]}{prop.get_meaning(lang)}".lower()
    ]
    return [describe_property(prop, lang) for prop in [*first, *others]]


def search_types(prefix: str, lang: str) -> list[dict[str, str]]:
    """Return the type, when what was typed may be it."""
    typed = prefix.strip().lower()
    return [describe_type(lang)] if any(typed in name for name in (TYPE, *_TYPE_NAME.get_both())) else []
