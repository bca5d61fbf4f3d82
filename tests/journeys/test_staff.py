"""The workspace of the staff at a real server: signing in, accounts, and a change on its way to the public page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desk import FIRST, SECOND, Staff
from tests.factories import a_list
from tests.running import PASSWORD, Cli, Server, eventually

NAME, ADDRESS = "沈阳市示例增补医院", "辽宁省沈阳市和平区示例路9号"
Start = Callable[..., Server]
Arrive = Callable[..., Staff]


@pytest.fixture
def register(staffed: Cli) -> Cli:
    """A seeded register with an editor, an approver and an administrator."""
    staffed.ok("user", "add", "admin", "--role", "administrator", input=PASSWORD)
    return staffed


@pytest.fixture
def running(register: Cli, start: Start) -> Server:
    return start(register.data_dir)


def proposed(cli: Cli, tmp_path: Path, name: str = NAME) -> int:
    """The number of a proposal that the editor makes in the shell: one new institution."""
    path = a_list(tmp_path / "new.csv", [{"name": name, "address": ADDRESS}])
    outcome = cli.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--source", "沈阳增补", "--json").json
    return int(outcome["proposal"])


# --- signing in ------------------------------------------------------------------------------------------------------


def test_the_first_sign_in_sets_up_an_authenticator_and_shows_recovery_codes_once(
    running: Server, arrive: Arrive
) -> None:
    admin = arrive(running, "admin")
    assert admin.client.get("/staff").headers["location"].startswith("/staff/sign-in")
    assert admin.show_password().headers["location"].startswith("/staff/second")
    assert admin.client.get("/staff").headers["location"] == "/staff/enrol"
    wrong = admin.send("/staff/enrol", code="12345")
    assert wrong.status_code == 400
    assert "验证码不对" in wrong.text
    done = admin.enrol()
    assert done.status_code == 200
    assert len(set(admin.recovery)) == 10
    assert done.headers["cache-control"] == "no-store"
    home = admin.get("/staff")
    assert "没有等待审批的提案" not in home  # that is for approvers
    assert admin.recovery[0] not in admin.get("/staff/account")
    again = arrive(running, "admin")
    assert again.show_password().status_code == 303
    assert again.send("/staff/second", code=admin.fresh_code()).headers["location"] == "/staff"
    assert "10" in again.get("/staff/account")
    third = arrive(running, "admin")
    third.show_password()
    assert third.send("/staff/second", code=admin.recovery[0]).status_code == 303
    fourth = arrive(running, "admin")
    fourth.show_password()
    assert "已用过" in fourth.send("/staff/second", code=admin.recovery[0]).text
    assert [deed[1:3] for deed in admin.deeds() if deed[0] == "admin" and deed[1] == "signed_in"] == [
        ["signed_in", "enrolled"],
        ["signed_in", "code"],
        ["signed_in", "recovery"],
    ]


def test_a_wrong_password_is_said_without_saying_which_names_exist_and_keeps_nobody_out(
    running: Server, arrive: Arrive
) -> None:
    said = set()
    for name in ("admin", "nobody"):
        for _ in range(3):
            answer = arrive(running, name).show_password("a wrong pass phrase")
            assert answer.status_code == 400
            said.add(re.sub(r'value="(admin|nobody)"', "", answer.text))
    assert len(said) == 1
    assert "账号或密码不对" in said.pop()
    assert arrive(running, "admin").show_password().status_code == 303
    wrong = {"name": "admin", "password": "a wrong pass phrase"}
    english = arrive(running, "admin").client.post("/staff/sign-in?lang=en", data=wrong)
    assert "each answer takes longer" in english.text


def test_five_wrong_codes_end_the_sign_in_and_then_other_browsers_wait_but_not_the_owners(
    running: Server, arrive: Arrive
) -> None:
    admin = arrive(running, "admin").sign_in()
    other = arrive(running, "admin")
    other.show_password()
    for _ in range(4):
        assert other.send("/staff/second", code="no code").status_code == 400
    ended = other.send("/staff/second", code="no code")
    assert ended.status_code == 403
    assert "登录已结束" in ended.text
    assert other.show_password().status_code == 303
    slowed = other.send("/staff/second", code=admin.recovery[0])
    assert slowed.status_code == 429
    assert "尝试次数过多" in slowed.text
    assert 1 <= int(slowed.headers["retry-after"]) <= 60
    assert admin.get("/staff")  # whoever is in already stays
    admin.client.post("/staff/sign-out")
    admin.sign_in()  # and comes back in the browser that was used before
    assert ["admin", "slowed", "second", "127.0.0.1"] in admin.deeds()


def test_a_browser_left_signed_in_is_no_place_to_guess_the_password(running: Server, arrive: Arrive) -> None:
    admin, left = arrive(running, "admin").sign_in(), arrive(running, "editor").sign_in()
    for _ in range(4):
        assert "不对" in left.send("/staff/password", old="a guess", new=SECOND, again=SECOND).text
    ended = left.send("/staff/password", old="a guess", new=SECOND, again=SECOND)
    assert ended.status_code == 403
    assert "登录已结束" in ended.text
    assert left.client.get("/staff").status_code == 303
    tries = [deed for deed in admin.deeds() if deed[:2] == ["editor", "sign_in_failed"]]
    assert tries
    assert tries[-1][2].startswith("password")


def test_behind_a_proxy_the_cookie_is_for_https_only_and_forms_of_the_public_address_are_ours(
    register: Cli, start: Start, arrive: Arrive
) -> None:
    server = start(register.data_dir, REGISTRY_PUBLIC_URL="https://register.example")
    client = arrive(server, "admin").client
    sent = {"name": "admin", "password": FIRST}
    answer = client.post("/staff/sign-in", data=sent, headers={"origin": "https://register.example"})
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()
    assert client.post("/staff/sign-in", data=sent, headers={"origin": "http://register.example"}).status_code == 403


def test_the_page_that_was_wanted_comes_after_signing_in_and_none_of_another_site(
    running: Server, arrive: Arrive
) -> None:
    admin = arrive(running, "admin").sign_in()
    for wanted, reached in (
        ("/staff/trail", "/staff/trail"),
        ("https://example.org/", "/staff"),
        ("//example.org/staff", "/staff"),
        ("/staff//example.org", "/staff"),
        ("/staff\\example.org", "/staff"),
        ("/staff/../i/7K2M-9QX4", "/staff"),
        ("/staffing", "/staff"),
    ):
        other = arrive(running, "admin")
        signed = other.client.post("/staff/sign-in", data={"name": "admin", "password": FIRST, "next": wanted})
        second = signed.headers["location"]
        done = other.send("/staff/second", on=second, code=admin.recovery.pop())
        assert done.headers["location"] == reached


def test_signing_out_and_signing_out_everywhere_end_what_the_cookie_was_worth(running: Server, arrive: Arrive) -> None:
    one = arrive(running, "admin").sign_in()
    other = arrive(running, "admin", agent="Phone/2")
    other.recovery, other.secret = one.recovery, one.secret
    other.sign_in()
    assert "Phone/2" in one.get("/staff/account")
    kept = {"cookie": f"staff_session={one.client.cookies['staff_session']}"}
    assert one.client.post("/staff/sign-out").headers["location"] == "/staff/sign-in"
    assert one.client.get("/staff", headers=kept).status_code == 303
    one.sign_in()
    assert other.get("/staff")
    assert one.send("/staff/account/end", on="/staff/account", session="").status_code == 303
    assert one.client.get("/staff").status_code == 303
    assert other.client.get("/staff").status_code == 303


def test_an_administrator_adds_an_account_whose_first_password_has_to_be_changed(
    running: Server, arrive: Arrive
) -> None:
    admin = arrive(running, "admin").sign_in()
    for fields, said in (
        ({"name": "Anna", "role": "editor"}, "不可用"),
        ({"name": "anshan.editor"}, "角色有误"),
        ({"name": "anshan.editor", "role": "editor", "region": "999999"}, "没有行政区划代码"),
        ({"name": "editor", "role": "editor"}, "已存在"),
    ):
        answer = admin.send("/staff/accounts", **fields)
        assert answer.status_code == 400
        assert said in answer.text
    added = admin.send("/staff/accounts", name="anshan.editor", role="editor", region="210300")
    password = re.search(r"[0-9a-f]{6}(?:-[0-9a-f]{6}){3}", added.text)
    assert password
    assert "辽宁省鞍山市" in added.text
    assert password[0] not in admin.get("/staff/accounts")
    fresh = arrive(running, "anshan.editor", password[0])
    fresh.show_password()
    fresh.enrol()
    assert fresh.client.get("/staff").headers["location"] == "/staff/password"
    assert fresh.client.get("/staff/proposals").status_code == 303
    wrong = fresh.send("/staff/password", old=password[0], new=SECOND, again="another one here")
    assert "不一致" in wrong.text
    assert "不对" in fresh.send("/staff/password", old="wrong", new=SECOND, again=SECOND).text
    assert "太短" in fresh.send("/staff/password", old=password[0], new="short", again="short").text
    assert fresh.send("/staff/password", old=password[0], new=SECOND, again=SECOND).status_code == 303
    assert fresh.get("/staff")
    # help for whoever lost the password, and the end of an account
    reset = admin.send("/staff/accounts/anshan.editor", action="reset")
    again = re.search(r"[0-9a-f]{6}(?:-[0-9a-f]{6}){3}", reset.text)
    assert again
    assert fresh.client.get("/staff").status_code == 303
    assert admin.send("/staff/accounts/anshan.editor", action="close").status_code == 200
    assert fresh.client.get("/staff").headers["location"].startswith("/staff/sign-in")
    assert fresh.show_password(again[0]).status_code == 400
    about = [deed[1] for deed in admin.deeds() if deed[2] == "account:anshan.editor"]
    assert about == ["account_added", "account_reset", "account_close"]


# --- a change becomes public -----------------------------------------------------------------------------------------


def test_another_person_sees_what_will_be_public_approves_it_and_then_it_is(
    register: Cli, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    number = proposed(register, tmp_path)
    size = register.log_size()
    approver = arrive(running, "approver").sign_in()
    assert f'href="/staff/proposals/{number}"' in approver.get("/staff")
    page = approver.get(f"/staff/proposals/{number}")
    assert NAME in page
    assert "新增机构" in page
    assert "试管婴儿" in page
    assert "正式运行" in page
    assert running.api("/institutions", q=NAME)["items"] == []
    assert register.log_size() == size  # looking leaves nothing behind
    done = approver.send(f"/staff/proposals/{number}/approve", on=f"/staff/proposals/{number}")
    assert done.status_code == 200
    assert f"第{size + 1}至" in done.text
    hit = running.api("/institutions", q=NAME)["items"][0]
    assert hit["name"] == NAME
    public = running.get(f"/i/{hit['code']}")
    assert public.status_code == 200
    assert NAME in public.text
    claim = {"provider": {"name": NAME, "address": ADDRESS}, "techniques": ["IVF"]}
    assert eventually(lambda: bool(running.verify(**claim)["verdict"] == "licensed"))
    admin = arrive(running, "admin").sign_in()
    assert ["approver", "approved", f"proposal:{number}", "127.0.0.1"] in admin.deeds()
    assert ["editor", "propose", f"proposal:{number}", "服务器命令行"] in admin.deeds()


def test_a_change_of_a_known_institution_is_shown_before_and_after(
    register: Cli, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    row = {
        "name": "鞍山市妇儿医院（鞍山市妇幼保健院）",
        "address": "辽宁省鞍山市铁西区三道街115号",
        "techniques": "IVF ICSI AIH",
        "stages": "trial",
    }
    path = a_list(tmp_path / "changed.csv", [row])
    outcome = register.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json").json
    approver = arrive(running, "approver").sign_in()
    for lang, before, after in (("", "正式运行", "试运行"), ("?lang=en", "full operation", "trial operation")):
        page = approver.get(f"/staff/proposals/{outcome['proposal']}{lang}")
        differing = re.findall(r'<tr class="differs">.*?<td[^>]*>(.*?)</td><td[^>]*><mark>(.*?)</mark>', page)
        assert (before, after) in differing, differing


def test_a_proposal_is_rejected_with_a_reason_that_its_proposer_reads(
    register: Cli, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    number = proposed(register, tmp_path)
    approver = arrive(running, "approver").sign_in()
    page = f"/staff/proposals/{number}"
    empty = approver.send(f"{page}/reject", on=page, reason="  ")
    assert empty.status_code == 400
    assert "请说明否决的理由" in empty.text
    assert approver.send(f"{page}/reject", on=page, reason="地址与批文不符").status_code == 303
    editor = arrive(running, "editor").sign_in()
    assert "地址与批文不符" in editor.get(page)
    assert f'href="{page}"' in editor.get("/staff/proposals?state=rejected")
    assert running.api("/institutions", q=NAME)["items"] == []


def test_nobody_decides_on_their_own_proposal_whatever_they_send(
    register: Cli, running: Server, arrive: Arrive, tmp_path: Path
) -> None:
    register.ok("user", "add", "both", "--role", "editor", "--role", "approver", input=PASSWORD)
    path = a_list(tmp_path / "new.csv", [{"name": NAME, "address": ADDRESS}])
    told = register.ok("import", path, "--as-of", "2025-09-30", "--by", "both", "--json").json
    both = arrive(running, "both").sign_in()
    page = f"/staff/proposals/{told['proposal']}"
    shown = both.get(page)
    assert "须由另一人审批" in shown
    assert f'action="{page}/approve"' not in shown
    token = re.search(r'name="form_token" value="(\w+)"', both.get("/staff/account"))
    seen = re.search(r"[0-9a-f]{64}", shown)
    assert token
    assert seen
    answer = both.client.post(f"{page}/approve", data={"form_token": token[1], "seen": seen[0]})
    assert answer.status_code == 403
    admin = arrive(running, "admin").sign_in()
    about = f"POST /staff/proposals/{told['proposal']}/approve four_eyes"
    assert ["both", "refused", about, "127.0.0.1"] in admin.deeds()
    assert running.api("/institutions", q=NAME)["items"] == []
