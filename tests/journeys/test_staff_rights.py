"""Who may do what in the workspace, as a table over every route; and what forged, stolen and stale requests get."""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from registry.accounts import ROLES, changes
from registry.accounts.changes import ChangeRequest
from registry.importers.wizard import import_store
from registry.server.app import build_app
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import proposals, staff_sessions
from tests.desk import Staff
from tests.factories import a_list
from tests.forming import PDF, fill
from tests.running import PASSWORD, PATIENCE, Cli, Server, serving

Arrive = Callable[..., Staff]
NOBODY = frozenset[str]()
EVERYBODY, DECIDERS, PUBLISHERS = frozenset(ROLES), frozenset({"approver"}), frozenset({"publisher"})
EDITORS = frozenset({"editor"})
ADMINISTRATORS, AUDITORS = frozenset({"administrator"}), frozenset({"administrator", "auditor"})
LETTER_WRITERS = frozenset({"editor", "approver", "publisher", "auditor"})
PROPOSERS, STOPPERS = frozenset({"editor", "publisher"}), frozenset({"editor", "approver"})
#: Who may, of every route of the workspace that wants an open session.
MAY = {
    ("GET", "/staff"): EVERYBODY,
    ("GET", "/staff/due"): EVERYBODY,
    ("GET", "/staff/due.csv"): EVERYBODY,
    ("GET", "/staff/due.ics"): EVERYBODY,
    ("GET", "/staff/calendar"): EVERYBODY,
    ("GET", "/staff/account"): EVERYBODY,
    ("GET", "/staff/oidc/proved"): EVERYBODY,
    ("POST", "/staff/account/end"): EVERYBODY,
    ("POST", "/staff/account/recovery"): EVERYBODY,
    ("POST", "/staff/account/passkeys"): EVERYBODY,
    ("POST", "/staff/account/passkeys/add"): EVERYBODY,
    ("POST", "/staff/account/passkeys/{number}/remove"): EVERYBODY,
    ("GET", "/staff/password"): EVERYBODY,
    ("POST", "/staff/password"): EVERYBODY,
    ("GET", "/staff/accounts"): ADMINISTRATORS,
    ("POST", "/staff/accounts"): ADMINISTRATORS,
    ("GET", "/staff/accounts/{name}"): ADMINISTRATORS,
    ("POST", "/staff/accounts/{name}"): ADMINISTRATORS,
    ("GET", "/staff/accounts/changes/{number}"): ADMINISTRATORS,
    ("POST", "/staff/accounts/changes/{number}"): ADMINISTRATORS,
    ("GET", "/staff/proposals"): EVERYBODY,
    ("GET", "/staff/proposals/{number}"): EVERYBODY,
    ("GET", "/staff/proposals/{number}/report"): EVERYBODY,
    ("GET", "/staff/proposals/{number}/aside.csv"): EVERYBODY,
    ("GET", "/staff/proposals/{number}/edition"): EVERYBODY,
    ("GET", "/staff/proposals/{number}/edition/{name}"): EVERYBODY,
    ("POST", "/staff/proposals/{number}/approve"): DECIDERS,
    ("POST", "/staff/proposals/{number}/reject"): DECIDERS,
    ("POST", "/staff/proposals/{number}/return"): DECIDERS,
    ("POST", "/staff/proposals/{number}/comment"): EVERYBODY,
    ("POST", "/staff/proposals/{number}/withdraw"): PROPOSERS,
    ("GET", "/staff/qr"): EVERYBODY,
    ("GET", "/staff/qr/placards"): EDITORS,
    ("POST", "/staff/qr/issue"): EDITORS,
    ("POST", "/staff/qr/withdraw"): EDITORS,
    ("GET", "/staff/letters"): LETTER_WRITERS,
    ("POST", "/staff/letters"): LETTER_WRITERS,
    ("GET", "/staff/notices"): EVERYBODY,
    ("POST", "/staff/notices"): EVERYBODY,
    ("POST", "/staff/notices/{number}"): EVERYBODY,
    ("GET", "/staff/renewals"): EDITORS,
    ("POST", "/staff/renewals"): EDITORS,
    ("GET", "/staff/suspend"): STOPPERS,
    ("POST", "/staff/suspend"): STOPPERS,
    ("GET", "/staff/leads"): STOPPERS,
    ("GET", "/staff/leads.csv"): STOPPERS,
    ("GET", "/staff/leads/{number}"): STOPPERS,
    ("POST", "/staff/leads/{number}/step"): STOPPERS,
    ("GET", "/staff/leads/{number}/pictures/{position}"): STOPPERS,
    ("GET", "/staff/leads/{number}/files/{step}"): STOPPERS,
    ("GET", "/staff/handover"): EVERYBODY,
    ("GET", "/staff/handover/file"): EVERYBODY,
    ("GET", "/staff/measures"): EVERYBODY,
    ("GET", "/staff/measures/file/{kind}"): EVERYBODY,
    ("GET", "/staff/measures/figures/{code}"): EVERYBODY,
    ("GET", "/staff/measures/records"): EVERYBODY,
    ("GET", "/staff/measures/records/new"): EDITORS,
    ("POST", "/staff/measures/records"): EDITORS,
    ("GET", "/staff/measures/records/{number}"): EVERYBODY,
    ("POST", "/staff/measures/records/{number}"): STOPPERS,
    ("GET", "/staff/measures/records/{number}/correct"): EDITORS,
    ("POST", "/staff/measures/records/{number}/correct"): EDITORS,
    ("GET", "/staff/measures/contacts"): EVERYBODY,
    ("GET", "/staff/measures/contacts/new"): EDITORS,
    ("POST", "/staff/measures/contacts"): EDITORS,
    ("GET", "/staff/measures/contacts/{number}"): EVERYBODY,
    ("GET", "/staff/measures/contacts/{number}/correct"): EDITORS,
    ("POST", "/staff/measures/contacts/{number}/correct"): EDITORS,
    ("POST", "/staff/measures/contacts/{number}/erase"): ADMINISTRATORS,
    ("GET", "/staff/editions"): EVERYBODY,
    ("POST", "/staff/editions"): PUBLISHERS,
    ("GET", "/staff/editions/new"): PUBLISHERS,
    ("POST", "/staff/editions/preview"): PUBLISHERS,
    ("GET", "/staff/editions/withdraw"): PUBLISHERS,
    ("POST", "/staff/editions/withdraw"): PUBLISHERS,
    ("GET", "/staff/imports"): EDITORS,
    ("GET", "/staff/imports/new"): EDITORS,
    ("POST", "/staff/imports"): EDITORS,
    ("GET", "/staff/imports/templates/{kind}"): EDITORS,
    ("GET", "/staff/imports/{number}"): EDITORS,
    ("GET", "/staff/imports/{number}/audit.csv"): EDITORS,
    ("GET", "/staff/imports/{number}/aside.csv"): EDITORS,
    ("POST", "/staff/imports/{number}/columns"): EDITORS,
    ("POST", "/staff/imports/{number}/decide"): EDITORS,
    ("POST", "/staff/imports/{number}/answer"): EDITORS,
    ("POST", "/staff/imports/{number}/correct"): EDITORS,
    ("POST", "/staff/imports/{number}/resolve"): EDITORS,
    ("POST", "/staff/imports/{number}/spelling"): EDITORS,
    ("POST", "/staff/imports/{number}/compare"): EDITORS,
    ("POST", "/staff/imports/{number}/propose"): EDITORS,
    ("POST", "/staff/imports/{number}/cancel"): EDITORS,
    ("GET", "/staff/records"): EVERYBODY,
    ("GET", "/staff/records.csv"): EVERYBODY,
    ("GET", "/staff/search"): EVERYBODY,
    ("GET", "/staff/proposals.csv"): EVERYBODY,
    ("GET", "/staff/regions"): EVERYBODY,
    ("GET", "/staff/records/{code}"): EVERYBODY,
    ("GET", "/staff/forms/{kind}"): EDITORS,
    ("POST", "/staff/forms/{kind}"): EDITORS,
    ("GET", "/staff/drafts"): EDITORS,
    ("GET", "/staff/drafts/{number}"): EDITORS,
    ("POST", "/staff/drafts/{number}"): EDITORS,
    ("GET", "/staff/drafts/{number}/check"): EDITORS,
    ("POST", "/staff/drafts/{number}/join"): EDITORS,
    ("POST", "/staff/drafts/{number}/propose"): EDITORS,
    ("POST", "/staff/drafts/{number}/discard"): EDITORS,
    ("POST", "/staff/proposals/{number}/draft"): EDITORS,
    ("GET", "/staff/attachments/{sha256}"): EVERYBODY,
    ("GET", "/staff/trail"): AUDITORS,
    ("GET", "/staff/trail.csv"): AUDITORS,
}
#: Those that come before: whoever has a session that is open is sent on, or signs out.
BEFORE = {
    ("GET", "/staff/sign-in"),
    ("POST", "/staff/sign-in"),
    ("POST", "/staff/sign-out"),
    ("GET", "/staff/second"),
    ("POST", "/staff/second"),
    ("GET", "/staff/enrol"),
    ("POST", "/staff/enrol"),
    ("GET", "/staff/oidc"),
    ("GET", "/staff/oidc/back"),
    ("GET", "/staff/calendars/{name}/{code}"),
}
#: What a form holds that is refused for what it says, so that asking changes nothing.
FORMS = {
    "/staff/account/end": {"session": "none"},
    "/staff/password": {"old": "x"},
    "/staff/accounts": {"name": "Bad Name"},
    "/staff/accounts/{name}": {"action": "none"},
    "/staff/accounts/changes/{number}": {"action": "none"},
    "/staff/forms/{kind}": {"base_size": "0"},
    "/staff/proposals/{number}/approve": {"seen": "x"},
    "/staff/proposals/{number}/reject": {"reason": ""},
    "/staff/proposals/{number}/return": {"wanted": ""},
    "/staff/proposals/{number}/comment": {"text": ""},
    "/staff/suspend": {"code": "00000000"},
    "/staff/leads/{number}/step": {"action": "comment", "seen": "0"},
    "/staff/measures/records": {"kind": "training"},
    "/staff/editions": {"title": ""},
    "/staff/editions/preview": {"title": ""},
    "/staff/editions/withdraw": {"edition": "none"},
}


