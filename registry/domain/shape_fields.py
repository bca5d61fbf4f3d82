"""The names of the fields of a Struct that a path inside JSON leads to, for whoever wrote another one there."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

import msgspec

from registry.texts import Listing, Message

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>.*?)`(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[[^\]]*\]")


class UnknownField(NamedTuple):
    """A field that there is not: its path, and the sentence that names it and those that there are."""

    path: str
    message: Message


def find_unknown_field(error: Exception, shape: Any) -> UnknownField | None:
    """The field that a decoder of ``shape`` refused; None where its error is another one."""
    found = _UNKNOWN.match(str(error))
    if found is None:
        return None
    field, path = found["field"], found["path"] or ""
    names = list_field_names(shape, path)
    message = Message("未知的字段 {field}", field=field[:60])
    if names:
        message = Message("未知的字段 {field}；可用：{allowed}", field=field[:60], allowed=Listing(names))
    return UnknownField(f"{path}.{field[:60]}" if path else field[:60], message)


@cache
def list_field_names(shape: Any, path: str = "") -> tuple[str, ...]:
    """The names of the fields that the object at ``path`` may have; none where no Struct is there.

    ``path`` is as msgspec's errors have it, without ``$``: ``claims[...].provider``.
    """
    node: Any = msgspec.inspect.type_info(shape)
    for step in _STEP.finditer(path):
        node = _find_inside(node, step[1])
        if node is None:
            return ()
    return tuple(field.encode_name for field in node.fields) if isinstance(node, msgspec.inspect.StructType) else ()


def _find_inside(node: Any, name: str | None) -> Any:
    """The type of a field, or of the elements of a list where no name is given; null is no other type."""
    if name is None:
        inside = getattr(node, "item_type", None)
    else:
        inside = next((field.type for field in getattr(node, "fields", ()) if field.encode_name == name), None)
    if isinstance(inside, msgspec.inspect.Metadata):
        inside = inside.type
    if isinstance(inside, msgspec.inspect.UnionType):
        inside = next((part for part in inside.types if not isinstance(part, msgspec.inspect.NoneType)), None)
    return inside
