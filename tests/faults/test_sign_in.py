"""The sign-in under attack, on real servers and both databases: owners get in, the trail stays readable."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from registry.accounts import factors, throttle
from registry.accounts.vault import Vault
from registry.errors import SecretsKeyMissing
from registry.server.app import build_app
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import accounts, trail
from tests.backends.conftest import BACKENDS, postgres
from tests.desk import FIRST, Staff, let_proof_age
from tests.factories import a_list
from tests.hashing import the_products_hashing
from tests.running import PASSWORD, PATIENCE, Cli, Server, come_again, eventually, serving

__all__ = ["postgres"]
ROLES = {"owner": "approver", "admin": "administrator", "stopper": "editor", "late": "approver", "auditor": "auditor"}
ROLES["keys"] = "editor"
Arrive = Callable[[str], Staff]


class Place:
    """A register on one of the databases with people, and its server of two workers."""

    server: Server

    def __init__(self, folder: Path, url: str) -> None:
        self.settings = Settings(data_dir=folder / "var", database_url=url)
        self.env = {"REGISTRY_DATABASE_URL": url} if url else {}
        self.cli = Cli(folder / "var", inside=True)
        self.ok("init")
        with the_products_hashing():
            for name, role in ROLES.items():
                self.ok("user", "add", name, "--role", role, input=PASSWORD)

    def ok(self, *args: object, input: str = "") -> str:
        """What a command prints."""
        ran = self.cli.ok(*args, input=input, **self.env)
        return ran.out + ran.err

    def scalar(self, query: sa.Select[Any]) -> Any:
        """One value of the database."""
        database = Database(self.settings.get_database_url())
        with database.reading() as connection:
            found = connection.execute(query).scalar()
        database.close()
        return found


@pytest.fixture(autouse=True)
def started_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start servers in new interpreters: how long a line of sign-ins waits is asked about here."""
    monkeypatch.setattr(Server, "new", True)


