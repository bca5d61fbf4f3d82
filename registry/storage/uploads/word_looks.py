"""How runs of text in a docx look, by their own properties and by the styles of characters and paragraphs."""

import zipfile
from typing import Any

from lxml import etree

Looks = frozenset[str]
NOTHING: Looks = frozenset()
#: The look of a run by its properties, and whether text so marked may not belong to a name.
_LOOKS = {"vanish": "hidden_text", "webHidden": "hidden_text", "strike": "struck", "dstrike": "struck"}
_STYLES = "word/styles.xml"
#: Styles based on one another in a row: more is a ring.
_DEEPEST = 20


def get_local_name(element: Any) -> str:
    """The name of an element without its namespace; empty of a comment."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def find_value(element: Any) -> str | None:
    """The attribute ``val`` of an element, in whatever namespace."""
    return next((str(value) for key, value in element.attrib.items() if key.endswith("}val")), None)


def is_on(element: Any) -> bool:
    """Whether a property is on: without a value it is."""
    return find_value(element) not in ("0", "false", "off", "none")


def _list_properties(element: Any, name: str) -> list[Any]:
    return [mark for child in element if get_local_name(child) == name for mark in child]


def _read_looks(properties: list[Any]) -> dict[str, bool]:
    """Each look that properties turn on or off."""
    looks: dict[str, bool] = {}
    for mark in properties:
        name = get_local_name(mark)
        if name in _LOOKS:
            looks[_LOOKS[name]] = looks.get(_LOOKS[name], False) or is_on(mark)
        elif name == "vertAlign":
            looks["footnote"] = find_value(mark) == "superscript"
    return looks


class WordStyles:
    """The looks that the styles of a document give, by the ids of styles."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._own: dict[str, tuple[dict[str, bool], str | None]] = {}
        if _STYLES not in archive.namelist():
            return
        with archive.open(_STYLES) as file:
            events = etree.iterparse(file, tag="{*}style", resolve_entities=False, no_network=True, load_dtd=False)
            for _, style in events:
                key = next((str(value) for name, value in style.attrib.items() if name.endswith("}styleId")), "")
                base = next((find_value(child) for child in style if get_local_name(child) == "basedOn"), None)
                self._own[key] = _read_looks(_list_properties(style, "rPr")), base
                style.clear()

    def _find(self, key: str | None, depth: int = 0) -> dict[str, bool]:
        if key is None or key not in self._own or depth > _DEEPEST:
            return {}
        own, base = self._own[key]
        return {**self._find(base, depth + 1), **own}

    def list_paragraph_looks(self, paragraph: Any) -> Looks:
        """What the style of a paragraph gives its runs."""
        properties = _list_properties(paragraph, "pPr")
        key = next((find_value(mark) for mark in properties if get_local_name(mark) == "pStyle"), None)
        return frozenset(look for look, is_set in self._find(key).items() if is_set)

    def list_run_looks(self, run: Any, paragraph: Looks) -> Looks:
        """How a run looks: struck through, hidden, raised as the sign of a footnote is; its own properties decide."""
        properties = _list_properties(run, "rPr")
        if not properties:
            return paragraph
        key = next((find_value(mark) for mark in properties if get_local_name(mark) == "rStyle"), None)
        looks = {**dict.fromkeys(paragraph, True), **self._find(key), **_read_looks(properties)}
        return frozenset(look for look, is_set in looks.items() if is_set)
