"""Each answer against the log: what a door said must be what the log says at the size that the answer states."""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from collections.abc import Callable
from typing import Any

from bench.soak.oracle import LAWFUL, TECHNIQUES, Log, compact_code, find_day_at

#: What is compared of a source; answers may have more.
_SOURCE = ("title", "as_of", "published", "scope", "secondary")
_TITLE = re.compile(r"<h1>(.*?)</h1>")
_WORD = re.compile(r'<h2 class="verdict-word">([^<]*)')
_ROW = re.compile(
    r'<th scope="row">[^<]*</th>\s*<td class="official[^"]*">([^<]*)</td>\s*<td><span class="tag[^"]*">([^<]*)<'
)
_UPDATED = re.compile(r'<dt>更新时间</dt><dd><time datetime="([^"]+)"')
_CARD = re.compile(r'<h3><a href="/i/([0-9A-Z]{4}-[0-9A-Z]{4})">(.*?)</a></h3>')
_MARKS = re.compile(r"<[^>]+>")
#: The words that the pages have for stages.
STAGES = {
    "preparing": ("筹建",),
    "trial": ("试运行",),
    "formal": ("正式运行",),
    "operating": ("正式或试运行", "名录未说明是正式运行还是试运行"),
    "rectification": ("限期整改",),
    "suspended": ("暂停", "停业整改", "已暂停"),
    "revoked": ("撤销", "已撤销"),
    "lapsed": ("失效", "已失效"),
    "not_yet": ("尚未生效",),
    "unknown": ("无法确认",),
}


class WrongAnswer(Exception):
    """An answer that the log contradicts: what the door said, and what the log says."""

    def __init__(self, said: Any, log: Any) -> None:
        super().__init__(f"{said!r} / {log!r}")
        self.said, self.log = said, log


class UnreadableAnswer(Exception):
    """An answer about more of the log than was read so far: to be looked at again later."""


Sample = dict[str, Any]


def find_sizes(log: Log, sample: Sample) -> list[int]:
    """The log sizes that an answer says it rests on; of a page all that fit the time it shows."""
    check = CHECKS.get(sample["question"].get("check", ""))
    return check(log, sample) if check is not None else []


def _require_equal(said: Any, log: Any) -> None:
    if said != log:
        raise WrongAnswer(said, log)


def _check_size(log: Log, size: int) -> int:
    if size > log.get_size:
        raise UnreadableAnswer
    return size


def _list_days(sample: Sample) -> list[str]:
    """The day that was asked about; without one, the days it was while it was answered."""
    if on := sample["question"].get("on"):
        return [on]
    return sorted({find_day_at(sample["wall"]), find_day_at(sample["wall"] + sample["ended"] - sample["sent"])})


# --- verdicts --------------------------------------------------------------------------------------------------------


def check_verdict(log: Log, sample: Sample) -> list[int]:
    """The answer of `/verify`."""
    return [_check_answer(log, sample["question"], json.loads(sample["body"]), _list_days(sample))]


def _check_answer(log: Log, question: dict[str, Any], answer: dict[str, Any], days: list[str]) -> int:
    size, on = _check_size(log, answer["log"]["size"]), answer["on"]
    _require_equal(answer["log"]["root"], log.roots[size])
    if on not in days:
        raise WrongAnswer(on, days)
    if known_at := question.get("known_at"):
        _require_equal(size, log.get_size_at(known_at))
    subject, technique = question["subject"], question["technique"]
    value = log.get_values(subject, size, on)
    if "name" in question and value.get("name") != question["name"]:
        return size  # asked by a name that it no longer has, or not yet: whom it means is another question
    if answer["verdict"] == "ambiguous" and "name" in question and log.is_shared(subject, question["name"], size, on):
        return size  # another site has this name but for a bracket, and the claim gave no address
    expected, stage = log.judge_claim(subject, technique, size, on)
    if answer["verdict"] == "ambiguous" and "name" in question and expected == "not_found" and value:
        _require_equal(answer["match"], None)
        return size  # its record has ended, and others are said to bear its name or to stand where it stood
    data = answer["techniques"][0]
    _require_equal(
        {"verdict": answer["verdict"], "technique": data["technique"], "its": data["verdict"], "stage": data["stage"]},
        {"verdict": expected, "technique": technique, "its": expected, "stage": stage},
    )
    if log.is_recorded(subject, size, on):
        found = answer["match"] or {}
        named = {field: found.get(field) for field in ("code", "name", "address")}
        code = subject.partition(":")[2]
        _require_equal(named, {"code": f"{code[:4]}-{code[4:]}", "name": value["name"], "address": value["address"]})
    if expected == "licensed":
        held = log.holds_entry(subject, size, on)[f"approvals.{technique}"]
        if data["basis"] is not None:
            _require_equal(data["basis"]["entry"], held.number)
    return size


