"""Pages of a search without ceiling, people beside their institution, and names people use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from registry.errors import InvalidInput
from registry.importers.seed import common_names
from registry.institutions.result import InstitutionHit, SearchRequest, SearchResult
from registry.records import history, lookup
from registry.records.asof import AsOf, make_as_of
from registry.register import Register
from registry.search import fetch_plan
from registry.settings import Settings
from registry.storage.database import Database
from tests.factories import (
    DAY,
    a_change,
    a_database,
    a_person,
    a_register,
    a_source,
    a_view,
    an_institution,
    approve,
    ask,
    enter,
    propose,
)

MANY = fetch_plan.FETCH_LIMIT + 57


def number(n: int) -> str:
    """A brand of two characters, another for every n."""
    return "华安康宁和平光明新春建文解友胜红旗幸团"[n // 20] + "青滨永乐兴爱同济仁博协嘉佑瑞盛锦雅玛丽家"[n % 20]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    folder = tmp_path_factory.mktemp("many")
    drafts = [
        an_institution(
            f"鞍山{number(n)}妇产医院", f"鞍山市铁西区示例路{n}号", IVF="formal", PGT="formal" if n % 3 else None
        )
        for n in range(MANY)
    ]
    a_register(folder, a_source(), *drafts).close()
    register = Register(Settings(data_dir=folder))
    yield register
    register.close()


def walked(
    register: Register, choice: SearchRequest, limit: int, between: Callable[[], None] = lambda: None
) -> list[SearchResult]:
    pages = [register.search_institutions(choice, register.make_as_of(DAY), limit=limit)]
    while pages[-1].next:
        between()
        pages.append(register.search_institutions(choice, register.make_as_of(DAY), limit=limit, cursor=pages[-1].next))
        assert len(pages) <= MANY
    return pages


def names(pages: list[SearchResult]) -> list[str]:
    return [item.institution.name for page in pages for item in page.items]


@pytest.mark.parametrize("limit", [7, 50, 300, 500])
@pytest.mark.parametrize(
    "choice",
    [
        SearchRequest(),
        SearchRequest(q="妇产医院"),
        SearchRequest(q="fuchan"),
        SearchRequest(q="fcyy"),
        SearchRequest(q="鞍山 妇产"),
        SearchRequest(q="医院", technique=("PGT",)),
        SearchRequest(q="妇产医院", region="210300", stage="formal"),
        SearchRequest(technique=("PGT",)),
    ],
    ids=str,
)
def test_every_page_goes_on_where_the_last_one_ended_until_all_were_shown(
    many: Register, choice: SearchRequest, limit: int
) -> None:
    pages = walked(many, choice, limit)
    shown = names(pages)
    wanted = MANY - (MANY + 2) // 3 if choice.technique else MANY
    assert len(shown) == len(set(shown)) == wanted
    assert all(len(page.items) == limit for page in pages[:-1])
    for page in pages:
        assert page.total == wanted or (page.at_least and page.total <= wanted)


def test_what_is_appended_while_somebody_turns_pages_shifts_nothing(tmp_path: Path) -> None:
    drafts = [an_institution(f"鞍山{number(n)}妇产医院", f"辽宁省鞍山市铁西区示例路{n}号") for n in range(60)]
    with closing(a_register(tmp_path, a_source(), *drafts)) as database:
        register = Register(Settings(data_dir=tmp_path))
        before = names(walked(register, SearchRequest(q="妇产医院"), 9))
        later = iter(range(100, 200))

        def another() -> None:
            enter(
                database,
                an_institution(f"鞍山{number(next(later))}妇产医院", f"辽宁省鞍山市铁东区示例路{next(later)}号"),
            )

        assert names(walked(register, SearchRequest(q="妇产医院"), 9, another)) == before
        register.close()


def test_a_cursor_nobody_gave_is_refused_with_what_to_do(many: Register) -> None:
    for cursor in ("x", "AAAA", "W10", "我"):
        with pytest.raises(InvalidInput, match="第一页"):
            many.search_institutions(SearchRequest(q="妇产"), many.make_as_of(DAY), cursor=cursor)


# --- people ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Register]:
    folder = tmp_path_factory.mktemp("people")
    one = an_institution("示例市示例妇婴医院", "辽宁省鞍山市铁西区示例路1号")
    other = an_institution("示例市示例中心医院", "辽宁省鞍山市铁西区示例路2号")
    people = [a_person(one, "张示例"), a_person(one, "李示例"), a_person(other, "张示例"), a_person(other, "欧阳示例")]
    a_register(folder, a_source(), one, other, *people).close()
    register = Register(Settings(data_dir=folder))
    yield register
    register.close()


def found_with_people(register: Register, question: str) -> list[tuple[str, list[str | None]]]:
    items: list[InstitutionHit] = register.search_institutions(
        SearchRequest(q=question), register.make_as_of(DAY)
    ).items
    return [(item.institution.name, [person.name for person in item.practitioners]) for item in items]


@pytest.mark.parametrize(
    "question",
    [
        "示例妇婴医院 张示例",
        "张示例 示例妇婴医院",
        "示例妇婴医院张示例",
        "示例市示例婦嬰醫院　張示例",
        "妇婴医院，张示例",
    ],
)
def test_a_person_is_found_with_the_institution(staffed: Register, question: str) -> None:
    assert found_with_people(staffed, question) == [("示例市示例妇婴医院", ["张示例"])]


def test_a_name_of_two_institutions_is_shown_at_each_that_was_named(staffed: Register) -> None:
    assert sorted(found_with_people(staffed, "示例市示例 张示例")) == [
        ("示例市示例中心医院", ["张示例"]),
        ("示例市示例妇婴医院", ["张示例"]),
    ]


@pytest.mark.parametrize(
    "question", ["张示例", "李示例", "欧阳示例", "张", "示例医师", "医院 张示例", "zhangshili", "鞍山 张示例"]
)
def test_a_name_alone_finds_nobody(staffed: Register, question: str) -> None:
    assert all(people == [] for _, people in found_with_people(staffed, question))


@pytest.mark.parametrize(
    "question", ["示例妇婴医院 王示例", "示例妇婴医院 张", "示例妇婴医院 欧阳示例", "示例妇婴医院 张示"]
)
def test_nobody_is_named_who_does_not_work_there_or_by_half_a_name(staffed: Register, question: str) -> None:
    assert all(people == [] for _, people in found_with_people(staffed, question))


# --- names people use ------------------------------------------------------------------------------------------------


def a_file(folder: Path, *rows: str) -> Path:
    path = folder / "names.csv"
    path.write_text("\n".join(["name,known_as,source", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Database]:
    one = an_institution("示例市示例妇婴医院", "辽宁省鞍山市铁西区示例路1号")
    other = an_institution("示例市示例中心医院", "辽宁省鞍山市铁西区示例路2号")
    with closing(a_register(tmp_path, a_source(), one, other)) as database:
        yield database


def take(database: Database, path: Path) -> list[str]:
    """Propose and approve what a file changes; the names of the institutions it changed."""
    changed = [one for one in common_names.compare_file(database, path) if one.has_changes]
    if changed:
        approve(database, propose(database, *common_names.make_drafts(changed, DAY)))
    return [one.name for one in changed]


def known(database: Database, question: str) -> list[tuple[str, str, str | None]]:
    register = Register(Settings(database_url=str(database.url)))
    items = register.search_institutions(SearchRequest(q=question), register.make_as_of(DAY)).items
    register.close()
    return [(item.institution.name, item.match, item.by) for item in items]


def test_a_name_people_use_finds_its_institution_and_never_licenses_it(named: Database, tmp_path: Path) -> None:
    assert known(named, "红楼医院") == []
    assert take(named, a_file(tmp_path, "示例市示例妇婴医院,红楼医院,街坊都这样叫")) == ["示例市示例妇婴医院"]
    assert known(named, "红楼医院") == [("示例市示例妇婴医院", "known_as", "红楼医院")]
    assert known(named, "honglou") == [("示例市示例妇婴医院", "pinyin", "红楼医院")]
    assert ask(a_view(named), "红楼医院", "IVF", on=DAY).verdict == "not_found"


def test_where_a_name_comes_from_is_in_the_log(named: Database, tmp_path: Path) -> None:
    take(named, a_file(tmp_path, "示例市示例妇婴医院,红楼医院,街坊都这样叫"))
    with named.reading() as connection:
        asof = make_as_of(connection)
        one = next(iter(lookup.read_institutions(connection, [lookup.to_subject(_code(named))], asof)))
        versions = history.list_versions(connection, lookup.to_subject(_code(named)), asof)
    assert one.known_as == ["红楼医院"]
    assert "街坊都这样叫" in str(versions[-1])


def _code(database: Database) -> str:
    register = Register(Settings(database_url=str(database.url)))
    code = (
        register.search_institutions(SearchRequest(q="示例市示例妇婴医院"), register.make_as_of(DAY))
        .items[0]
        .institution.code
    )
    register.close()
    return code.replace("-", "")


def test_the_file_says_all_names_of_those_in_it_and_nothing_of_the_others(named: Database, tmp_path: Path) -> None:
    take(named, a_file(tmp_path, "示例市示例妇婴医院,红楼医院,a", "示例市示例中心医院,白楼医院,b"))
    assert take(named, a_file(tmp_path, "示例市示例妇婴医院,红楼医院,a")) == []
    assert take(named, a_file(tmp_path, "示例市示例妇婴医院,新红楼医院,a")) == ["示例市示例妇婴医院"]
    assert known(named, "白楼医院") == [("示例市示例中心医院", "known_as", "白楼医院")]
    assert take(named, a_file(tmp_path, "示例市示例妇婴医院,,")) == ["示例市示例妇婴医院"]
    assert [match for _, match, _ in known(named, "新红楼医院") if match == "known_as"] == []


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        (["没有的医院,某某,a"], "第2行", "没有这家机构"),
        (["示例市示例妇婴医院,红楼医院,"], "第2行", "须有机构名称和依据"),
        ([",红楼医院,a"], "第2行", "须有机构名称和依据"),
        (["示例市示例妇婴医院,红楼医院,a", "示例市示例中心医院,紅樓醫院,b"], "第3行", "第2行"),
        (["示例市示例妇婴医院,示例市示例婦嬰醫院,a"], "第2行", "相同"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_line(
    named: Database, tmp_path: Path, rows: list[str], line: str, words: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        take(named, a_file(tmp_path, *rows))
    assert line in refused.value.get_text("zh-CN")
    assert words in refused.value.get_text("zh-CN")
    assert refused.value.get_text("en").isascii() or "line" in refused.value.get_text("en")


def test_a_former_name_finds_the_institution_for_ever(tmp_path: Path) -> None:
    one = an_institution("示例市示例旧名医院")
    renamed = a_change(one, dt.date(2026, 1, 1), {"name": "示例市示例新楼医院"})
    with closing(a_database(tmp_path)) as database:
        enter(database, a_source(), one)
        enter(database, renamed)
        register = Register(Settings(data_dir=tmp_path))
        size = register.make_as_of().size
        for day, name in ((DAY, "示例市示例旧名医院"), (dt.date(2026, 2, 1), "示例市示例新楼医院")):
            first = register.search_institutions(SearchRequest(q="旧名医院"), AsOf(valid_on=day, size=size)).items[0]
            assert (first.institution.name, first.match) == (name, "former_name")
        register.close()


def test_of_many_institutions_that_a_word_names_nobodys_people_are_looked_at(tmp_path: Path) -> None:
    hospitals = [an_institution(f"鞍山{number(n)}妇产医院", f"辽宁省鞍山市铁西区示例路{n}号") for n in range(8)]
    a_register(tmp_path, a_source(), *hospitals, *(a_person(one, "张示例") for one in hospitals)).close()
    register = Register(Settings(data_dir=tmp_path))
    assert found_with_people(register, f"鞍山{number(3)}妇产医院 张示例") == [(f"鞍山{number(3)}妇产医院", ["张示例"])]
    assert all(people == [] for _, people in found_with_people(register, "妇产医院 张示例"))
    register.close()
