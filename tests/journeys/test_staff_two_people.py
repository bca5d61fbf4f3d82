"""What takes two administrators, at a running server: pages of both, and of those who would do without the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from registry.settings import Settings
from tests.desk import SECOND, Staff, let_proof_age
from tests.running import PASSWORD, Cli, Server, serving

Arrive = Callable[..., Staff]
_FIRST_PASSWORD = re.compile(r"[0-9a-f]{6}(?:-[0-9a-f]{6}){3}")
_ACTIVATION = re.compile(r'<p class="code long" translate="no">([0-9a-z]{5}-[0-9a-z]{5})</p>')


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    cli = Cli(tmp_path_factory.mktemp("two") / "var", inside=True)
    cli.ok("init")
    for name, role in (("admin.one", "administrator"), ("admin.two", "administrator"), ("approver.a", "approver")):
        cli.ok("user", "add", name, "--role", role, input=PASSWORD)
    with serving(cli.data_dir, REGISTRY_PUBLIC_URL="http://localhost:8000") as server:
        yield server


@pytest.fixture(scope="module")
def people(running: Server) -> Iterator[dict[str, Staff]]:
    there = {name: Staff(running, name).sign_in() for name in ("admin.one", "admin.two", "approver.a")}
    yield there
    for one in there.values():
        one.client.close()


def find_in(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    assert found, page
    return found[found.re.groups]


def change_on(page: str) -> str:
    return find_in(re.compile(r'action="(/staff/accounts/changes/[0-9]+)"'), page)


def test_an_approver_is_made_by_two_and_signs_in_with_what_each_of_them_handed_over(
    running: Server, people: dict[str, Staff], arrive: Arrive
) -> None:
    one, two = people["admin.one"], people["admin.two"]
    page = one.send("/staff/accounts", name="anshan.approver", role="approver", region="210300").text
    password, change = find_in(_FIRST_PASSWORD, page), change_on(page)
    assert "须由另一位管理员确认" in page
    assert 'value="confirm"' not in page
    assert password not in one.get(change)
    fresh = arrive(running, "anshan.approver", password)
    assert fresh.show_password().status_code == 400  # there is no such account yet
    assert f'href="{change}"' in two.get("/staff/accounts")
    assert "账号变更等待您确认（1）" in two.get("/staff")
    assert "账号变更等待您确认" not in one.get("/staff")
    shown = two.get(change)
    assert all(text in shown for text in ("admin.one", "审批", "辽宁省鞍山市", "等待确认", "失效时间"))
    code = find_in(_ACTIVATION, two.send(change, action="confirm").text)
    assert code not in two.get(change) + one.get(change)
    assert fresh.show_password().status_code == 303
    without = fresh.enrol()  # whoever has the password alone
    assert without.status_code == 400
    assert "启用码不对" in without.text
    page = fresh.get("/staff/enrol")
    sent = {"form_token": find_in(re.compile(r'name="form_token" value="(\w+)"'), page), "secret": fresh.secret}
    answer = fresh.client.post("/staff/enrol", data={**sent, "code": fresh.code(), "activation": code})
    assert answer.status_code == 200
    assert fresh.send("/staff/password", old=password, new=SECOND, again=SECOND).status_code == 303
    assert "审批" in fresh.get("/staff/account")
    number = change.rpartition("/")[2]
    about = f"account_change:{number} create anshan.approver"
    steps = [tuple(deed[:2]) for deed in one.deeds() if deed[2] == about]
    assert steps == [("admin.one", "account_change_requested"), ("admin.two", "account_change_confirmed")]
    assert f"账号变更 {number}（anshan.approver）" in one.get("/staff/trail")


def test_who_asked_cannot_confirm_in_any_session_nor_whom_it_is_about(
    running: Server, people: dict[str, Staff], arrive: Arrive
) -> None:
    one, two = people["admin.one"], people["admin.two"]
    change = change_on(one.send("/staff/accounts/admin.two", action="change", role=["administrator", "approver"]).text)
    again = arrive(running, "admin.one", agent="Phone/2")
    again.recovery, again.secret = one.recovery, one.secret
    again.sign_in()
    token = re.compile(r'name="form_token" value="(\w+)"')
    for who in (one, again, two):
        sent = {"form_token": find_in(token, who.get("/staff/account")), "action": "confirm"}
        answer = who.client.post(change, data=sent)
        assert answer.status_code == 403, answer.text
    assert "审批" not in find_in(re.compile(r"<dl class=\"pairs\">(.*?)</dl>", re.S), two.get("/staff/account"))
    refused = [deed[2].rpartition(" ")[2] for deed in one.deeds() if deed[1] == "refused" and "changes" in deed[2]]
    assert refused == ["same_person", "same_person", "own_account"]
    gone = again.send(change, action="withdraw")
    assert gone.status_code == 200
    assert "已撤回" in gone.text


def test_a_factor_is_reset_by_two_refused_with_a_reason_and_too_late_the_second_time(
    running: Server, people: dict[str, Staff]
) -> None:
    one, two, approver = people["admin.one"], people["admin.two"], people["approver.a"]
    change = change_on(one.send("/staff/accounts/approver.a", action="forget_second").text)
    again = one.send("/staff/accounts/approver.a", action="forget_second")
    assert again.status_code == 400
    assert "已在等待确认" in again.text
    empty = two.send(change, action="refuse")
    assert empty.status_code == 400
    assert "请写明不同意的理由" in empty.text
    assert two.send(change, action="refuse", reason="本人没有丢失验证器").status_code == 200
    assert "本人没有丢失验证器" in one.get(change)
    assert approver.get("/staff")  # nothing happened
    second = change_on(one.send("/staff/accounts/approver.a", action="forget_second").text)
    shown = two.get(second)
    form = {"form_token": find_in(re.compile(r'name="form_token" value="(\w+)"'), shown), "action": "confirm"}
    assert two.client.post(second, data=form).status_code == 200
    assert approver.client.get("/staff").status_code == 303  # every session has ended
    late = two.client.post(second, data=form)
    assert late.status_code == 409
    assert "已由“admin.two”处理" in late.text


def test_confirming_wants_a_fresh_proof_and_says_what_it_does_in_english(
    running: Server, people: dict[str, Staff]
) -> None:
    one, two = people["admin.one"], people["admin.two"]
    change = change_on(one.send("/staff/accounts", name="other.admin", role="administrator").text)
    let_proof_age(Settings(data_dir=running.data_dir), "admin.two")
    asked = two.send(change, action="confirm")
    assert asked.status_code == 403
    assert "请再次出示验证器" in asked.text
    english = two.get(f"{change}?lang=en")
    assert "Another administrator" not in english
    assert "First ask the holder of the account" in english
    done = two.send(change, action="confirm", proof_code=two.recovery.pop())
    assert _ACTIVATION.search(done.text)


def test_what_destroys_is_asked_for_twice(people: dict[str, Staff]) -> None:
    """The button that does it stands behind another one that says what is lost."""
    one = people["admin.one"]
    page, own = one.get("/staff/accounts/approver.a"), one.get("/staff/account")
    for text, action in ((page, 'value="close"'), (page, 'value="forget_second"'), (own, "/staff/account/end")):
        before, found, _ = text.partition(action)
        assert found
        assert before.count("<details") == before.count("</details>") + 1
    assert "可以重新启用" in page
    assert "全部须重新登录" in own