#: What only a proposal of a form, or of an edition, has: that of this table is neither. And nobody has a passkey, nor
#: is a code asked for by name. The one lead has no picture and was handed over to nobody. No activity and no contact
#: was entered, none is of no kind, and no figure is called as an institution is.
NOT_THERE = {
    "/staff/notices/{number}",
    "/staff/qr/placards",
    "/staff/proposals/{number}/draft",
    "/staff/proposals/{number}/edition",
    "/staff/proposals/{number}/edition/{name}",
    "/staff/account/passkeys/{number}/remove",
    "/staff/leads/{number}/pictures/{position}",
    "/staff/leads/{number}/files/{step}",
    "/staff/measures/file/{kind}",
    "/staff/measures/figures/{code}",
    "/staff/measures/records/new",
    *("/staff/measures/records/{number}", "/staff/measures/records/{number}/correct"),
    *("/staff/measures/contacts/{number}", "/staff/measures/contacts/{number}/correct"),
    "/staff/measures/contacts/{number}/erase",
}


def routes() -> set[tuple[str, str]]:
    return {
        (method, route.path_format)
        for route in build_app(Settings()).routes
        if route.path.startswith("/staff")
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }


def proposed(cli: Cli, folder: Path, name: str = "沈阳市示例增补医院") -> int:
    path = a_list(folder / "new.csv", [{"name": name, "address": "辽宁省沈阳市和平区示例路9号"}])
    return int(cli.ok("import", path, "--as-of", "2025-09-30", "--by", "editor.z", "--json").json["proposal"])


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A small register with an account for each role, and an editor who proposes."""
    folder = tmp_path_factory.mktemp("rights")
    cli = Cli(folder / "var", inside=True)
    cli.ok("init")
    for role in ROLES:
        cli.ok("user", "add", f"one.{role}", "--role", role, input=PASSWORD)
    cli.ok("user", "add", "editor.z", "--role", "editor", input=PASSWORD)
    cli.ok("user", "add", "two.administrator", "--role", "administrator", input=PASSWORD)
    with opened(cli) as database, database.writing() as connection:
        request = ChangeRequest(kind="rights", account="one.editor", roles=("auditor",))
        assert changes.submit_change(connection, "two.administrator", request) == 1
    return cli


@pytest.fixture(scope="module")
def running(register: Cli) -> Iterator[Server]:
    with serving(register.data_dir) as server:
        yield server


@pytest.fixture(scope="module")
def people(running: Server) -> Iterator[dict[str, Staff]]:
    """Somebody of each role, signed in."""
    there = {role: Staff(running, f"one.{role}").sign_in() for role in ROLES}
    yield there
    for one in there.values():
        one.client.close()


@pytest.fixture(scope="module")
def number(register: Cli, tmp_path_factory: pytest.TempPathFactory) -> int:
    return proposed(register, tmp_path_factory.mktemp("proposed"))


@pytest.fixture(scope="module")
def imported(register: Cli) -> int:
    """An import of one.editor that waits for its columns to be named, and of whose number no proposal is."""
    with opened(register) as database, database.writing() as connection:
        one = import_store.create_import(
            connection, "one.editor", "list", io.BytesIO(b"a"), name="a.csv", options={"as_of": "2025-06-30"}
        )
        nothing = {"rows": 0, "layouts": []}
        import_store.save_import(connection, one, state="mapping", found=nothing)
    return one.id


@pytest.fixture(scope="module")
def held(
    register: Cli, running: Server, people: dict[str, Staff], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What addresses name beside a number: an account, a form, the code of an institution, a document's hash."""
    made = proposed(register, tmp_path_factory.mktemp("known"), "沈阳市示例在册医院")
    register.ok("approve", made, "--by", "one.approver")
    code = register.ok("search", "沈阳市示例在册医院", "--json").json["items"][0]["institution"]["code"]
    fill(people["editor"], "/staff/forms/institution", action="save", document=PDF)
    assert running.client.post("/api/v1/leads", json={"what": "示例线索的内容"}).status_code == 200
    return {
        **{"position": "1", "step": "1"},
        "name": "editor.z",
        "code": code,
        "sha256": hashlib.sha256(PDF).hexdigest(),
    }