def check_batch(log: Log, sample: Sample) -> list[int]:
    """The answers of `/verify/batch`, as JSON or as lines: in order, and all of one size."""
    body, claims = sample["body"], sample["question"]["claims"]
    lines = sample["question"].get("lines")
    answers = [json.loads(line) for line in body.splitlines() if line] if lines else json.loads(body)["answers"]
    _require_equal([one["id"] for one in answers], [one["id"] for one in claims])
    found = {
        _check_answer(log, claim, one, _list_days({**sample, "question": claim}))
        for claim, one in zip(claims, answers, strict=True)
    }
    if len(found) != 1:
        raise WrongAnswer(f"sizes {sorted(found)}", "one size")
    return sorted(found)


# --- records ---------------------------------------------------------------------------------------------------------


def check_item(log: Log, sample: Sample) -> list[int]:
    """One institution."""
    data = json.loads(sample["body"])
    size = _check_size(log, data["log_size"])
    if known_at := sample["question"].get("known_at"):
        _require_equal(size, log.get_size_at(known_at))
    _check_record(log, data, size, _list_days(sample), sample["question"]["subject"])
    return [size]


def _check_record(log: Log, data: dict[str, Any], size: int, days: list[str], subject: str) -> None:
    said = {**data, "region": data["region"]["code"]}
    closest: Any = None
    for day in days:
        expected = log.find_institution(subject, size, day)
        if expected is None:
            continue
        there: dict[str, Any] = {field: said.get(field) for field in expected}
        if there["source"] is not None:
            there["source"] = {field: there["source"].get(field) for field in _SOURCE}
        there["approvals"] = [{field: one.get(field) for field in _FIELDS} for one in there["approvals"]]
        if there == expected:
            return
        closest = ({f: v for f, v in there.items() if v != expected[f]}, {f: expected[f] for f in expected})
    if closest is None:
        raise WrongAnswer(said, f"nothing recorded of {subject} at {size} on {days}")
    raise WrongAnswer(closest[0], {field: closest[1][field] for field in closest[0]})


_FIELDS = ("stage", "valid_from", "verification_due", "document_no", "authority", "note", "technique", "name")


def check_listing(log: Log, sample: Sample) -> list[int]:
    """A page of `/institutions`: every item, and how many there are where the question counts all."""
    data, question = json.loads(sample["body"]), sample["question"]
    size = _check_size(log, data["log_size"])
    for one in data["items"]:
        _require_equal(one["log_size"], size)
        _check_record(log, one, size, _list_days(sample), compact_code(one["code"]))
    if "count" in question:  # of every status, in a place or anywhere
        prefix = question["count"]
        counts = [
            sum(
                log.is_recorded(subject, size, day)
                and (log.get_values(subject, size, day).get("region") or "").startswith(prefix)
                for subject in log.list_subjects()
            )
            for day in _list_days(sample)
        ]
        if data["total"] not in counts:
            raise WrongAnswer({"total": data["total"]}, {"total": counts})
    if subject := question.get("subject"):  # asked by its whole name, which nobody else has
        named = any(log.get_values(subject, size, day).get("name") == question["name"] for day in _list_days(sample))
        if named and subject not in [compact_code(one["code"]) for one in data["items"]]:
            raise WrongAnswer([one["name"] for one in data["items"]], f"{subject} has this name at {size}")
    return [size]


