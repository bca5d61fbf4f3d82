"""Forms of the workspace at a real server: from what one person types, by another's approval, to the public page."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable

import httpx
import pytest

from registry.domain.identifiers import format_code, make_code
from registry.records.asof import read_today
from registry.settings import Settings
from registry.staff.forms import documents
from registry.storage.database import Database
from tests.desk import Staff
from tests.forming import DOCUMENT, PDF, answers_of, approved, drafted, errors_in, fields_of, fill, proposed
from tests.running import PASSWORD, Cli, Server, eventually

NAME, ADDRESS = "鞍山市示例增补医院", "辽宁省鞍山市铁西区示例路9号"
DEMO = "示例市第一示例医院"
TODAY = read_today().isoformat()
Arrive = Callable[..., Staff]


@pytest.fixture
def register(staffed: Cli) -> Cli:
    """A seeded register with the fictional city, two editors, an approver and an auditor."""
    staffed.ok("seed", "--demo")
    for name, role in (("second.editor", "editor"), ("auditor", "auditor")):
        staffed.ok("user", "add", name, "--role", role, input=PASSWORD)
    return staffed


@pytest.fixture
def running(register: Cli, start: Callable[..., Server]) -> Server:
    return start(register.data_dir)


@pytest.fixture
def editor(running: Server, arrive: Arrive) -> Staff:
    return arrive(running, "editor").sign_in()


@pytest.fixture
def approver(running: Server, arrive: Arrive) -> Staff:
    return arrive(running, "approver").sign_in()


def code_of(one: Staff, name: str = DEMO) -> str:
    found = re.search(r"/staff/records/([0-9A-Z]{4}-[0-9A-Z]{4})", one.get(f"/staff/records?q={name}&region=all"))
    assert found
    return found[1]


def subject_of(one: Staff, name: str = DEMO) -> str:
    return "institution:" + code_of(one, name).replace("-", "")


def is_row(page: str, before: str, after: str) -> bool:
    rows = re.findall(r'<tr class="differs">.*?<td[^>]*>(.*?)</td><td[^>]*><mark>(.*?)</mark>', page, re.S)
    return any(before in old and after in new for old, new in rows)


# --- each form, to the public page -----------------------------------------------------------------------------------


def test_a_new_institution_with_its_approvals_is_public_once_somebody_else_approved_it(
    register: Cli, running: Server, editor: Staff, approver: Staff
) -> None:
    size = register.log_size()
    draft = drafted(
        editor,
        "/staff/forms/institution",
        name=NAME,
        address=ADDRESS,
        stage__IVF="formal",
        stage__ICSI="trial",
        document_no="示卫批〔2025〕30号",
        authority="辽宁省卫生健康委",
        valid_from="2025年11月1日",
        verification_due="20271101",
    )
    check = editor.get(f"{draft}/check")
    assert is_row(check, "（无）", NAME)
    assert is_row(check, "（无）", "试运行")
    assert is_row(check, "（无）", "辽宁省鞍山市铁西区")  # the region, read from the address
    assert register.log_size() == size
    number = proposed(editor, draft)
    assert editor.client.get(draft).status_code == 404  # the draft is gone
    assert running.api("/institutions", q=NAME)["items"] == []
    assert approver.get(f"/staff/proposals/{number}").count("示卫批〔2025〕30号") >= 1
    approved(approver, number)
    assert register.log_size() == size + 2  # the document, and the institution resting on it
    hit = running.api("/institutions", q=NAME)["items"][0]
    assert (hit["region"]["code"], hit["status"]) == ("210303", "listed")
    stages = {one["technique"]: (one["stage"], one["valid_from"]) for one in hit["approvals"]}
    assert stages == {"IVF": ("formal", "2025-11-01"), "ICSI": ("trial", "2025-11-01")}
    public = running.get(f"/i/{hit['code']}").text
    assert NAME in public
    assert "关于示例机构的批复（示卫批〔2025〕30号）" in public
    assert "/staff/attachments" not in public
    claim = {"provider": {"name": NAME, "address": ADDRESS}, "techniques": ["IVF"]}
    assert eventually(lambda: bool(running.verify(**claim)["verdict"] == "licensed"))
    answer = running.verify(**{**claim, "techniques": ["PGT"]})
    assert answer["verdict"] != "licensed"


def test_only_the_technique_that_changed_is_stated_and_the_public_reads_the_new_stage(
    running: Server, editor: Staff, approver: Staff
) -> None:
    page = f"/staff/forms/approval?subject={subject_of(editor)}&technique=PGT"
    assert 'value="示卫批〔2025〕3号"' in editor.get(page)  # as recorded
    draft = drafted(editor, page, stage="formal", document_no="示卫批〔2025〕30号", valid_from="2025-11-01")
    assert is_row(editor.get(f"{draft}/check"), "试运行", "正式运行")
    number = proposed(editor, draft)
    approved(approver, number)
    found = running.api(f"/institutions/{code_of(editor)}")
    stages = {one["technique"]: one["stage"] for one in found["approvals"]}
    assert stages == {"AIH": "formal", "IVF": "formal", "ICSI": "formal", "PGT": "formal"}
    history = running.api(f"/institutions/{code_of(editor)}/history")["versions"]
    assert [one["field"] for one in history[-1]["changes"]] == ["approvals.PGT"]


def test_a_suspension_of_several_techniques_is_one_proposal_and_keeps_what_each_has(
    running: Server, editor: Staff, approver: Staff
) -> None:
    page = f"/staff/forms/approval?subject={subject_of(editor)}&technique=IVF"
    typed = {"stage": "suspended", "document_no": "示卫决〔2025〕31号", "also": ["ICSI", "PGT"]}
    approved(approver, proposed(editor, drafted(editor, page, **typed)))
    found = {one["technique"]: one for one in running.api(f"/institutions/{code_of(editor)}")["approvals"]}
    assert {code: one["stage"] for code, one in found.items()} == {
        "AIH": "formal",
        "IVF": "suspended",
        "ICSI": "suspended",
        "PGT": "suspended",
    }
    claim = {"provider": {"code": code_of(editor)}, "techniques": ["ICSI"]}
    assert eventually(lambda: bool(running.verify(**claim)["verdict"] == "suspended"))


def test_a_person_is_authorised_and_of_the_certificate_only_the_end_is_kept(
    register: Cli, running: Server, editor: Staff, approver: Staff
) -> None:
    code = code_of(editor)
    draft = drafted(
        editor,
        f"/staff/forms/practitioner?institution={code}",
        name="示例新员",
        role="临床医师",
        techniques=["IVF", "ICSI"],
        certificate_kind="医师执业证书",
        certificate_no="110210000000777",
        effective="2025-11-01",
        valid_from="2025-11-01",
    )
    shown = editor.get(f"{draft}?step=person")
    assert 'value="***********0777"' in shown
    assert "110210000000777" not in shown
    number = proposed(editor, draft)
    assert "示例新员" not in str(editor.get("/staff/proposals"))  # no title names anybody
    approved(approver, number)
    people = running.api(f"/institutions/{code}/practitioners")["items"]
    assert [one["name"] for one in people if one["valid_from"] == "2025-11-01"] == ["示例新员"]
    assert "0777" in editor.get(f"/staff/records/{code}")
    for file in register.data_dir.iterdir():
        assert file.is_dir() or b"110210000000777" not in file.read_bytes(), file.name


def test_a_certificate_is_registered_with_the_period_its_number_says(
    running: Server, editor: Staff, approver: Staff
) -> None:
    code = code_of(editor)
    page = f"/staff/forms/ad_certificate?institution={code}"
    draft = drafted(editor, page, number="（示）医广【2025】第1101002号", effective="2025-11-01")
    check = editor.get(f"{draft}/check")
    assert is_row(check, "（无）", "(示)医广[2025]第11-01-002号")
    assert is_row(check, "（无）", "2026-10-31")
    approved(approver, proposed(editor, draft))
    claim = {"provider": {"code": code}, "ad_certificate": "(示)医广[2025]第11-01-002号", "on": "2025-11-20"}
    assert eventually(lambda: bool(running.verify(**claim)["ad_certificate"]["verdict"] == "valid"))
    again = fill(editor, page, document=PDF, **DOCUMENT, number="(示)医广[2025]第11-01-002号", effective="2025-11-01")
    assert "已登记在本机构名下" in editor.get(again.headers["location"])


def test_a_sanction_of_an_unlisted_organisation_is_recorded_and_found_again(
    running: Server, editor: Staff, approver: Staff
) -> None:
    typed = {
        "organisation": "示例助孕咨询公司",
        "authority": "示例市市场监督管理局",
        "document_no": "示市监罚〔2025〕8号",
        "decided_on": "2025-10-18",
        "effective": "2025-10-18",
        "summary": "发布代孕广告，罚款10万元。",
    }
    approved(approver, proposed(editor, drafted(editor, "/staff/forms/sanction", **typed, doc_date="2025-10-18")))
    page = editor.get("/staff/records?kind=sanction")
    assert "示例助孕咨询公司" in page
    record = re.search(r'href="(/staff/records/[0-9A-Z-]{9})">示市监罚', page)
    assert record
    found = re.search(r'/staff/forms/sanction\?subject=(sanction%3A\w+)"', editor.get(record[1]))
    assert found
    assert "发布代孕广告" in editor.get(f"/staff/forms/sanction?subject={found[1]}&step=sentence")


# --- corrections -----------------------------------------------------------------------------------------------------


def test_a_correction_is_told_apart_refused_without_its_reason_and_public_with_it(
    running: Server, editor: Staff, approver: Staff
) -> None:
    subject = subject_of(editor)
    page = f"/staff/forms/institution?subject={subject}"
    bare = fill(editor, page, document=PDF, **DOCUMENT, name="示例市第一示范医院", effective="2025-06-30")
    assert bare.status_code == 400
    assert any("这是更正" in one for one in errors_in(bare.text))
    assert answers_of(editor, bare.draft)["name"] == "示例市第一示范医院"
    done = fill(editor, bare.draft, reason="名单誊录有误，以批文为准")
    assert done.status_code == 303
    check = editor.get(done.headers["location"])
    assert "这是更正" in check
    number = proposed(editor, bare.draft)
    approved(approver, number)
    versions = running.api(f"/institutions/{code_of(editor)}/history")["versions"]
    assert versions[-1]["valid_from"] == "2025-06-30"
    assert versions[-1]["reason"] == "名单誊录有误，以批文为准"
    assert "更正" in running.get(f"/i/{code_of(editor)}/history").text


def test_a_change_of_a_later_day_needs_no_reason_and_a_description_no_document(
    running: Server, editor: Staff, approver: Staff
) -> None:
    answer = fill(editor, f"/staff/forms/institution?subject={subject_of(editor)}", level="三级甲等")
    assert answer.status_code == 303
    assert "没有文件（所改的不是法定事实）" in editor.get(answer.headers["location"])
    approved(approver, proposed(editor, answer.headers["location"].removesuffix("/check")))
    assert running.api(f"/institutions/{code_of(editor)}")["level"] == "三级甲等"
    lawful = fill(editor, f"/staff/forms/institution?subject={subject_of(editor)}", uscc="12210300MB0000027N")
    assert any("这是法定事实，须写明依据的文件" in one for one in errors_in(lawful.text))
    assert any("扫描件" in one for one in errors_in(lawful.text))


# --- what was typed is never lost ------------------------------------------------------------------------------------


def test_wrong_inputs_are_said_at_their_fields_and_everything_typed_is_kept(editor: Staff) -> None:
    typed = {
        "name": NAME,
        "address": "辽宁省鞍山市铁西区示例路9号",
        "region": "辽宁省沈阳市和平区",
        "uscc": "12210300MB000002",
        "domains": "not a domain",
        "effective": "2025-02-30",
        "stage__IVF": "formal",
        "valid_from": "2025-10-01",
        "verification_due": "2024-10-01",
    }
    answer = fill(editor, "/staff/forms/institution", **typed)
    assert answer.status_code == 400
    wrong = set(re.findall(r'id="([\w.]+)-error"', answer.text))
    assert {"region", "uscc", "domains", "effective", "verification_due"} <= wrong
    kept = answers_of(editor, answer.draft)
    assert {name: kept[name.replace("__", ".")] for name in typed} == typed
    assert NAME in editor.get("/staff/drafts")


def test_a_draft_survives_a_closed_browser_and_is_nobody_elses(running: Server, editor: Staff, arrive: Arrive) -> None:
    saved = fill(editor, "/staff/forms/institution", action="save", name=NAME)
    assert saved.status_code == 303
    editor.client.close()
    again = arrive(running, "editor", agent="Another/2")
    again.secret, again.recovery = editor.secret, editor.recovery
    again.sign_in()
    draft = saved.headers["location"].partition("?")[0]
    assert f'value="{NAME}"' in again.get(draft)
    assert f'href="{draft}"' in again.get("/staff/drafts")
    other = arrive(running, "second.editor").sign_in()
    assert NAME not in other.get("/staff/drafts")
    for path in (draft, f"{draft}/check"):
        assert NAME not in other.get(path, 404)
    token = fields_of(other.get("/staff/forms/institution"), "/staff/forms/institution")["form_token"]
    for path in (f"{draft}/discard", f"{draft}/propose", f"{draft}/join"):
        assert other.client.post(path, data={"form_token": token}).status_code == 404
    assert again.send(f"{draft}/discard", on=draft).status_code == 303
    assert again.client.get(draft).status_code == 404


def test_numbers_that_identify_a_person_are_neither_kept_nor_shown_again(register: Cli, editor: Staff) -> None:
    identity, phone = "210302199001011234", "13800001111"
    answer = fill(
        editor,
        f"/staff/forms/practitioner?institution={code_of(editor)}",
        action="save",
        name=f"示例员 {phone}",
        role="护士",
        certificate_no=f"2013{identity}02",
        to_approver=f"身份证 {identity[:6]} {identity[6:]}",
    )
    assert answer.status_code == 400
    assert len([one for one in errors_in(answer.text) if "名录不保存这类号码" in one]) == 3
    assert 'value="护士"' in answer.text
    for secret in (identity, phone, identity[6:]):
        assert secret not in answer.text
    for file in register.data_dir.iterdir():
        found = b"" if file.is_dir() else file.read_bytes()
        assert identity.encode() not in found, file.name
        assert phone.encode() not in found, file.name


def test_a_second_window_writes_nothing_over_and_a_second_press_proposes_nothing_twice(editor: Staff) -> None:
    first = fill(editor, "/staff/forms/institution", action="save", name=NAME)
    draft = first.headers["location"].partition("?")[0]
    left, right = (fields_of(editor.get(draft), draft) for _ in range(2))
    one = editor.client.post(draft, data={**left, "campus": "甲院区", "action": "save"})
    two = editor.client.post(draft, data={**right, "campus": "乙院区", "action": "save"})
    assert one.headers["location"].partition("?")[0] == draft
    copy = two.headers["location"].partition("?")[0]
    assert copy != draft
    assert "没有覆盖" in editor.get(two.headers["location"])
    assert (fields_of(editor.get(draft), draft)["campus"], fields_of(editor.get(copy), copy)["campus"]) == (
        "甲院区",
        "乙院区",
    )
    ready = drafted(editor, draft, address=ADDRESS, stage__IVF="formal")
    page = editor.get(f"{ready}/check")
    sent = {**fields_of(page, f"{ready}/propose"), "confirm": re.findall(r'name="confirm" value="(\w+)"', page)}
    assert editor.client.post(f"{ready}/propose", data=sent).status_code == 303
    again = editor.client.post(f"{ready}/propose", data=sent)
    assert again.status_code == 404
    assert "可能已提交" in again.text
    # whoever goes on in a window that was left open loses nothing either
    late = editor.client.post(draft, data={**left, "campus": "丙院区", "action": "save"})
    assert late.status_code == 303
    kept = late.headers["location"].partition("?")[0]
    assert fields_of(editor.get(kept), kept)["campus"] == "丙院区"


# --- two people ------------------------------------------------------------------------------------------------------


def test_two_people_on_one_record_are_told_and_nothing_is_lost(
    running: Server, editor: Staff, approver: Staff, arrive: Arrive
) -> None:
    other = arrive(running, "second.editor").sign_in()
    page = f"/staff/forms/institution?subject={subject_of(editor)}"
    mine = drafted(editor, page, name="示例市第一示例医院（示例院）", level="三级甲等")
    assert re.search(r"editor 自.*有一份未提交的草稿", other.get(page))
    theirs = drafted(other, page, name="示例市第一示例总医院", campus="示例院区")
    assert "second.editor" in editor.get(mine)
    number = proposed(other, theirs)
    assert f'href="/staff/proposals/{number}"' in editor.get(mine)
    assert f'href="/staff/proposals/{number}"' in editor.get(f"/staff/records/{code_of(editor)}")
    approved(approver, number)
    assert "有了新的记载" in editor.get(mine)
    compared = editor.get(f"{mine}/check", 409)
    for said in ("示例市第一示例总医院", "示例市第一示例医院（示例院）", "示例院区"):
        assert said in compared
    blocked = editor.client.post(f"{mine}/propose", data=fields_of(compared, f"{mine}/join"))
    assert blocked.status_code == 409
    unanswered = editor.client.post(f"{mine}/join", data=fields_of(compared, f"{mine}/join"))
    assert (unanswered.status_code, "请选择以哪边为准" in unanswered.text) == (400, True)
    answers = {**fields_of(compared, f"{mine}/join"), "take-name": "mine"}
    joined = editor.client.post(f"{mine}/join", data=answers)
    assert joined.status_code == 303
    now = answers_of(editor, mine)
    assert (now["name"], now["campus"], now["level"]) == ("示例市第一示例医院（示例院）", "示例院区", "三级甲等")
    last = fill(editor, mine, reason="两份文件同日，以后一份为准")
    assert last.status_code == 303, errors_in(last.text)
    approved(approver, proposed(editor, mine))
    found = running.api(f"/institutions/{code_of(editor)}")
    assert (found["name"], found["campus"], found["level"]) == (
        "示例市第一示例医院（示例院）",
        "示例院区",
        "三级甲等",
    )


def test_what_was_recorded_between_opening_a_form_and_saving_it_is_not_undone(
    running: Server, editor: Staff, approver: Staff, arrive: Arrive
) -> None:
    other = arrive(running, "second.editor").sign_in()
    page = f"/staff/forms/institution?subject={subject_of(editor)}"
    opened = editor.get(f"{page}&step=details")
    approved(approver, proposed(other, drafted(other, page, campus="示例院区")))
    sent = {**fields_of(opened, "/staff/forms/institution"), "level": "三级甲等", "action": "next"}
    answer = editor.client.post("/staff/forms/institution", data=sent)
    assert answer.status_code == 303
    compared = editor.get(answer.headers["location"], 409)
    draft = answer.headers["location"].removesuffix("/check")
    assert "示例院区" in compared
    editor.client.post(f"{draft}/join", data=fields_of(compared, f"{draft}/join"))
    approved(approver, proposed(editor, draft))
    found = running.api(f"/institutions/{code_of(editor)}")
    assert (found["campus"], found["level"]) == ("示例院区", "三级甲等")


def test_what_was_recorded_meanwhile_of_another_day_is_told_and_has_to_be_confirmed(
    running: Server, editor: Staff, approver: Staff, arrive: Arrive
) -> None:
    other = arrive(running, "second.editor").sign_in()
    page = f"/staff/forms/institution?subject={subject_of(editor)}"
    mine = drafted(editor, page, level="三级甲等")
    later = (read_today() + dt.timedelta(days=60)).isoformat()
    approved(approver, proposed(other, drafted(other, page, campus="示例院区", effective=later)))
    assert fill(editor, mine, reason="以后的变更不影响现在的等级").status_code == 303
    checked = editor.get(f"{mine}/check")
    assert "second.editor 提出、approver 批准的变更已写入同一记录" in checked
    sent = fields_of(checked, f"{mine}/propose")
    assert "confirm" not in {name for name, value in sent.items() if value}
    refused = editor.client.post(f"{mine}/propose", data={"form_token": sent["form_token"]})
    assert (refused.status_code, "请核实后勾选确认" in refused.text) == (400, True)
    assert proposed(editor, mine)


# --- documents, warnings, territory ----------------------------------------------------------------------------------


def test_a_document_comes_back_byte_for_byte_as_a_file_and_a_web_page_is_refused(
    register: Cli, running: Server, editor: Staff, approver: Staff, arrive: Arrive
) -> None:
    page = f"/staff/forms/institution?subject={subject_of(editor)}"
    bad = fill(
        editor, page, **DOCUMENT, campus="示例院区", document=b"<!doctype html><script>1</script>", name="批复.pdf"
    )
    assert bad.status_code == 400
    assert any("不接受这种文件" in one for one in errors_in(bad.text))
    assert answers_of(editor, bad.draft)["campus"] == "示例院区"
    large = PDF + b"\0" * 3_000_000
    draft = drafted(editor, page, campus="示例院区", document=large)
    digest = hashlib.sha256(large).hexdigest()
    number = proposed(editor, draft)
    answer = approver.client.get(f"/staff/attachments/{digest}")
    assert hashlib.sha256(answer.content).hexdigest() == digest
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert running.get(f"/staff/attachments/{digest}").status_code == 303  # nobody without a session
    for path in ("0" * 64, "..%2Fregister.sqlite", "x"):
        assert approver.client.get(f"/staff/attachments/{path}").status_code == 404
    database = Database(Settings(data_dir=register.data_dir).get_database_url())
    with database.reading() as connection:
        found = documents.list_proposal_documents(connection, number)
    database.close()
    assert [(one.sha256, one.file.name if one.file else "") for one in found] == [(digest, "批复.pdf")]
    deeds = arrive(running, "auditor").sign_in().deeds()
    assert ["editor", "attachment_added", f"sha256:{digest}", "127.0.0.1"] in deeds
    assert not any("示例" in " ".join(deed) for deed in deeds)


def test_a_likeness_has_to_be_confirmed_as_another_institution_before_it_is_proposed(editor: Staff) -> None:
    typed = {"name": "沈阳市妇婴医院分院", "address": "辽宁省沈阳市沈河区大南街87号", "stage__IVF": "formal"}
    draft = drafted(editor, "/staff/forms/institution", **typed)
    page = editor.get(f"{draft}/check")
    assert page.count('name="confirm"') >= 1
    assert "/staff/records/" in page
    bare = editor.client.post(f"{draft}/propose", data=fields_of(page, f"{draft}/propose"))
    assert bare.status_code == 400
    assert "请核实后勾选确认" in bare.text
    assert proposed(editor, draft)


def test_an_editor_of_one_region_is_told_early_where_it_ends(register: Cli, running: Server, arrive: Arrive) -> None:
    register.ok("user", "add", "anshan.editor", "--role", "editor", "--region", "210300", input=PASSWORD)
    one = arrive(running, "anshan.editor").sign_in()
    elsewhere = code_of(one, "沈阳市妇婴医院")
    record = one.get(f"/staff/records/{elsewhere}")
    assert "只能查看" in record
    assert "/staff/forms/" not in record
    subject = "institution:" + elsewhere.replace("-", "")
    assert "辽宁省鞍山市" in one.get(f"/staff/forms/institution?subject={subject}", 403)
    one.get(f"/staff/forms/practitioner?institution={elsewhere}", 403)
    one.get(f"/staff/forms/approval?subject={subject}&technique=IVF", 403)
    answer = fill(one, "/staff/forms/institution", name=NAME, address="辽宁省沈阳市沈河区示例路1号", **DOCUMENT)
    assert any("辽宁省鞍山市" in said for said in errors_in(answer.text))
    unlisted = fill(one, "/staff/forms/sanction", organisation="示例公司")
    assert any("辽宁省鞍山市" in said for said in errors_in(unlisted.text))
    inside = fill(
        one, "/staff/forms/institution", name=NAME, address=ADDRESS, stage__IVF="formal", document=PDF, **DOCUMENT
    )
    assert inside.status_code == 303, errors_in(inside.text)
    assert proposed(one, inside.headers["location"].removesuffix("/check"))


def test_a_returned_proposal_is_edited_again_and_proposed_anew(editor: Staff, approver: Staff) -> None:
    draft = drafted(
        editor,
        f"/staff/forms/practitioner?institution={code_of(editor)}",
        name="示例新员",
        role="护士",
        techniques=["AIH"],
        effective=TODAY,
    )
    number = proposed(editor, draft)
    page = f"/staff/proposals/{number}"
    approver.send(f"{page}/reject", on=page, reason="岗位与批文不符")
    listed = editor.get("/staff/drafts")
    assert "岗位与批文不符" in listed
    again = editor.send(f"{page}/draft", on="/staff/drafts")
    assert again.status_code == 303
    assert "姓名：请填写这一项" in editor.get(again.headers["location"], 400)
    draft = again.headers["location"].removesuffix("/check")
    kept = answers_of(editor, draft)
    assert (kept["role"], kept["techniques"], kept["name"]) == ("护士", "AIH", "")  # personal values are gone
    done = fill(editor, draft, name="示例新员", role="实验室技术人员")
    assert done.status_code == 303, errors_in(done.text)
    assert proposed(editor, draft) > number


def test_an_institution_of_a_day_to_come_is_found_by_its_code_and_can_be_edited(
    running: Server, editor: Staff, approver: Staff
) -> None:
    to_come = read_today() + dt.timedelta(days=60)
    typed = {"name": NAME, "address": ADDRESS, "stage__IVF": "formal", "effective": to_come.isoformat()}
    number = proposed(editor, drafted(editor, "/staff/forms/institution", **typed))
    found = re.search(r">([0-9A-Z]{4}-[0-9A-Z]{4})<", approver.get(f"/staff/proposals/{number}"))
    assert found
    approved(approver, number)
    assert running.get(f"/i/{found[1]}").status_code == 404
    assert NAME in editor.get(f"/staff/records/{found[1]}")
    assert f'value="{NAME}"' in editor.get(f"/staff/forms/institution?subject=institution:{found[1].replace('-', '')}")


def test_nothing_is_made_by_looking_and_what_is_not_there_is_said(running: Server, editor: Staff) -> None:
    for path, status in (
        ("/staff/forms/nothing", 404),
        ("/staff/forms/approval", 404),
        ("/staff/forms/institution?subject=institution:00000000", 404),
        ("/staff/forms/institution?subject=practitioner:00000000", 404),
        (f"/staff/records/{format_code(make_code('nobody'))}", 404),
        ("/staff/records/WRONG", 400),
        ("/staff/drafts/1", 404),
    ):
        editor.get(path, status)
    editor.get(f"/staff/forms/institution?subject={subject_of(editor)}")
    assert "没有草稿" in editor.get("/staff/drafts")


def test_a_form_saved_by_the_script_goes_on_where_it_was(editor: Staff) -> None:
    shown = editor.get("/staff/forms/institution")
    sent = {**fields_of(shown, "/staff/forms/institution"), "name": NAME, "action": "autosave"}
    first: httpx.Response = editor.client.post("/staff/forms/institution", data=sent)
    told = first.json()
    second = editor.client.post(told["path"], data={**sent, "version": told["version"], "campus": "示例院区"}).json()
    assert second["path"] == told["path"]
    assert second["version"] > told["version"]
    kept = fields_of(editor.get(told["path"]), told["path"])
    assert (kept["name"], kept["campus"]) == (NAME, "示例院区")


def test_whoever_approves_a_correction_of_days_that_are_over_sees_it_with_its_day_and_reason(
    editor: Staff, approver: Staff
) -> None:
    typed = {"name": NAME, "address": ADDRESS, "stage__IVF": "formal", "effective": "2025-11-01"}
    approved(approver, proposed(editor, drafted(editor, "/staff/forms/institution", **typed)))
    found = re.search(r"/staff/records/([0-9A-Z-]{9})", editor.get(f"/staff/records?q={NAME}"))
    assert found
    page = f"/staff/forms/approval?subject=institution:{found[1].replace('-', '')}&technique=IVF"
    approved(approver, proposed(editor, drafted(editor, page, stage="suspended", effective="2025-11-20")))
    past = {"stage": "revoked", "effective": "2025-11-05", "reason": "原记载漏了一次撤销"}
    shown = approver.get(f"/staff/proposals/{proposed(editor, drafted(editor, page, **past))}")
    assert "公众页面没有变化" not in shown
    for said in ("2025年11月5日", "原记载漏了一次撤销", "撤销"):
        assert said in shown