def number_in(path: str, number: int, imported: int, draft: int = 1) -> int:
    # the one change of an account that waits; passkeys there are none; and the one lead
    if path.startswith(("/staff/account", "/staff/leads")):
        return 1
    return imported if path.startswith("/staff/imports") else draft if "/drafts/" in path else number


def address_of(path: str, number: int, imported: int, held: dict[str, str], draft: int = 1) -> str:
    kind = "practitioners" if path.startswith("/staff/imports") else "institution"
    return path.format(number=number_in(path, number, imported, draft), kind=kind, **held)


def a_draft(one: Staff) -> int:
    """The number of a draft of whoever may have one."""
    answer = fill(one, "/staff/forms/institution", action="save", name="示例")
    return int(answer.headers["location"].partition("?")[0].rpartition("/")[2])


def token_of(one: Staff) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', one.get("/staff/account"))
    assert found
    return found[1]


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_names_every_route_of_the_workspace() -> None:
    assert routes() == set(MAY) | BEFORE


@pytest.mark.parametrize("role", ROLES)
def test_every_route_is_open_to_the_roles_of_the_table_and_refused_to_the_others(
    people: dict[str, Staff], number: int, imported: int, held: dict[str, str], role: str
) -> None:
    one, token, wrong = people[role], token_of(people[role]), []
    for (method, path), allowed in sorted(MAY.items(), key=lambda row: (row[0][1].endswith("/cancel"), row[0])):
        draft = a_draft(one) if role in allowed and "/drafts/" in path else 1
        address = address_of(path, number, imported, held, draft)
        sent = {**FORMS.get(path, {}), "form_token": token}
        answer = one.client.get(address) if method == "GET" else one.client.post(address, data=sent)
        # Allowed: the page, or its refusal of what the form said; the four refused statuses of a form are 400 and 409.
        # Somebody else's proposal is not one's own to withdraw, whatever one's role.
        others = path.endswith("{number}/withdraw")
        expected = ({403} if others else {200, 303, 400, 409}) if role in allowed else {403}
        if path in NOT_THERE and role in allowed:
            expected = {404} if method == "GET" else {400, 404}  # the form is looked at first, or what it is about
        if answer.status_code not in expected or (role in allowed and "sign-in" in answer.headers.get("location", "")):
            wrong.append((method, path, answer.status_code))
    assert not wrong, wrong
    refused = [deed for deed in people["auditor"].deeds() if deed[0] == one.name and deed[1] == "refused"]
    refusals = {tuple(deed[2].split()[:2]) for deed in refused if deed[2].endswith(" role")}
    assert refusals == {
        (method, path.replace("{number}", str(number_in(path, number, imported))))
        for (method, path), may in MAY.items()
        if role not in may
    }