def check_history(log: Log, sample: Sample) -> list[int]:
    """What was stated of an institution: the entries about it, in order."""
    data, subject = json.loads(sample["body"]), sample["question"]["subject"]
    size = _check_size(log, data["log_size"])
    entries = [one["number"] for one in log.entries[:size] if one["subject"] == subject]
    _require_equal([one["entry"] for one in data["versions"]], entries)
    return [size]


# --- the log itself --------------------------------------------------------------------------------------------------


def check_changes(log: Log, sample: Sample) -> list[int]:
    """A page of the feed: the very entries and leaves."""
    data, since = json.loads(sample["body"]), sample["question"]["since"]
    size = _check_size(log, data["log_size"])
    until = data["next"]
    _require_equal(data["entries"], log.entries[since:until])
    _require_equal(data["leaves"], log.leaves[since:until])
    return [size]


def check_checkpoint(log: Log, sample: Sample) -> list[int]:
    """The signed checkpoint: a root that the log has at that size."""
    import base64

    _, size, root = sample["body"].splitlines()[:3]
    _require_equal(base64.b64decode(root).hex(), log.roots[_check_size(log, int(size))])
    return []  # signed after the commit: it may be behind for a moment


# --- where the size is not stated ------------------------------------------------------------------------------------


def check_names(log: Log, sample: Sample) -> list[int]:
    """Suggestions and candidates: each name is one that the institution has at some size the answer may rest on."""
    body = json.loads(sample["body"])
    found: list[dict[str, Any]] = list(body.get("items", ()))
    found = found or [one for question in body.values() for one in _list_candidates(question)]
    least = sample["least"]
    for one in found:
        subject = compact_code(one.get("code") or one["id"])
        held = {
            log.get_values(subject, size, day).get("name")
            for size in [least, *_list_later_sizes(log, subject, least)]
            for day in _list_days(sample)
        }
        if one["name"] not in held:
            raise WrongAnswer(one["name"], sorted(filter(None, held)))
    return []


def _list_candidates(question: Any) -> list[dict[str, Any]]:
    return list(question.get("result", ())) if isinstance(question, dict) else []


def _list_later_sizes(log: Log, subject: str, least: int) -> list[int]:
    return [one["number"] for one in log.entries[least:] if one["subject"] == subject]


def check_page(log: Log, sample: Sample) -> list[int]:
    """An institution's page: its name and how it stands, at one of the sizes of the second that the page states."""
    text, subject = sample["body"], sample["question"]["subject"]
    title, word, updated = (pattern.search(text) for pattern in (_TITLE, _WORD, _UPDATED))
    if not (title and word and updated):
        raise WrongAnswer(text[:500], "a page with a name, a standing and a time")
    rows = [(html.unescape(official), html.unescape(stage)) for official, stage in _ROW.findall(text)]
    said = (_strip_markup(title[1]), html.unescape(word[1]).strip(), rows)
    fitting = []
    expected: list[Any] = []
    for size in _find_sizes_at(log, updated[1]):
        for day in _list_days(sample):
            expected.append(_find_standing(log, subject, size, day))
            if _fits_standing(said, expected[-1]):
                fitting.append(size)
    if not fitting:
        raise WrongAnswer(said, expected[:4])
    return [max(fitting)]


def _strip_markup(marked: str) -> str:
    return html.unescape(_MARKS.sub("", marked)).strip()


def _find_sizes_at(log: Log, updated: str) -> list[int]:
    shown = dt.datetime.fromisoformat(updated).astimezone(dt.UTC)
    found = list(log.find_sizes_shown_as(shown.strftime("%Y-%m-%dT%H:%M:%S")))
    if not found:
        raise UnreadableAnswer
    return found  # whatever else was recorded within that second was read before this was looked at


