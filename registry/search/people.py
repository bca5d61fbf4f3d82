"""A question that names a person beside an institution: which part of it may be the person.

People are found by institution and full name together. Nobody can list them, or look for a name across institutions.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from registry.search.contract import QueryReading, SearchQuery
from registry.search.words import split_name

#: What names more institutions than this names none: their people are not looked at.
INSTITUTIONS = 5
#: A word that tells an institution from others: 医院 does not, 妇婴 does. See ``search.load_catalogue``.
_TELLING = 0.4
_SHORTEST, _LONGEST, _READINGS = 2, 12, 2
#: A name written right after its institution's: so long at most, and the institution's at least so long.
_GLUED, _LEAST_LEFT = 4, 4
#: Family names that begin a name which is written right after an institution's: nine people in ten have one of these.
_FAMILIES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付傅方邹熊白孟秦邱侯江尹薛闫阎雷龙黎史陶贺毛段郝顾龚邵覃武钱戴严莫孔向常汤康易乔赖文施洪辛柯欧阳"
)


def split_off_person(query: SearchQuery) -> Iterator[tuple[QueryReading, str]]:
    """(the question without it, the person's name folded), the likeliest first."""
    for reading in query.readings[:_READINGS]:
        if not reading.text:
            continue
        for at in range(len(reading.parts) - 1, -1, -1):
            person = reading.parts[at]
            rest = (*reading.parts[:at], *reading.parts[at + 1 :])
            if _SHORTEST <= len(person) <= _LONGEST and _is_distinctive("".join(rest)):
                yield _remove_person(reading, "".join(rest), rest), person
        if not reading.parts:
            for length in range(_SHORTEST, min(_GLUED, len(reading.text) - _LEAST_LEFT) + 1):
                if reading.text[-length] not in _FAMILIES or not _is_distinctive(reading.text[:-length]):
                    continue
                yield _remove_person(reading, reading.text[:-length], ()), reading.text[-length:]


def _is_distinctive(name: str) -> bool:
    return any(word.weight >= _TELLING for word in split_name(name))


def _remove_person(reading: QueryReading, text: str, parts: tuple[str, ...]) -> QueryReading:
    return msgspec.structs.replace(reading, text=text, parts=parts if len(parts) > 1 else ())