@pytest.mark.parametrize("role", ROLES)
def test_nobody_of_another_region_sees_or_decides_a_proposal_whatever_their_role(
    running: Server,
    register: Cli,
    people: dict[str, Staff],
    arrive: Arrive,
    number: int,
    held: dict[str, str],
    role: str,
) -> None:
    name = f"anshan.{role}"
    register.ok("user", "add", name, "--role", role, "--region", "210300", input=PASSWORD)
    one = arrive(running, name).sign_in()
    token, wrong = token_of(one), []
    routes = [(method, path) for method, path in MAY if path.startswith("/staff/proposals/{number}")]
    for method, path in routes:
        address = address_of(path, number, number, held)
        sent = {**FORMS.get(path, {}), "text": "示例", "reason": "示例", "wanted": "示例", "form_token": token}
        answer = one.client.get(address) if method == "GET" else one.client.post(address, data=sent)
        if answer.status_code != 403 or "沈阳市示例增补医院" in answer.text:
            wrong.append((method, path, answer.status_code))
    assert not wrong, wrong
    assert f"/staff/proposals/{number}" not in one.get("/staff") + one.get("/staff/proposals")
    code = held["code"]  # of an institution in another city
    if role in ("editor", "approver"):
        stop = {"form_token": token, "code": code, "technique": ["IVF"], "why": "示例"}
        assert one.client.post("/staff/suspend", data=stop).status_code == 403
    if role == "editor":
        assert (
            one.client.get(f"/staff/forms/institution?subject=institution:{code.replace('-', '')}").status_code == 403
        )
    refused = {tuple(deed[2].split()) for deed in people["auditor"].deeds() if deed[:2] == [name, "refused"]}
    assert ("GET", f"/staff/proposals/{number}", "other_region") in refused
    if role == "approver":
        assert ("POST", f"/staff/proposals/{number}/approve", "other_region") in refused


