"""Passkeys in a real browser with an authenticator of its own: added, signed in with, shown again, removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from registry.settings import Settings
from tests.desk import FIRST, Staff, let_proof_age
from tests.journeys.test_pages_staff import browsing, faults_at_every_width
from tests.running import PASSWORD, Cli, Server, free_port

#: A device that asks for a finger and always gets one.
_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
NAME = "office.admin"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Server]]:
    """A register at a host name, without which no browser offers passkeys; its address and its server."""
    cli = Cli(tmp_path_factory.mktemp("passkeys") / "var", inside=True)
    cli.ok("init")
    for name in (NAME, "admin.two"):
        cli.ok("user", "add", name, "--role", "administrator", input=PASSWORD)
    port = free_port()
    server = Server(cli.data_dir, port=port, REGISTRY_PUBLIC_URL=f"http://localhost:{port}")
    yield f"http://localhost:{port}", server
    server.end()


def look_at(page: Page, name: str) -> None:
    """Look for faults at both widths; with REGISTRY_TESTS_PICTURES, a folder, also take pictures there."""
    assert faults_at_every_width(page) == []
    if folder := os.environ.get("REGISTRY_TESTS_PICTURES"):
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def show_password(page: Page) -> None:
    page.goto("/staff/sign-in")
    page.fill("#name", NAME)
    page.fill("#password", FIRST)
    page.click("main button[type=submit]")


def enrol(page: Page) -> str:
    """The first sign-in; the secret of the authenticator."""
    show_password(page)
    page.wait_for_url("**/enrol**")
    secret = page.locator("input[name=secret]").input_value()
    page.fill("#code", pyotp.TOTP(secret).now())
    page.click("main button[type=submit]")
    page.click("main a.button")
    return secret


def request_and_confirm(browser: Browser, page: Page, server: Server) -> None:
    """An account that decides: requested in this browser, confirmed in that of another administrator."""
    page.goto("/staff/accounts")
    page.fill("#name", "anshan.approver")
    page.get_by_label("审批").check()
    page.fill("#region", "210300")
    page.get_by_role("button", name="新建账号").click()
    look_at(page, "change-requester")
    change = page.locator("details.confirmation form").get_attribute("action")
    page.goto("/staff/accounts")
    look_at(page, "accounts")
    other = Staff(server, "admin.two").sign_in()
    with_other = browsing(browser, server, other)
    second = with_other.new_page()
    second.goto(str(change))
    look_at(second, "change-decider")
    second.get_by_role("button", name="已核实，确认变更").click()
    look_at(second, "change-confirmed")
    with_other.close()
    other.client.close()


def sign_in_after_the_browser_refused(page: Page, secret: str) -> None:
    """Somebody whose finger it does not know: the browser says no, and the code does."""
    page.get_by_role("button", name="退出", exact=True).click()
    show_password(page)
    page.get_by_role("button", name="用通行密钥登录").click()
    expect(page.locator("[role=status]")).to_contain_text("改用验证码")
    page.fill("#code", pyotp.TOTP(secret).at(time.time() + 30))  # one that nobody used yet
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/staff")


def test_a_passkey_is_added_signs_in_proves_and_is_removed(browser: Browser, address: tuple[str, Server]) -> None:
    url, server = address
    context = browser.new_context(base_url=url, locale="zh-CN")
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda line: wrong.append(line.text) if "status of" not in line.text else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    added = device.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})

    secret = enrol(page)
    page.goto("/staff/account")
    look_at(page, "account-none")
    page.fill("#name", "办公室电脑")
    page.get_by_role("button", name="添加通行密钥").click()
    look_at(page, "passkey-make")
    page.get_by_role("button", name="在浏览器中创建").click()
    page.wait_for_url("**/staff/account")
    row = page.locator("tr", has_text="办公室电脑")
    expect(row).to_contain_text("从未使用")
    look_at(page, "account")

    page.get_by_role("button", name="退出", exact=True).click()
    show_password(page)
    page.wait_for_url("**/second**")
    look_at(page, "second")
    page.get_by_role("button", name="用通行密钥登录").click()
    page.wait_for_url("**/staff")
    page.goto("/staff/account")
    expect(row).not_to_contain_text("从未使用")

    request_and_confirm(browser, page, server)
    let_proof_age(Settings(data_dir=server.data_dir), NAME)  # and now rights are changed
    page.goto("/staff/accounts/admin.two")
    page.get_by_text("停用账号").click()
    look_at(page, "one-account")
    page.get_by_role("button", name="确定停用").click()
    expect(page.locator("h1")).to_have_text("请再次出示验证器")
    look_at(page, "proof")
    page.get_by_role("button", name="用通行密钥确认并执行").click()
    expect(page.locator("main")).to_contain_text("已停用")
    page.goto("/staff/accounts")
    look_at(page, "accounts-one")

    device.send("WebAuthn.setUserVerified", {"authenticatorId": added["authenticatorId"], "isUserVerified": False})
    sign_in_after_the_browser_refused(page, secret)
    page.goto("/staff/account")
    row.get_by_text("移除", exact=True).click()
    row.get_by_role("button", name="确定移除").click()
    expect(row).to_have_count(0)
    assert wrong == []
    context.close()


def test_without_scripts_the_code_does_and_nothing_is_offered_that_does_not_work(
    browser: Browser, address: tuple[str, Server]
) -> None:
    context = browser.new_context(base_url=address[0], locale="zh-CN", java_script_enabled=False)
    page = context.new_page()
    show_password(page)
    assert page.get_by_role("button", name="用通行密钥登录").count() == 0
    assert page.locator("#code").count() == 1
    context.close()