def _find_standing(log: Log, subject: str, size: int, day: str) -> tuple[str, str, dict[str, str]] | None:
    """(name, state, stages by technique) as a page must show them."""
    if not log.is_recorded(subject, size, day):
        return None
    value = log.get_values(subject, size, day)
    approvals = {code: value[f"approvals.{code}"] for code in TECHNIQUES if f"approvals.{code}" in value}
    stages = {}
    for code in approvals:
        word, stage = log.judge_claim(subject, code, size, day)
        if value["status"] == "delisted":
            stages[TECHNIQUES[code]] = approvals[code]["stage"]
        else:
            others = {"technique_not_licensed": "not_yet", "unknown": "unknown", "suspended": "suspended"}
            stages[TECHNIQUES[code]] = others.get(word) or stage or ""
    return value["name"], value["status"], stages


_WORDS = {"listed": ("已获批准", "部分获批", "试运行"), "delisted": ("不在名录", "已移出名录", "已不在名录")}


def _fits_standing(
    said: tuple[str, str, list[tuple[str, str]]], expected: tuple[str, str, dict[str, str]] | None
) -> bool:
    if expected is None:
        return False
    name, status, stages = expected
    if said[0] != name:
        return False
    if status == "delisted":  # its approvals are not shown
        return said[1] not in _WORDS["listed"]
    lawful = any(stage in LAWFUL for stage in stages.values())
    if lawful != (said[1] in _WORDS["listed"]):
        return False
    shown = dict(said[2])
    return shown.keys() == stages.keys() and all(shown[one] in STAGES[stages[one]] for one in stages)


def check_cards(log: Log, sample: Sample) -> list[int]:
    """The page of results: each card's name is its institution's."""
    text = sample["body"]
    updated = _UPDATED.search(text)
    if not updated:
        raise WrongAnswer(text[:500], "a page with a time")
    found = [(compact_code(code), _strip_markup(name)) for code, name in _CARD.findall(text)]
    possible = _find_sizes_at(log, updated[1])
    fitting = [
        size
        for size in possible
        if any(all(log.get_values(s, size, day).get("name") == name for s, name in found) for day in _list_days(sample))
    ]
    if not fitting:
        size, day = possible[-1], _list_days(sample)[0]
        raise WrongAnswer(found, [log.get_values(subject, size, day).get("name") for subject, _ in found])
    return [max(fitting)]


def check_edition(log: Log, sample: Sample) -> list[int]:
    """The list of an edition: each record is the log's at the size it is frozen at, and nobody is left out."""
    data = json.loads(sample["body"])
    size, day = _check_size(log, data["log"]["size"]), data["edition"]["as_of"]
    _require_equal(data["log"]["root"], log.roots[size])
    for one in data["items"]:
        value = log.get_values(compact_code(one["code"]), size, day)
        _require_equal({"name": one["name"], "address": one["address"]}, {f: value.get(f) for f in ("name", "address")})
    there = {compact_code(one["code"]) for one in data["items"]}
    missing = [one for one in log.list_subjects() if one not in there and _is_open(log, one, size, day)]
    if missing:
        raise WrongAnswer({"items": len(there)}, {"missing": missing[:20]})
    return []


def _is_open(log: Log, subject: str, size: int, day: str) -> bool:
    """Whether something may be done there: such an institution is in every edition."""
    return any(log.judge_claim(subject, code, size, day)[0] == "licensed" for code in TECHNIQUES)


CHECKS: dict[str, Callable[[Log, Sample], list[int]]] = {
    "verdict": check_verdict,
    "batch": check_batch,
    "item": check_item,
    "listing": check_listing,
    "history": check_history,
    "changes": check_changes,
    "checkpoint": check_checkpoint,
    "names": check_names,
    "page": check_page,
    "cards": check_cards,
    "edition": check_edition,
}