def test_an_import_is_there_for_the_editor_who_began_it_alone(
    running: Server, arrive: Arrive, register: Cli, people: dict[str, Staff]
) -> None:
    with opened(register) as database, database.writing() as connection:
        one = import_store.create_import(
            connection, "one.editor", "list", io.BytesIO(b"a"), name="a.csv", options={"as_of": "2025-06-30"}
        )
    other = arrive(running, "editor.z").sign_in()
    token, wrong = token_of(other), []
    for method, path in sorted(MAY):
        if not path.startswith("/staff/imports/{number}"):
            continue
        address = path.format(number=one.id)
        answer = (
            other.client.get(address) if method == "GET" else other.client.post(address, data={"form_token": token})
        )
        if answer.status_code != 404 or "a.csv" in answer.text:
            wrong.append((method, path, answer.status_code))
    assert not wrong, wrong
    assert "a.csv" not in other.get("/staff/imports")
    assert other.client.get(f"/staff/imports/new?like={one.id}").status_code == 404
    assert "a.csv" in people["editor"].get("/staff/imports")
    with opened(register) as database, database.reading() as connection:
        assert import_store.get_import(connection, one.id) == one


def test_a_file_is_not_taken_in_from_somebody_who_may_not_import(people: dict[str, Staff]) -> None:
    one = people["auditor"]
    sent = {"form_token": token_of(one), "kind": "list", "as_of": "2025-06-30", "scope": "partial"}
    assert one.client.post("/staff/imports", data=sent, files={"file": ("a.csv", b"a")}).status_code == 403
    approver = people["approver"]
    sent = {"form_token": token_of(approver), "reason": "x"}
    large = approver.client.post("/staff/proposals/1/reject", data=sent, files={"file": ("a.csv", bytes(3 << 20))})
    assert large.status_code == 413  # no other form takes so much
    assert "过大" in large.text