@pytest.fixture(scope="module", params=BACKENDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").create("register_signing_in")
    made = Place(tmp_path_factory.mktemp("door"), url)
    with serving(made.settings.data_dir, workers=2, **made.env) as made.server:
        yield made
    assert "完好" in made.ok("log", "check")


@pytest.fixture
def arrive(place: Place) -> Iterator[Arrive]:
    """Brings somebody to the server with a browser that is closed at the end."""
    there: list[Staff] = []

    def come(name: str) -> Staff:
        there.append(Staff(place.server, name))
        return there[-1]

    yield come
    for one in there:
        one.client.close()


def from_address(server: Server, address: str) -> httpx.Client:
    """A browser at another address of this machine."""
    transport = httpx.HTTPTransport(local_address=address)
    return httpx.Client(base_url=server.url, transport=transport, timeout=PATIENCE)


def guess(client: httpx.Client, name: str, password: str = "a wrong pass phrase") -> httpx.Response:
    """One try at somebody's password: what is not looked at on a busy machine is none."""
    return come_again(lambda: client.post("/staff/sign-in", data={"name": name, "password": password}))


# --- slowed, not locked ----------------------------------------------------------------------------------------------


def test_wrong_passwords_of_others_from_here_and_elsewhere_do_not_keep_the_owner_out(
    place: Place, arrive: Arrive
) -> None:
    owner = arrive("owner").sign_in()

    def guess_often(address: str) -> set[int]:
        with from_address(place.server, address) as stranger:
            return {guess(stranger, "owner").status_code for _ in range(6)}

    with ThreadPoolExecutor(2) as pool:  # their answers come late
        assert list(pool.map(guess_often, ("127.0.0.66", "127.0.0.1"))) == [{400}] * 2
    for address in ("127.0.0.1", "127.0.0.66", "127.0.0.77"):
        with from_address(place.server, address) as client:
            assert guess(client, "owner", FIRST).headers["location"].startswith("/staff/second")
    fresh = arrive("owner")
    fresh.secret, fresh.recovery = owner.secret, owner.recovery
    assert fresh.sign_in().get("/staff")


def test_answers_to_wrong_passwords_grow_slow_alike_for_names_that_exist_and_that_do_not(place: Place) -> None:
    def time_answers(name: str, address: str) -> list[float]:
        times = []
        with from_address(place.server, address) as client:
            for _ in range(6):
                answer = guess(client, name)
                assert answer.status_code == 400
                times.append(answer.elapsed.total_seconds())
        return times

    with ThreadPoolExecutor(2) as pool:
        took = list(pool.map(time_answers, ("late", "nobody.here"), ("127.0.0.81", "127.0.0.82")))
    for times in took:
        assert times[3] >= 1
        assert times[4] >= 2
        assert times[5] >= 4


def test_while_sixty_wrong_posts_run_from_the_same_address_the_owner_signs_in(place: Place, arrive: Arrive) -> None:
    owner = arrive("owner")
    began = time.monotonic()
    assert owner.show_password().status_code == 303
    quiet = time.monotonic() - began
    seen: list[int] = []

    def attack() -> None:
        with from_address(place.server, "127.0.0.1") as client:
            sent = {"name": "owner", "password": "a wrong pass phrase"}
            seen.append(client.post("/staff/sign-in", data=sent).status_code)

    threads = [threading.Thread(target=attack, daemon=True) for _ in range(60)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    with from_address(place.server, "127.0.0.1") as client:
        answer = guess(client, "owner", FIRST)
    took = time.monotonic() - began
    for thread in threads:
        thread.join(timeout=PATIENCE)
    assert answer.status_code == 303
    assert len(seen) == 60 and set(seen) <= {400, 429, 503}
    print(f"quiet {quiet:.2f} s, under attack {took:.2f} s")
    assert took < max(15.0, 30 * quiet)


# --- the trail -------------------------------------------------------------------------------------------------------


def test_strangers_cannot_fill_the_trail(place: Place, arrive: Arrive) -> None:
    rows = sa.select(sa.func.count()).select_from(trail)
    before = place.scalar(rows)
    forged, junk = {"origin": "https://evil.example"}, {"cookie": "staff_session=made-up; staff_oidc=a.b.c"}
    for number in range(100):
        with from_address(place.server, f"127.9.{number}.7") as client:
            for path in ("/staff/accounts", "/staff/suspend", "/staff/account/recovery"):
                client.post(path, data={"form_token": "x"}, headers=junk)
            client.post("/staff/sign-in", data={"name": "owner"}, headers=forged)
            client.get("/staff/oidc/back?code=x&state=x", headers=junk)

    def try_name(number: int) -> None:
        with from_address(place.server, f"127.8.{number}.7") as client:
            guess(client, ("owner", "stopper", "nobody.here")[number % 3])

    with ThreadPoolExecutor(12) as pool:  # their answers come late
        list(pool.map(try_name, range(36)))
    told = arrive("auditor").sign_in().deeds()
    added = place.scalar(rows) - before
    print(f"{added} lines of {100 * 5 + 36} refusals and failures")
    assert added <= 7 * (throttle.ADDRESSES + 1) * 2 + 10, added
    refused = [deed for deed in told if deed[:2] == ["-", "refused"]]
    assert any(deed[2].startswith("POST /staff/sign-in other_site") and deed[3] == throttle.MANY for deed in refused)
    assert len([deed for deed in refused if "/staff/suspend" in deed[2]]) <= 2 * (throttle.ADDRESSES + 1)


# --- second factors --------------------------------------------------------------------------------------------------


def test_secrets_of_second_factors_are_neither_in_the_database_nor_in_a_backup(
    place: Place, arrive: Arrive, tmp_path: Path
) -> None:
    one = arrive("stopper").sign_in()
    stored = str(place.scalar(sa.select(accounts.c.second).where(accounts.c.name == "stopper")))
    assert Vault(place.settings.get_secrets_file()).open("stopper", stored) == one.secret
    backup = tmp_path / "a.backup"
    place.ok("backup", backup)
    for path in [*filter(Path.is_file, place.settings.data_dir.rglob("*")), backup]:
        assert one.secret.encode() not in path.read_bytes(), path
    key = place.settings.get_secrets_file().read_text().splitlines()[-1].split()[1]
    assert key.encode() not in backup.read_bytes()
    assert stat.S_IMODE(place.settings.get_secrets_file().stat().st_mode) == 0o600


def test_a_row_copied_to_another_account_or_altered_opens_nothing(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "secrets.key")
    vault.create_file()
    sealed = vault.seal("owner", "A" * 32)
    assert vault.open("owner", sealed) == "A" * 32
    for account, stored in (("other", sealed), ("owner", sealed[:-4] + "AAAA"), ("owner", "A" * 32)):
        with pytest.raises(SecretsKeyMissing):
            vault.open(account, stored)


def test_without_its_key_the_server_says_so_recovery_codes_work_and_the_key_can_be_made_anew(
    place: Place, arrive: Arrive
) -> None:
    late = arrive("late").sign_in()
    file = place.settings.get_secrets_file()
    away = shutil.move(file, file.with_name("away"))
    again = arrive("late")
    again.show_password()
    answer = again.send("/staff/second", code=late.fresh_code())
    assert answer.status_code == 503
    assert "恢复码" in answer.text
    assert again.send("/staff/second", code=late.recovery.pop()).status_code == 303
    assert again.get("/staff")

    def is_told() -> bool:
        with place.server.fresh() as client:
            return "secrets_key_missing" in [one["code"] for one in client.get("/readyz").json()["faults"]]

    assert eventually(is_told, every=0.3)
    assert "registry user rekey --lost" in place.ok("log", "check")
    assert "registry user rekey --lost" in place.ok("init")
    assert not file.exists()  # never made anew by itself
    shutil.move(away, file)
    assert eventually(lambda: not any(is_told() for _ in range(6)), every=0.5)
    assert again.send("/staff/account/end", on="/staff/account", session="none").status_code == 303
    place.ok("user", "rekey")
    back = arrive("late")
    back.show_password()
    assert back.send("/staff/second", code=late.fresh_code()).status_code == 303
    file.unlink()
    assert "late" in place.ok("user", "rekey", "--lost")
    assert again.client.get("/staff").status_code == 303
    anew = arrive("late").sign_in()
    assert anew.secret != late.secret
    assert "rekey" not in place.ok("log", "check")


# --- a fresh proof ---------------------------------------------------------------------------------------------------

#: What changes the register or rights.
PROVED = {
    "/staff/accounts",
    "/staff/accounts/{name:str}",
    "/staff/accounts/changes/{number:int}",
    "/staff/account/recovery",
    "/staff/account/passkeys",
    "/staff/account/passkeys/add",
    "/staff/account/passkeys/{number:int}/remove",
    "/staff/proposals/{number:int}/approve",
    "/staff/proposals/{number:int}/reject",
    "/staff/suspend",
}


def test_what_changes_the_register_or_rights_asks_for_a_fresh_proof() -> None:
    declared = {
        route.path
        for route in build_app(Settings()).routes
        for handler in getattr(route, "route_handlers", ())
        if route.path.startswith("/staff") and handler.opt.get("proof")
    }
    assert declared == PROVED


def held_form(page: str) -> tuple[str, dict[str, list[str]]]:
    """(address, fields) of the page that asks for the code, as a browser would send it."""
    form = next(part for part in page.split("<form ") if 'name="proof_code"' in part)
    action = re.search(r'action="([^"]*)"', form)
    assert action
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form):
        fields.setdefault(name, []).append(unescape(value))
    return unescape(action[1]), fields


def test_an_old_proof_is_asked_for_again_and_nothing_that_was_filled_in_is_lost(place: Place, arrive: Arrive) -> None:
    admin = arrive("admin").sign_in()
    let_proof_age(place.settings, "admin")
    page = "/staff/accounts?lang=en"
    made = admin.send(page, on=page, name="new.one", role=["editor", "auditor"])
    assert made.status_code == 403
    assert "Show the authenticator again" in made.text
    assert "new.one" not in admin.get("/staff/accounts")
    address, fields = held_form(made.text)
    assert (address, fields["name"], fields["role"]) == (page, ["new.one"], ["editor", "auditor"])
    wrong = admin.client.post(address, data={**fields, "proof_code": "000000"})
    assert wrong.status_code == 403
    assert held_form(wrong.text) == (address, fields)
    done = admin.client.post(address, data={**fields, "proof_code": admin.fresh_code()})
    assert done.status_code == 200
    assert "first password" in done.text
    assert "new.one" in admin.get("/staff/accounts")
    assert "只显示这一次" in admin.send("/staff/account/recovery", on="/staff/account").text  # it is fresh now
    assert ["admin", "proved", "code", "127.0.0.1"] in admin.deeds()


def test_five_wrong_proofs_end_the_session(place: Place, arrive: Arrive) -> None:
    database = Database(place.settings.get_database_url())
    with database.writing() as connection:
        factors.remove_factor(connection, "owner")
    database.close()
    one = arrive("owner").sign_in()
    let_proof_age(place.settings, "owner")
    asked = one.send("/staff/account/recovery", on="/staff/account")
    address, fields = held_form(asked.text)
    for _ in range(4):
        assert "验证码不对" in one.client.post(address, data={**fields, "proof_code": "000000"}).text
    ended = one.client.post(address, data={**fields, "proof_code": "000000"})
    assert ended.status_code == 403
    assert "登录已结束" in ended.text
    assert one.client.get("/staff").status_code == 303


def test_an_approval_and_a_suspension_with_an_old_proof_are_carried_through_with_the_code(
    staffed: Cli, start: Callable[..., Server], tmp_path: Path
) -> None:
    path = a_list(tmp_path / "n.csv", [{"name": "沈阳市示例增补医院", "address": "辽宁省沈阳市和平区示例路9号"}])
    number = staffed.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json").json["proposal"]
    server, settings, here = start(staffed.data_dir), Settings(data_dir=staffed.data_dir), f"/staff/proposals/{number}"
    approver, size = Staff(server, "approver").sign_in(), staffed.log_size()
    let_proof_age(settings, "approver")
    asked = approver.send(f"{here}/approve", on=here)
    assert asked.status_code == 403
    assert staffed.log_size() == size
    address, fields = held_form(asked.text)
    done = approver.client.post(address, data={**fields, "proof_code": approver.fresh_code()})
    assert done.status_code == 200
    assert f"第{size + 1}至" in done.text
    code = server.api("/institutions", q="沈阳市示例增补医院")["items"][0]["code"]
    let_proof_age(settings, "approver")
    why = '机构"停业"，\n待核查 <b>'
    stopped = approver.send("/staff/suspend", on=f"/staff/suspend?code={code}", technique=["IVF"], why=why)
    address, fields = held_form(stopped.text)
    assert [one.replace("\r\n", "\n") for one in fields["why"]] == [why]
    through = approver.client.post(address, data={**fields, "proof_code": approver.recovery.pop()})
    assert through.status_code == 303, through.text
    held = server.api(f"/institutions/{code}")["approvals"]
    assert [one["stage"] for one in held if one["technique"] == "IVF"] == ["suspended"]
    approver.client.close()
    staffed.log_size()


def test_the_code_is_asked_for_without_a_script_and_given_by_keyboard_alone(
    place: Place, arrive: Arrive, browser: Browser
) -> None:
    staff = arrive("keys").sign_in()
    let_proof_age(place.settings, "keys")
    context = browser.new_context(
        base_url=place.server.url,
        viewport={"width": 390, "height": 844},
        java_script_enabled=False,
        user_agent=staff.client.headers["user-agent"],
    )
    value = staff.client.cookies["staff_session"]
    context.add_cookies([{"name": "staff_session", "value": value, "url": f"{place.server.url}/staff"}])
    page = context.new_page()
    page.goto("/staff/account")
    page.locator("summary", has_text="换新恢复码").press("Enter")
    page.get_by_role("button", name="确定换新").press("Enter")
    page.get_by_role("heading", name="请再次出示验证器").wait_for()
    page.keyboard.type(staff.fresh_code())  # the field has the focus
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="恢复码").wait_for()
    assert page.locator(".codes li").count() == factors.RECOVERY_CODES
    context.close()


