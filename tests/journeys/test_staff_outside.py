"""Signing in by an identity provider: a real one in a process of its own, with a real browser and without."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser

from registry.settings import Settings
from tests.desk import Staff, let_proof_age
from tests.running import PASSWORD, PATIENCE, Cli, Server, eventually, free_port

Start = Callable[..., Server]
Arrive = Callable[..., Staff]
SUBJECT = "8f2c-鞍山-01"
CLIENT = {"REGISTRY_OIDC_CLIENT_ID": "register", "REGISTRY_OIDC_CLIENT_SECRET": "a secret: with/marks"}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of an OpenID Connect provider that lets everybody in as whom they say they are."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{address}/.well-known/openid-configuration", timeout=PATIENCE).is_success
        except httpx.HTTPError:
            return False

    assert eventually(answers, every=0.2)
    yield address
    process.terminate()
    process.wait()


@pytest.fixture
def staffed(tmp_path: Path) -> Cli:
    """An empty register: who signs in need see nothing in it."""
    cli = Cli(tmp_path / "var", inside=True)
    cli.ok("init")
    cli.staff()
    for name in ("admin", "admin.two"):
        cli.ok("user", "add", name, "--role", "administrator", input=PASSWORD)
    return cli


@pytest.fixture
def running(staffed: Cli, start: Start, provider: str) -> Server:
    return served(staffed, start, provider)


def served(cli: Cli, start: Start, provider: str, **more: str) -> Server:
    port = free_port()
    told = {"REGISTRY_OIDC_ISSUER": provider, "REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{port}", **CLIENT, **more}
    return start(cli.data_dir, 1, port, **told)


def linked(running: Server, arrive: Arrive, subject: str = SUBJECT, account: str = "approver") -> Staff:
    """An administrator who entered whose identity that is, which another one confirmed."""
    admin = arrive(running, "admin").sign_in()
    asked = admin.send(f"/staff/accounts/{account}", action="link", external=subject)
    change = re.search(r'action="(/staff/accounts/changes/[0-9]+)"', asked.text)
    assert change
    done = arrive(running, "admin.two").sign_in().send(change[1], action="confirm")
    code = re.search(r">([0-9a-z]{5}-[0-9a-z]{5})<", done.text)
    assert code
    admin.activation = code[1]
    return admin


def leave(client: httpx.Client) -> str:
    """The address the browser is sent to."""
    answer = client.get("/staff/oidc")
    assert answer.status_code == 303
    return answer.headers["location"]


def authorise(address: str, subject: str = SUBJECT) -> str:
    """Say at the provider who one is; the address it sends the browser back to."""
    return httpx.post(address, data={"sub": subject}, timeout=PATIENCE).headers["location"]


def said(staff: Staff) -> list[list[str]]:
    return [deed for deed in staff.deeds() if deed[1] in ("sign_in_failed", "signed_in")]


def test_somebody_signs_in_by_the_provider_and_shows_the_second_factor(
    browser: Browser, running: Server, arrive: Arrive
) -> None:
    admin = linked(running, arrive)
    context = browser.new_context(base_url=running.url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/staff")
    page.get_by_role("link", name="用统一身份认证登录").click()
    page.locator('input[name="sub"]').fill(SUBJECT)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url("**/staff/enrol")
    secret = page.locator('input[name="secret"]').get_attribute("value")
    assert secret
    page.locator("#activation").fill(admin.activation)
    page.locator("#code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="完成设置").click()
    page.get_by_role("link", name="我已保存").click()
    page.wait_for_url("**/staff")
    assert "approver" in page.locator("header").inner_text()
    context.close()
    assert ["approver", "signed_in", "enrolled", "127.0.0.1"] in admin.deeds()


def test_where_the_provider_asks_for_two_factors_itself_that_is_enough(
    staffed: Cli, start: Start, provider: str, arrive: Arrive, browser: Browser
) -> None:
    running = served(staffed, start, provider, REGISTRY_OIDC_SECOND="0", REGISTRY_OIDC_NAME="省统一认证")
    admin = linked(running, arrive)
    context = browser.new_context(base_url=running.url)
    page = context.new_page()
    page.goto("/staff/sign-in?lang=en")
    page.get_by_role("link", name="Sign in by 省统一认证").click()
    page.locator('input[name="sub"]').fill(SUBJECT)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url("**/staff")
    context.close()
    assert ["approver", "signed_in", "oidc", "127.0.0.1"] in admin.deeds()


@pytest.mark.parametrize("who", [SUBJECT, "somebody else"])
def test_whoever_signs_in_by_the_provider_alone_proves_it_there_again_and_what_was_sent_is_done(
    staffed: Cli, start: Start, provider: str, arrive: Arrive, browser: Browser, who: str
) -> None:
    running = served(staffed, start, provider, REGISTRY_OIDC_SECOND="0")
    admin = linked(running, arrive)
    context = browser.new_context(base_url=running.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/staff/oidc")
    page.locator('input[name="sub"]').fill(SUBJECT)
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url("**/staff")
    let_proof_age(Settings(data_dir=staffed.data_dir), "approver")
    page.goto("/staff/account")
    page.locator("summary", has_text="换新恢复码").click()
    page.get_by_role("button", name="确定换新").click()
    assert page.locator('input[name="proof_code"]').count() == 0  # there is no authenticator of ours
    with context.expect_page() as opened:
        page.get_by_role("link", name="用统一身份认证登录").click()
    other = opened.value
    other.locator('input[name="sub"]').fill(who)
    other.get_by_role("button", name="Authorize").click()
    other.wait_for_url("**/staff/oidc/proved")
    page.get_by_role("button", name="确认并执行").click()
    done = page.get_by_role("heading", name="恢复码", exact=True).count()
    assert done == (1 if who == SUBJECT else 0)
    assert (["approver", "proved", "oidc", "127.0.0.1"] in admin.deeds()) == (who == SUBJECT)
    context.close()


def test_an_identity_without_an_account_is_told_what_to_tell_the_administrator(running: Server, arrive: Arrive) -> None:
    with running.fresh() as client:
        back = authorise(leave(client), "nobody-here")
        answer = client.get(back)
    assert (answer.status_code, "nobody-here" in answer.text) == (403, True)
    assert "staff_session" not in answer.headers.get("set-cookie", "")
    deeds = said(arrive(running, "admin").sign_in())
    assert ["-", "sign_in_failed", "oidc_unknown", "127.0.0.1"] in deeds
    assert not any("nobody-here" in part for deed in deeds for part in deed)


def test_a_linked_account_has_no_password_any_more_and_a_closed_one_does_not_come_in(
    running: Server, arrive: Arrive
) -> None:
    admin = linked(running, arrive)
    assert "账号或密码不对" in arrive(running, "approver").show_password().text
    taken = admin.send("/staff/accounts/editor", action="link", external=SUBJECT)
    assert (taken.status_code, "approver" in taken.text) == (400, True)
    admin.send("/staff/accounts/approver", action="close")
    with running.fresh() as client:
        assert client.get(authorise(leave(client))).status_code == 403


@pytest.mark.parametrize("wrong", ["state", "code", "no code", "cookie", "twice", "other browser's"])
def test_what_the_provider_did_not_say_for_this_very_sign_in_is_refused(
    running: Server, arrive: Arrive, wrong: str
) -> None:
    linked(running, arrive)
    with running.fresh() as client, running.fresh() as other:
        back = authorise(leave(client))
        if wrong == "state":
            back = re.sub(r"state=[^&]+", "state=made-up", back)
        elif wrong == "code":
            back = re.sub(r"code=[^&]+", "code=made-up", back)
        elif wrong == "no code":
            back = re.sub(r"code=[^&]+", "error=access_denied", back)
        elif wrong == "cookie":
            client.cookies.clear()
        elif wrong == "twice":
            assert client.get(back).status_code == 200
        elif wrong == "other browser's":
            leave(other)
        answer = (other if wrong.startswith("other") else client).get(back)
    assert answer.status_code in (303, 403)
    assert "staff_session" not in answer.headers.get("set-cookie", "")


def test_the_request_binds_the_answer_to_this_browser(running: Server) -> None:
    with running.fresh() as client:
        first, second = (parse_qs(urlsplit(leave(client)).query) for _ in range(2))
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]
    assert first["code_challenge_method"] == ["S256"]


def test_a_provider_that_is_away_leaves_the_password(staffed: Cli, start: Start) -> None:
    running = served(staffed, start, f"http://127.0.0.1:{free_port()}")
    answer = running.get("/staff/oidc")
    assert (answer.status_code, "用账号和密码登录" in answer.text) == (503, True)
    assert running.get("/staff/sign-in").status_code == 200


def test_without_a_provider_there_is_no_such_page(staffed: Cli, start: Start) -> None:
    running = start(staffed.data_dir)
    assert "统一身份认证" not in running.get("/staff/sign-in").text
    for path in ("/staff/oidc", "/staff/oidc/back?code=x&state=y"):
        assert running.get(path).status_code == 404