@pytest.mark.parametrize("cookie", ["", "staff_session=made-up"])
def test_nobody_gets_anything_without_a_session(
    running: Server, number: int, held: dict[str, str], cookie: str
) -> None:
    wrong = []
    with running.fresh() as client:
        for method, path in sorted(routes()):
            if path in ("/staff/sign-in", "/staff/sign-out", "/staff/oidc", "/staff/oidc/back"):
                continue
            address = address_of(path, number, number, held)
            answer = client.request(method, address, headers={"cookie": cookie}, data={"form_token": ""})
            if path == "/staff/calendars/{name}/{code}":  # whose code is not the account's
                assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
                continue
            if answer.status_code != 303 or not answer.headers["location"].startswith("/staff/sign-in"):
                wrong.append((method, path, answer.status_code))
            assert answer.headers["cache-control"] == "no-store"
    assert not wrong, wrong


def test_half_a_sign_in_opens_nothing(
    running: Server, people: dict[str, Staff], arrive: Arrive, number: int, held: dict[str, str]
) -> None:
    half = arrive(running, people["administrator"].name)
    half.show_password()
    page = re.search(r'name="form_token" value="(\w+)"', half.get("/staff/second"))
    assert page
    for method, path in sorted(MAY):
        address = address_of(path, number, number, held)
        answer = half.client.request(method, address, data={"form_token": page[1]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/staff/second"), path
    assert half.client.get("/staff/enrol").headers["location"] == "/staff/second"  # nor another authenticator


def test_an_administrator_changes_everybodys_account_but_their_own(people: dict[str, Staff]) -> None:
    admin = people["administrator"]
    assert 'method="post"' not in admin.get("/staff/accounts/one.administrator").partition("<main")[2]
    sent = {"form_token": token_of(admin), "action": "change", "role": ["administrator", "approver"]}
    assert admin.client.post("/staff/accounts/one.administrator", data=sent).status_code == 403
    assert ["one.administrator", "refused", "POST /staff/accounts/{name} own_account", "127.0.0.1"] in admin.deeds()
    assert "审批" not in admin.get("/staff/account")


def test_a_role_that_was_taken_away_is_gone_at_the_next_request(
    running: Server, people: dict[str, Staff], arrive: Arrive, register: Cli
) -> None:
    register.ok("user", "add", "two.auditor", "--role", "auditor", input=PASSWORD)
    two = arrive(running, "two.auditor").sign_in()
    assert two.get("/staff/trail")
    page = people["administrator"].send("/staff/accounts/two.auditor", action="change", role="editor").text
    assert two.get("/staff/trail")  # until another administrator has confirmed it
    change = re.search(r'action="(/staff/accounts/changes/[0-9]+)"', page)
    assert change
    assert arrive(running, "two.administrator").sign_in().send(change[1], action="confirm").status_code == 200
    assert two.get("/staff/trail", 403)


# --- forged, stolen, stale -------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(register: Cli, tmp_path: Path) -> int:
    """A proposal of its own that waits."""
    return proposed(register, tmp_path, f"沈阳市示例{time.monotonic_ns()}医院")


def seen_on(one: Staff, number: int) -> str:
    found = re.search(r'name="seen" id="seen" value="([0-9a-f]{64})"', one.get(f"/staff/proposals/{number}"))
    assert found
    return found[1]


def refusals(people: dict[str, Staff], number: int) -> list[tuple[str, str]]:
    """(account, why) of the refused approvals of a proposal, oldest first."""
    about = f"POST /staff/proposals/{number}/approve "
    deeds = people["auditor"].deeds()
    return [(deed[0], deed[2].removeprefix(about)) for deed in deeds if deed[1] == "refused" and about in deed[2]]


def is_pending(one: Staff, number: int) -> bool:
    return f'action="/staff/proposals/{number}/approve"' in one.get(f"/staff/proposals/{number}")


@pytest.mark.parametrize("token", [None, "", "f" * 64, "another session's"])
def test_a_form_that_no_page_of_this_session_had_is_refused(
    people: dict[str, Staff], waiting: int, token: str | None
) -> None:
    one = people["approver"]
    sent = {"seen": seen_on(one, waiting)}
    if token is not None:
        sent["form_token"] = token_of(people["editor"]) if token.startswith("another") else token
    answer = one.client.post(f"/staff/proposals/{waiting}/approve", data=sent)
    assert answer.status_code == 403
    assert is_pending(one, waiting)
    assert refusals(people, waiting) == [("one.approver", "form")]


@pytest.mark.parametrize(
    "header",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_sent_from_another_site_is_refused_even_with_the_right_token(
    people: dict[str, Staff], waiting: int, header: dict[str, str]
) -> None:
    one = people["approver"]
    sent = {"seen": seen_on(one, waiting), "form_token": token_of(one)}
    answer = one.client.post(f"/staff/proposals/{waiting}/approve", data=sent, headers=header)
    assert answer.status_code == 403
    assert is_pending(one, waiting)
    assert refusals(people, waiting) == [("one.approver", "other_site")]


def test_nobody_is_signed_in_by_a_form_of_another_site(running: Server, people: dict[str, Staff]) -> None:
    with running.fresh() as client:
        sent = {"name": "one.editor", "password": PASSWORD.strip()}
        answer = client.post("/staff/sign-in", data=sent, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert ["-", "refused", "POST /staff/sign-in other_site", "127.0.0.1"] in people["auditor"].deeds()


def test_a_stolen_cookie_is_refused_in_another_browser_and_worth_nothing_after_that(
    running: Server, register: Cli, people: dict[str, Staff], arrive: Arrive, waiting: int
) -> None:
    register.ok("user", "add", f"robbed.{waiting}", "--role", "approver", input=PASSWORD)
    robbed = arrive(running, f"robbed.{waiting}").sign_in()
    sent = {"seen": seen_on(robbed, waiting), "form_token": token_of(robbed)}
    cookie = {"cookie": f"staff_session={robbed.client.cookies['staff_session']}"}
    with httpx.Client(base_url=running.url, headers={"user-agent": "Thief/1"}, timeout=PATIENCE) as thief:
        answer = thief.post(f"/staff/proposals/{waiting}/approve", data=sent, headers=cookie)
    assert answer.status_code == 403
    assert is_pending(people["approver"], waiting)
    assert refusals(people, waiting) == [(robbed.name, "other_browser")]
    assert robbed.client.get("/staff").status_code == 303


@pytest.mark.parametrize("column", ["seen_at", "created_at"])
def test_a_form_of_a_session_that_is_over_is_refused(
    running: Server, register: Cli, people: dict[str, Staff], arrive: Arrive, waiting: int, column: str
) -> None:
    register.ok("user", "add", f"late.{waiting}", "--role", "approver", input=PASSWORD)
    late = arrive(running, f"late.{waiting}").sign_in()
    sent = {"seen": seen_on(late, waiting), "form_token": token_of(late)}
    with opened(register) as database, database.writing() as connection:
        mine = staff_sessions.c.account == late.name
        connection.execute(sa.update(staff_sessions).where(mine).values({column: 1_700_000_000_000}))
    answer = late.client.post(f"/staff/proposals/{waiting}/approve", data=sent)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/staff/sign-in?next=")
    assert is_pending(people["approver"], waiting)
    assert refusals(people, waiting) == [("-", "no_session")]
    arrive(running, "one.editor").show_password()  # when somebody signs in, what is over is forgotten
    with opened(register) as database, database.reading() as connection:
        left = connection.execute(sa.select(staff_sessions.c.account)).scalars().all()
    assert late.name not in left
    assert "one.editor" in left


def test_an_approval_sent_again_is_refused_and_appends_nothing(
    register: Cli, people: dict[str, Staff], waiting: int
) -> None:
    one = people["approver"]
    sent = {"seen": seen_on(one, waiting), "form_token": token_of(one)}
    assert one.client.post(f"/staff/proposals/{waiting}/approve", data=sent).status_code == 200
    size = register.log_size()
    again = one.client.post(f"/staff/proposals/{waiting}/approve", data=sent)
    assert again.status_code == 409
    assert "已批准" in again.text
    assert register.log_size() == size
    assert refusals(people, waiting) == [("one.approver", "conflict")]


def test_what_was_changed_after_it_was_looked_at_is_not_approved(
    register: Cli, people: dict[str, Staff], waiting: int
) -> None:
    one = people["approver"]
    sent = {"seen": seen_on(one, waiting), "form_token": token_of(one)}
    size = register.log_size()
    proposal = sa.update(proposals).where(proposals.c.id == waiting)
    with opened(register) as database:
        with database.writing() as connection:
            connection.execute(proposal.values(content_hash="0" * 64))
        answer = one.client.post(f"/staff/proposals/{waiting}/approve", data=sent)
        with database.writing() as connection:
            connection.execute(proposal.values(content_hash=sent["seen"]))
    assert answer.status_code == 409
    assert is_pending(one, waiting)
    assert "请重新查看" in answer.text
    assert register.log_size() == size
    assert refusals(people, waiting) == [("one.approver", "conflict")]


def test_what_somebody_types_into_an_address_or_a_form_is_not_kept_in_the_trail(people: dict[str, Staff]) -> None:
    one = people["editor"]
    one.get("/staff/accounts/张三", 403)
    one.client.post("/staff/account/end", data={"form_token": token_of(one), "session": "张三"})
    assert "张三" not in people["auditor"].get("/staff/trail.csv")


class opened:
    """The register's database from outside the server, closed at the end."""

    def __init__(self, cli: Cli) -> None:
        self.database = Database(Settings(data_dir=cli.data_dir).get_database_url())

    def __enter__(self) -> Database:
        return self.database

    def __exit__(self, *_: object) -> None:
        self.database.close()


def test_the_cookie_is_for_the_workspace_only_and_no_script_reads_it(running: Server, people: dict[str, Staff]) -> None:
    with running.fresh() as client:
        answer = client.post("/staff/sign-in", data={"name": "one.editor", "password": PASSWORD.strip()})
    said = answer.headers["set-cookie"].lower()
    assert all(word in said for word in ("httponly", "samesite=strict", "path=/staff"))
    assert "max-age" not in said
    assert "expires" not in said
    assert people["editor"].client.get("/").headers.get("set-cookie") is None


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
def test_a_number_that_no_database_holds_is_nobodys(people: dict[str, Staff], number: int) -> None:
    for page in ("proposals", "drafts", "imports"):
        assert "此地址没有内容" in people["editor"].get(f"/staff/{page}/{number}", 404)
    assert people["editor"].client.get("/staff/records?q=%00").status_code == 404
    assert people["editor"].client.get(f"/staff/proposals?page={2**31}").status_code == 404


@pytest.mark.parametrize("charset", ["utf-8", "nobody-knows"])
def test_bytes_that_are_no_text_are_refused_with_a_sentence_and_nothing_is_done(
    people: dict[str, Staff], charset: str
) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="session"\r\nContent-Type: text/plain; charset='
        + charset.encode()
        + b"\r\n\r\n\xff\xfe\r\n--x--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = people["editor"].client.post("/staff/account/end", content=body, headers=headers)
    assert answer.status_code == 400
    assert "UTF-8" in answer.text
    people["editor"].get("/staff")