# --- passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    ["Password2026!", "1qaz2wsx3edc", "woaini1314520", "Ｐａｓｓｗｏｒｄ１２３４５６", "admin@123456", "zhongguo2026!"],
)
def test_common_passwords_and_what_is_made_of_them_are_refused(place: Place, password: str) -> None:
    ran = place.cli("user", "add", "weak.one", "--role", "editor", input=password + "\n", **place.env)
    assert ran.code == 1
    assert "密码太常见" in ran.err


# --- clocks ----------------------------------------------------------------------------------------------------------


def test_codes_are_accepted_after_a_clock_that_was_ahead_came_back(cli: Cli, start: Callable[..., Server]) -> None:
    asked = ["faketime", "-f", "+2h", "sh", "-c", "echo $LD_PRELOAD"]
    library = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    ahead = 7200
    cli.ok("init")
    cli.ok("user", "add", "admin", "--role", "administrator", input=PASSWORD)
    server = start(cli.data_dir, LD_PRELOAD=library, FAKETIME=f"+{ahead}", FAKETIME_DONT_FAKE_MONOTONIC="1")
    admin = Staff(server, "admin")
    assert admin.show_password().status_code == 303
    page = admin.get("/staff/enrol")
    secret, token = re.search(r'name="secret" value="(\w{32})"', page), re.search(r'form_token" value="(\w+)"', page)
    assert secret
    assert token
    admin.secret = secret[1]
    sent = {"secret": secret[1], "form_token": token[1], "code": pyotp.TOTP(secret[1]).at(time.time() + ahead)}
    assert admin.client.post("/staff/enrol", data=sent).status_code == 200
    server.end()
    server, used = start(cli.data_dir), admin.code()
    for status in (303, 400):
        one = Staff(server, "admin")
        assert one.show_password().status_code == 303
        assert one.send("/staff/second", code=used).status_code == status
        one.client.close()
    admin.client.close()
