"""What is offered to an account with a region, over every route, role and region: what it may do, and nothing else.

Nobody is shown a link, a choice or a form that is then refused to them for their role or region; what lies in the
region is offered; and what is refused is refused as ever (tests/journeys/test_staff_rights.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import urlsplit

import pytest

from registry.accounts import ROLES, changes
from registry.accounts.changes import ChangeRequest
from tests.desk import Staff
from tests.factories import a_list
from tests.forming import drafted, fill, proposed
from tests.journeys.test_staff_rights import MAY, opened
from tests.running import PASSWORD, Cli, Server, serving

Person = Callable[[str, str], Staff]
#: Each with an institution of its own; "" is the whole country, 210000 holds both cities.
REGIONS = ("", "210000", "210300", "210100")
SITES = {
    "210300": ("鞍山市示例生殖医院", "辽宁省鞍山市铁东区示例路1号"),
    "210100": ("沈阳市示例生殖医院", "辽宁省沈阳市和平区示例路2号"),
}
#: Links that lead out of the workspace, or end it.
_ELSEWHERE = re.compile("/staff(?!/sign-out)")
_LINK = re.compile(r'href="([^"#]+)"')
_ACTION = re.compile(r'<form[^>]* action="([^"]+)"[^>]* method="post"')
#: Pages of one person are crawled up to so many: every kind of page is among them.
MOST = 120


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """An account for each role and region; in each of two cities an institution and a proposal that waits; one for the
    whole country; a change of an account that waits; an edition of each city."""
    folder = tmp_path_factory.mktemp("regions")
    cli = Cli(folder / "var", inside=True)
    cli.ok("init")
    for who in ("editor", "approver", "publisher", "administrator"):
        cli.ok("user", "add", f"first.{who}", "--role", who, input=PASSWORD)
    for role in ROLES:
        for region in REGIONS:
            cli.ok("user", "add", name_of(role, region), "--role", role, "--region", region, input=PASSWORD)
    rows = [{"name": name, "address": address} for name, address in SITES.values()]
    listed = cli.ok(
        "import", a_list(folder / "all.csv", rows), "--as-of", "2025-09-30", "--by", "first.editor", "--json"
    )
    cli.ok("approve", listed.json["proposal"], "--by", "first.approver")
    for number, (name, address) in enumerate(SITES.values()):
        row = {"name": f"{name}分院", "address": address.replace("示例路", "示例新路")}
        path = a_list(folder / f"{number}.csv", [row])
        cli.ok("import", path, "--as-of", "2025-10-30", "--by", "first.editor", "--json")
    with opened(cli) as database, database.writing() as connection:
        for region in REGIONS:
            request = ChangeRequest(kind="rights", account=name_of("editor", region), roles=("auditor",), region=region)
            changes.submit_change(connection, "first.administrator", request)
    return cli


def name_of(role: str, region: str) -> str:
    return f"{role}.{region or 'all'}"


@pytest.fixture(scope="module")
def running(register: Cli) -> Iterator[Server]:
    with serving(register.data_dir) as server:
        yield server


@pytest.fixture(scope="module")
def person(running: Server) -> Iterator[Callable[[str, str], Staff]]:
    """Somebody of a role and region, signed in; everybody once."""
    there: dict[str, Staff] = {}

    def find(role: str, region: str) -> Staff:
        name = name_of(role, region)
        if name not in there:
            there[name] = Staff(running, name).sign_in()
        return there[name]

    yield find
    for one in there.values():
        one.client.close()


@pytest.fixture(scope="module")
def codes(running: Server) -> dict[str, str]:
    """The code of the institution in each city."""
    return {region: running.api("/institutions", q=name)["items"][0]["code"] for region, (name, _) in SITES.items()}


def crawl(one: Staff, start: tuple[str, ...]) -> tuple[dict[str, int], set[str]]:
    """(the status of every page that links lead to, the addresses that forms go to)."""
    seen: dict[str, int] = {}
    actions: set[str] = set()
    waiting = list(start)
    while waiting and len(seen) < MOST:
        path = waiting.pop(0)
        if path in seen:
            continue
        answer = one.client.get(path)
        seen[path] = answer.status_code
        if not answer.headers.get("content-type", "").startswith("text/html") or path.startswith("/staff/trail"):
            continue  # what happened everywhere is named there, also what its reader may not open
        actions |= {urlsplit(unescape(found)).path for found in _ACTION.findall(answer.text)}
        links = (unescape(found) for found in _LINK.findall(answer.text))
        waiting += [link for link in links if _ELSEWHERE.match(link) and "lang=" not in link and link not in seen]
    return seen, actions


def is_open_to(role: str, method: str, path: str) -> bool:
    """Whether the table of every route lets a role do something."""
    patterns = {re.sub(r"\{\w+\}", "[^/]+", route): allowed for (verb, route), allowed in MAY.items() if verb == method}
    found = [allowed for pattern, allowed in patterns.items() if re.fullmatch(pattern, path)]
    return not found or any(role in allowed for allowed in found)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("role", ROLES)
def test_nobody_is_offered_what_is_refused_to_them(
    person: Person, codes: dict[str, str], role: str, region: str
) -> None:
    one = person(role, region)
    start = ("/staff", "/staff/records", *(f"/staff/records/{code}" for code in codes.values()))
    searches = tuple(f"/staff/{page}" for page in ("records?q=示例生殖", "suspend?code=示例生殖", "suspend?code=沈阳"))
    if role not in ("editor", "approver"):
        searches = searches[:1]
    seen, actions = crawl(one, (*start, *searches))
    assert {path: status for path, status in seen.items() if status not in (200, 303, 404)} == {}
    assert [path for path in actions if not is_open_to(role, "POST", path)] == []
    assert len(seen) > 8
    inside = {city for city in SITES if city.startswith(region.rstrip("0"))}
    for city, code in codes.items():
        if role in ("editor", "approver"):
            assert (f"/staff/suspend?code={code}" in seen) is (city in inside), (city, sorted(seen))
        if role == "editor":
            forms = [path for path in seen if path.startswith("/staff/forms/") and code.replace("-", "") in path]
            assert bool(forms) is (city in inside)


def test_choices_hold_what_the_region_may_state(person: Person, codes: dict[str, str]) -> None:
    for region, whole_country in (("", True), ("210300", False)):
        one = person("editor", region)
        page = one.get("/staff/imports/new")
        assert ('name="scope" value="national"' in page) is whole_country
        found = one.get("/staff/suspend?code=示例生殖")
        assert ("沈阳市示例" in found) is whole_country
        assert "鞍山市示例" in found
    one = person("approver", "210300")
    outside = one.get(f"/staff/suspend?code={codes['210100']}")
    assert 'name="technique"' not in outside  # of another city it says so, and has no form


def test_accounts_and_their_changes_are_those_of_the_region(person: Person) -> None:
    one = person("administrator", "210300")
    page = one.get("/staff/accounts")
    names = set(re.findall(r'href="/staff/accounts/([a-z0-9.]+)"', page))
    assert names == {name_of(role, "210300") for role in ROLES}
    assert page.count("/staff/accounts/changes/") == 1
    assert one.client.get(f"/staff/accounts/{name_of('editor', '210100')}").status_code == 403
    assert one.client.get("/staff/accounts/changes/1").status_code == 403
    added = one.send("/staff/accounts", name="far.editor", role="editor", region="210100")
    assert added.status_code == 403


@pytest.mark.parametrize(
    ("typed", "where"),
    [
        ({"organisation": "鞍山市示例门诊部"}, "210300"),
        ({"organisation": "示例助孕公司", "region": "210303"}, "210303"),
    ],
)
def test_staff_of_a_city_register_a_penalty_on_somebody_there_who_is_not_in_the_register(
    person: Person, typed: dict[str, str], where: str
) -> None:
    stated = {
        **{"kind": "penalty", "authority": "鞍山市卫生健康委员会", "document_no": f"鞍卫医罚示例{where}号"},
        **{"decided_on": "2025-10-17", "summary": "未取得许可开展示例活动", "effective": "2025-10-18"},
    }
    editor = person("editor", "210300")
    number = proposed(editor, drafted(editor, "/staff/forms/sanction", **stated, **typed, doc_date="2025-10-18"))
    other = person("approver", "210100")
    assert other.client.get(f"/staff/proposals/{number}").status_code == 403
    approver = person("approver", "210300")
    page = approver.get(f"/staff/proposals/{number}")
    assert "鞍山市" in page
    assert typed["organisation"] in page
    done = approver.send(f"/staff/proposals/{number}/approve", on=f"/staff/proposals/{number}")
    assert done.status_code == 200
    far = fill(editor, "/staff/forms/sanction", **stated, organisation="沈阳市示例公司")
    assert "不在其内" in far.text
