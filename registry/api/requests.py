"""What handlers of the API read of a request: the register, the two times, techniques, a body of JSON."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import PathParameter, QueryParameter

from registry.domain.shape_fields import find_unknown_field
from registry.errors import InvalidInput, make_nesting_error
from registry.records import asof as times
from registry.records.asof import AsOf
from registry.register import Register
from registry.texts import Message, write_bilingual

AnyRequest = Request[Any, Any, Any]  # no users, no sessions: nothing to type further
_ON = write_bilingual("所问日期 YYYY-MM-DD，默认为北京时间今天；可以是将来的日期，自 1949-01-01 至 9999-12-30。")
_KNOWN_AT = write_bilingual("只按名录在此时刻（RFC 3339，带时区）所知回答，默认现在；此后的更正与补记都不计入。")
# As text, for records.asof to understand: what is wrong is answered by what to write instead, and a bare number is not
# taken for the seconds since 1970.
OnText = Annotated[str | None, QueryParameter(description=_ON, schema_extra={"format": "date"})]
KnownAtText = Annotated[str | None, QueryParameter(description=_KNOWN_AT, schema_extra={"format": "date-time"})]
Code = Annotated[
    str,
    PathParameter(description=write_bilingual("名录编码 XXXX-XXXX；小写、无横线、O/0、I/L/1 均可。")),
]
_MESSAGE = re.compile(r"^(?P<message>.*?)(?: - at `\$\.?(?P<field>.*)`)?$", re.DOTALL)
_Shape = TypeVar("_Shape")


def get_register(request: AnyRequest) -> Register:
    """Return the register this process serves."""
    register: Register = request.app.state.register
    return register


def parse_on(text: str | None) -> dt.date | None:
    """Parse the day a read asks about, if it names one; InvalidInput saying what to write when it is malformed."""
    return None if text is None else times.parse_day(text)


def parse_known_at(text: str | None) -> dt.datetime | None:
    """Parse the instant a read asks about, if it names one; InvalidInput saying what to write when it is malformed."""
    return None if text is None else times.parse_instant(text)


def read_asof(request: AnyRequest, on: str | None, known_at: str | None) -> AsOf:
    """Return the pair of times a read asks about."""
    return get_register(request).make_as_of(parse_on(on), parse_known_at(known_at))


def parse_techniques(technique: list[str] | None) -> tuple[str, ...]:
    """Split the techniques that a read names, repeated or with commas between; InvalidInput for an empty one."""
    words = tuple(word for part in technique or [] for word in part.split(","))
    if not all(words):  # left out, it would ask about no technique at all
        raise InvalidInput(
            Message("technique 是空的：请填写技术代码或俗称，或不填此项。"),
        )
    return words


def decode_json(
    text: bytes | str, decoder: msgspec.json.Decoder[_Shape], make_error: Callable[[Exception], Exception]
) -> _Shape:
    """Decode JSON of anybody's making; what ``make_error`` makes of an error, InvalidInput for brackets without end."""
    try:
        return decoder.decode(text)
    except RecursionError as error:
        raise make_nesting_error() from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise make_error(error) from error


async def decode_body(request: AnyRequest, decoder: msgspec.json.Decoder[_Shape]) -> _Shape:
    """Decode the body as exactly its shape; ValidationException naming the field for what is only like it."""
    return decode_body_bytes(await request.body(), decoder)


def decode_body_bytes(body: bytes, decoder: msgspec.json.Decoder[_Shape]) -> _Shape:
    """Decode a body that was read: as ``decode_body``."""
    return decode_json(body, decoder, lambda error: _make_body_error(error, decoder.type))


def _make_body_error(error: Exception, shape: Any) -> Exception:
    if isinstance(error, msgspec.ValidationError):
        if unknown := find_unknown_field(error, shape):
            return ValidationException(detail=str(error), extra=[{"message": unknown.message, "key": unknown.path}])
        match = _MESSAGE.match(str(error))
        message, field = (match["message"], match["field"]) if match else (str(error), None)
        return ValidationException(detail=message, extra=[{"message": message, "key": field}])
    if isinstance(error, UnicodeDecodeError):
        return HTTPException(status_code=400, detail=f"UTF-8: {error.reason} (byte {error.start})")
    return HTTPException(status_code=400, detail=f"JSON: {error}")
