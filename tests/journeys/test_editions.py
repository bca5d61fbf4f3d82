"""Published editions over HTTP: addresses that never move, what is scheduled, what is withdrawn, who proposes them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jwcrypto import jwk, jws
from playwright.sync_api import Browser, Page

from registry.editions import manifest
from registry.log import store
from registry.log.merkle import Frontier, hash_leaf
from registry.records import timeline
from registry.storage.database import Database
from tests.desk import Staff
from tests.journeys.test_api_document import document_of, operations, unlike
from tests.running import PASSWORD, Cli, Server, eventually, serving

TITLE = "经批准开展人类辅助生殖技术的医疗机构名单"
PUBLIC = "https://register.example"
Start = Callable[..., Server]


def propose(cli: Cli, *more: object, title: str = TITLE) -> int:
    told = ("publish", "--title", title, "--by", "publisher", "--json", *more)
    return int(cli.ok(*told, REGISTRY_PUBLIC_URL=PUBLIC).json["proposal"])


def publish(cli: Cli, *more: object, title: str = TITLE) -> None:
    cli.ok("approve", propose(cli, *more, title=title), "--by", "approver")


def withdraw(cli: Cli, number: int, reason: str) -> None:
    told = ("publish", "--withdraw", number, "--reason", reason, "--by", "publisher", "--json")
    cli.ok("approve", cli.ok(*told).json["proposal"], "--by", "approver")


@pytest.fixture(scope="module")
def made(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeded register with one edition: to be copied."""
    data_dir = tmp_path_factory.mktemp("editions") / "var"
    shutil.copytree(staffed_dir, data_dir)
    cli = Cli(data_dir, inside=True)
    cli.ok("user", "add", "publisher", "--role", "publisher", input=PASSWORD)
    publish(cli, "--as-of", "2025-06-30")
    return data_dir


@pytest.fixture(scope="module")
def running(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over it that nobody changes."""
    data_dir = tmp_path_factory.mktemp("served") / "var"
    shutil.copytree(made, data_dir)
    with serving(data_dir, REGISTRY_PUBLIC_URL=PUBLIC) as server:
        assert server.get_made(f"/api/v1/editions/latest/{manifest.SIGNED}").status_code == 200
        yield server


@pytest.fixture
def cli(made: Path, tmp_path: Path) -> Cli:
    return Cli(Path(shutil.copytree(made, tmp_path / "var")), inside=True)


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", manifest.FILES)
def test_every_file_is_at_its_address_and_at_the_one_that_never_moves(running: Server, name: str) -> None:
    one, latest = (running.get(f"/api/v1/editions/{said}/{name}") for said in ("1", "latest"))
    assert one.status_code == 200, one.text[:300]
    assert one.content == latest.content
    assert one.headers["content-type"].partition(";")[0] == manifest.MEDIA[name]
    assert one.headers["content-disposition"].startswith("attachment")
    assert one.headers["cache-control"] == "public, no-cache"
    held = running.client.get(f"/api/v1/editions/1/{name}", headers={"if-none-match": one.headers["etag"]})
    assert (held.status_code, held.content) == (304, b"")
    head = running.client.head(f"/api/v1/editions/1/{name}")
    assert (head.status_code, head.headers["etag"]) == (200, one.headers["etag"])


def test_what_the_api_says_of_the_files_is_what_they_are(running: Server) -> None:
    told = running.api("/editions/latest")
    assert (told["id"], told["institutions"], told["as_of"], told["withdrawn"]) == ("1", 635, "2025-06-30", None)
    for one in told["files"]:
        body = running.get(one["url"].removeprefix(PUBLIC)).content
        assert (len(body), hashlib.sha256(body).hexdigest()) == (one["size"], one["sha256"]), one["name"]
    assert running.api("/editions") == {
        "items": [{key: value for key, value in told.items() if key != "files"}],
        "latest": "1",
    }


def test_the_json_edition_is_signed_and_is_what_the_log_says(running: Server) -> None:
    """Nothing of the product is believed: keys from the key set, entries from the feed, folded anew."""
    keys = jwk.JWKSet.from_json(running.get("/.well-known/jwks.json").text)
    token = jws.JWS()
    token.deserialize(running.get("/api/v1/editions/latest/manifest.jws").text)
    token.verify(keys.get_key(json.loads(token.objects["protected"])["kid"]))
    signed = json.loads(token.payload)
    body = running.get("/api/v1/editions/latest/list.json").content
    told = json.loads(body)
    sums = {one["name"]: one["sha256"] for one in signed["files"]}
    assert hashlib.sha256(body).hexdigest() == sums["list.json"]
    size, day = told["log"]["size"], told["edition"]["as_of"]
    frontier, known = Frontier(), {}
    for raw in feed(running):
        if raw["number"] > size:
            break
        frontier.append(hash_leaf(json.dumps(raw, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()))
        if raw["change"]["kind"] == "institution":
            held = known.setdefault(raw["subject"], [])
            held.append((raw["valid_from"], raw["number"], raw["change"]["set"]))
    assert frontier.compute_root().hex() == told["log"]["root"] == signed["log"]["root"]
    expected = {}
    for subject, said in known.items():
        values: dict[str, Any] = {}
        for _, _, stated in sorted((one for one in said if one[0] <= day), key=lambda one: one[:2]):
            values.update(stated)
        if values.get("status") == "listed":
            stages = {path[10:]: v["stage"] for path, v in values.items() if path.startswith("approvals.") and v}
            expected[subject[-8:]] = (values["name"], values["address"], stages)
    found = {
        one["code"].replace("-", ""): (
            one["name"],
            one["address"],
            {approval["technique"]: approval["stage"] for approval in one["approvals"]},
        )
        for one in told["items"]
    }
    assert found == expected
    assert len(found) == told["edition"]["institutions"] == 635


def feed(server: Server) -> Iterator[dict[str, Any]]:
    since = 0
    while True:
        page = server.api("/changes", since=since, limit=500)
        yield from page["entries"]
        if page["next"] == page["log_size"]:
            return
        since = page["next"]


def test_the_edition_is_an_entry_of_the_log_with_a_proof(running: Server) -> None:
    told = running.api("/editions/1")
    entry = next(one for one in feed(running) if one["number"] == told["entry"])
    assert entry["subject"] == "edition:1"
    assert (entry["proposer"], entry["approver"]) == ("publisher", "approver")
    assert entry["change"]["set"]["root"] == told["log"]["root"]
    assert running.get(f"/log/proof/{told['entry']}.tlog-proof").status_code == 200
    page = running.get(f"/log?entry={told['entry']}").text
    assert "一期公布的名录" in page
    assert 'href="/editions/1"' in page
    assert running.api("/snapshot")["editions"][0]["institutions"] == 635


def test_the_examples_of_editions_have_the_shape_of_what_the_server_answers(running: Server) -> None:
    document = document_of(running)
    for _, path, operation in operations(document):
        if "editions" in path:
            example = operation["responses"]["200"]["content"]["application/json"]["example"]
            address = path.removeprefix("/api/v1").format(edition="latest", file="manifest.json")
            assert not list(unlike(example, running.api(address), path))
    assert (
        operation_file(document)["responses"]["410"]["content"]["application/problem+json"]["example"]["code"] == "gone"
    )


def operation_file(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/api/v1/editions/{edition}/{file}"]["get"]
    return found


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/editions/2", 404),
        ("/editions/0", 404),
        ("/editions/latest-210000", 404),
        ("/editions/1/list.exe", 404),
        ("/editions/1/.lock", 404),
        ("/editions/1/..%2f..%2fsigning.key", 404),
        ("/editions?limit=1", 400),
        ("/editions/1/list.csv?x=1", 400),
    ],
)
def test_what_is_not_there_is_told(running: Server, path: str, status: int) -> None:
    answer = running.get(f"/api/v1{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_published_yet_is_an_empty_list_and_a_page_that_says_so(server: Server) -> None:
    assert server.api("/editions") == {"items": [], "latest": None}
    assert server.api("/editions/latest", 404)["code"] == "not_found"
    assert server.api("/editions/latest/list.csv", 404)["code"] == "not_found"
    page = server.get("/editions")
    assert page.status_code == 200
    assert "还没有公布过名录" in page.text


def test_many_who_ask_at_once_get_the_same_file_and_it_is_made_once(cli: Cli, start: Start) -> None:
    from concurrent.futures import ThreadPoolExecutor

    server = start(cli.data_dir, workers=2)
    shutil.rmtree(cli.data_dir / "editions", ignore_errors=True)
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda _: server.get_made("/api/v1/editions/latest/list.pdf"), range(12)))
    assert {one.status_code for one in found} == {200}
    assert len({one.content for one in found}) == 1
    assert len([path for path in (cli.data_dir / "editions").iterdir() if path.is_dir()]) == 1


def test_files_that_were_altered_on_disk_are_made_again_and_never_served_or_signed(cli: Cli, start: Start) -> None:
    server = start(cli.data_dir)
    names = ("list.csv", "list.json", "manifest.json", "manifest.jws", "SHA256SUMS", "difference.json")
    at = "/api/v1/editions/latest"
    genuine = {name: server.get_made(f"{at}/{name}").content for name in names}
    (folder,) = [path for path in (cli.data_dir / "editions").iterdir() if path.is_dir()]

    def altered(name: str) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes().replace(b"2025", b"2026"))

    for name in names[:5]:
        altered(name) if name != "manifest.jws" else (folder / name).write_text("e30.e30.e30")
        assert {one: server.get_made(f"{at}/{one}").content for one in names} == genuine, name
    # a whole folder that fits together, waiting for its signature
    forged = genuine["list.csv"].replace("辽宁省".encode(), "吉林省".encode())
    assert forged != genuine["list.csv"]
    (folder / "list.csv").write_bytes(forged)
    old, new = (hashlib.sha256(body).hexdigest().encode() for body in (genuine["list.csv"], forged))
    for name in ("manifest.json", "SHA256SUMS"):
        (folder / name).write_bytes(genuine[name].replace(old, new))
    (folder / "manifest.jws").unlink()
    assert {one: server.get_made(f"{at}/{one}").content for one in names} == genuine
    (folder / "list.csv").unlink()
    assert server.get_made(f"{at}/list.csv").content == genuine["list.csv"]
    assert "altered" in server.errors.read_text()


def test_files_are_refused_where_the_log_no_longer_gives_what_was_approved(cli: Cli, start: Start) -> None:
    import sqlalchemy as sa

    from registry.storage.tables import versions

    database = Database(f"sqlite:///{cli.data_dir / 'register.sqlite'}")
    with database.writing() as connection:
        doomed = sa.select(versions.c.subject).where(versions.c.kind == "institution", versions.c.status == "listed")
        one = connection.execute(doomed.limit(1)).scalar_one()
        connection.execute(sa.delete(versions).where(versions.c.subject == one))
    database.close()
    server = start(cli.data_dir)
    answer = server.get_made("/api/v1/editions/latest/list.csv")
    assert (answer.status_code, answer.json()["code"]) == (500, "log_damaged")


# --- scheduled, withdrawn --------------------------------------------------------------------------------------------


def test_a_scheduled_edition_is_unknown_until_its_time_and_then_the_latest(cli: Cli, start: Start) -> None:
    server, begun = start(cli.data_dir), time.monotonic()
    publish(cli, title="第二期名单")
    release = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=max(10, 5 * (time.monotonic() - begun)))
    publish(cli, "--release", release.isoformat(timespec="seconds"), title="第三期名单")
    assert server.api("/editions/3", 404)["code"] == "not_found"
    assert server.api("/editions/3/list.csv", 404)["code"] == "not_found"
    assert server.get("/editions/3").status_code == 404
    before = server.get("/api/v1/editions")
    assert before.json()["latest"] == "2"
    assert eventually(lambda: bool(server.get("/api/v1/editions").json()["latest"] == "3"), every=0.3)
    assert dt.datetime.now(dt.UTC) >= release.replace(microsecond=0)
    # Who kept the answer from before is told that it is another one, although nothing was recorded meanwhile.
    again = server.client.get("/api/v1/editions", headers={"if-none-match": before.headers["etag"]})
    assert again.status_code == 200
    assert server.get_made("/api/v1/editions/3").json()["title"] == "第三期名单"
    assert "第三期名单" in server.get_made("/editions").text


def test_a_withdrawn_edition_says_why_and_the_latest_goes_back(cli: Cli, start: Start) -> None:
    publish(cli, title="第二期名单")
    server = start(cli.data_dir)
    assert server.get_made("/api/v1/editions/latest").json()["id"] == "2"
    assert server.get_made("/api/v1/editions/2/list.csv").status_code == 200
    withdraw(cli, 2, "示例市一家机构的地址有误")
    assert eventually(lambda: bool(server.get_made("/api/v1/editions/latest").json()["id"] == "1"))
    for name in ("list.csv", "manifest.json", "SHA256SUMS"):
        gone = server.get(f"/api/v1/editions/2/{name}")
        assert (gone.status_code, gone.headers["content-type"]) == (410, "application/problem+json")
        assert "示例市一家机构的地址有误" in gone.json()["detail"]
    told = server.api("/editions/2")
    assert told["withdrawn"]["reason"] == "示例市一家机构的地址有误"
    assert told["files"] == []
    page = server.get("/editions/2")
    assert page.status_code == 200
    assert "这一期已经撤回" in page.text
    assert "示例市一家机构的地址有误" in page.text
    assert "list.docx" not in page.text


def test_an_edition_that_was_cancelled_before_its_time_never_existed_for_the_public(cli: Cli, start: Start) -> None:
    release = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    publish(cli, "--release", release.isoformat(timespec="seconds"), title="第二期名单")
    withdraw(cli, 2, "示例：改期")
    server = start(cli.data_dir)
    assert server.api("/editions/2", 404)
    assert [one["id"] for one in server.api("/editions")["items"]] == ["1"]


def test_the_log_the_views_and_a_restored_copy_hold_with_editions_in_them(cli: Cli, tmp_path: Path) -> None:
    withdraw(cli, 1, "示例")
    publish(cli, "--as-of", "2025-06-30")
    size = cli.log_size()
    cli.ok("rebuild")
    assert cli.log_size() == size
    cli.ok("backup", tmp_path / "copy.backup")
    other = Cli(tmp_path / "other", inside=True)
    other.ok("restore", tmp_path / "copy.backup")
    one, two = tmp_path / "one", tmp_path / "two"
    cli.ok("export", "--out", one)
    other.ok("export", "--out", two)
    assert (one / "SHA256SUMS").read_bytes() == (two / "SHA256SUMS").read_bytes()  # another machine, the same bytes
    other.ok("export", "--check", one)


def test_a_mirror_makes_the_same_files_and_checks_what_the_origin_signed(
    running: Server, made: Path, tmp_path: Path
) -> None:
    origin, mirror = Cli(made, inside=True), Cli(tmp_path / "mirror", inside=True)
    origin.ok("export", "--out", tmp_path / "signed")
    mirror.ok("mirror", running.url, mirror.data_dir)
    told = mirror.ok("export", "--out", tmp_path / "mine", "--json").json
    assert (told["unsigned"], told["unproven"]) == (True, False)
    assert (tmp_path / "mine" / "SHA256SUMS").read_bytes() == (tmp_path / "signed" / "SHA256SUMS").read_bytes()
    assert "真实" in mirror.ok("export", "--check", tmp_path / "signed").out
    with serving(mirror.data_dir) as server:
        assert server.get_made("/api/v1/editions/latest/list.csv").status_code == 200
        refused = server.get("/api/v1/editions/latest/manifest.jws")
        assert (refused.status_code, refused.json()["code"]) == (503, "cannot_sign")


def test_records_fold_editions_like_everything_else(made: Path) -> None:
    database = Database(f"sqlite:///{made / 'register.sqlite'}")
    spans: list[timeline.Span] = []
    with database.reading() as connection:
        for entry in store.read_subject_entries(connection, "edition:1", store.read_head(connection).size):
            spans, _ = timeline.apply_entry(spans, entry)
    database.close()
    assert timeline.collect_facts(spans[-1].state)["institutions"].value == 635


# --- pages -----------------------------------------------------------------------------------------------------------


def test_a_citizen_finds_the_list_downloads_it_and_reads_a_province(running: Server, browser: Browser) -> None:
    with browser.new_context(base_url=running.url, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto("/")
        page.locator("footer a[href^='/editions']").click()
        assert "截至2025年6月30日，公布机构 635 家" in page.locator("main").inner_text()
        for name in manifest.LISTS:
            assert (
                downloaded(page, f"a[href='/api/v1/editions/latest/{name}']")
                == running.get(f"/api/v1/editions/latest/{name}").content
            )
        page.locator("h3 a[href^='/editions/1']").click()
        shown = page.locator("main").inner_text()
        assert "第1期" in shown
        assert "这是第一期" in shown
        for name in ("manifest.json", "manifest.jws", "SHA256SUMS"):
            assert downloaded(page, f"a[href='/api/v1/editions/1/{name}']")
        page.get_by_role("link", name="辽宁省").click()
        assert page.locator(".listed > li").count() == 22
        assert "鞍山市妇儿医院（鞍山市妇幼保健院）" in page.locator("main").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.locator(".listed-name a").first.click()
        assert page.url.split("?")[0].rstrip("/").count("/i/") == 1


def downloaded(page: Page, link: str) -> bytes:
    with page.expect_download() as waiting:
        page.locator(link).click()
    return waiting.value.path().read_bytes()


@pytest.mark.parametrize("path", ["/editions/7", "/editions/1?region=999999", "/editions/1?region=210000&from=9999"])
def test_a_page_of_what_is_not_there_is_not_found(running: Server, path: str) -> None:
    assert running.get(path).status_code == 404


def test_the_pages_speak_english_too(running: Server) -> None:
    assert "635 institutions published, as of" in running.get("/editions?lang=en").text
    assert "This is the first edition" in running.get("/editions/1?lang=en").text


# --- the workspace ---------------------------------------------------------------------------------------------------

Arrive = Callable[..., Staff]


def test_a_publisher_previews_and_proposes_and_another_person_approves(
    cli: Cli, start: Start, arrive: Arrive, browser: Browser
) -> None:
    server = start(cli.data_dir)
    publisher, approver = (arrive(server, name).sign_in() for name in ("publisher", "approver"))
    with browser.new_context(base_url=server.url, user_agent="Desk/1") as context:
        token = publisher.client.cookies["staff_session"]
        context.add_cookies([{"name": "staff_session", "value": token, "url": server.url}])
        page = context.new_page()
        page.goto("/staff/editions")
        visited: list[str] = []
        page.on("load", lambda loaded: visited.append(loaded.url))
        page.get_by_role("link", name="公布新一期").click()
        assert page.locator("#title").input_value() == TITLE
        page.locator("#title").fill("第二期名单")
        page.get_by_role("button", name="预览").click()
        shown = page.locator("main").inner_text()
        for told in (
            "预览：第2期",
            "635 家",
            "来源未写明试运行或正式运行的 55 家",
            "与第1期相比",
            "北京美中宜和北三环妇儿医院",
        ):
            assert told in shown, told
        page.get_by_role("button", name="提交给另一人审批").click()
        assert "您参与过这份提案" in page.locator("main").inner_text()
        assert len(visited) == 3, visited  # the form, its preview, the proposal
        number = page.url.rstrip("/").rsplit("/", 1)[-1]
    seen = approver.get(f"/staff/proposals/{number}")
    assert "审批通过后，公众立即看到第2期" in seen
    assert "与第1期相比" in seen
    assert_an_approver_reads_rows_and_files(approver, number)
    assert server.get_made("/api/v1/editions/latest").json()["id"] == "1"
    assert approver.send(f"/staff/proposals/{number}/approve", on=f"/staff/proposals/{number}").status_code == 200
    assert server.get_made("/api/v1/editions/latest").json()["title"] == "第二期名单"
    assert "已公布" in publisher.get("/staff/editions")


def assert_an_approver_reads_rows_and_files(approver: Staff, number: str) -> None:
    """Every row page by page, and every file, of an edition that is not published yet."""
    at = f"/staff/proposals/{number}/edition"
    names = [
        re.findall(r'data-side="医疗机构名称"><span>(.*?)</span>', approver.get(f"{at}?page={page}"))
        for page in range(1, 8)
    ]
    assert [len(one) for one in names] == [100, 100, 100, 100, 100, 100, 35]
    assert len(json.loads(approver.get(f"{at}/list.json"))["items"]) == 635
    for name in ("list.csv", "list.xlsx", "list.docx", "list.pdf", "list.html"):
        assert len(approver.client.get(f"{at}/{name}").content) > 10_000, name
    approver.get(f"{at}/manifest.json", 404)
    approver.get("/staff/proposals/1/edition", 404)


def hidden(page: str) -> dict[str, str]:
    import re
    from html import unescape

    form = next(form for form in page.split("<form ") if 'action="/staff/editions"' in form.partition(">")[0])
    return {k: unescape(v) for k, v in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)}


def test_what_changed_since_the_preview_is_shown_anew_and_not_proposed(cli: Cli, start: Start, arrive: Arrive) -> None:
    server = start(cli.data_dir)
    publisher = arrive(server, "publisher").sign_in()
    today = dt.datetime.now(dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=8))).date().isoformat()
    asked = {"title": "第二期名单", "as_of": today, "when": "now"}
    preview = publisher.send("/staff/editions/preview", on="/staff/editions/new", **asked)
    sent = hidden(preview.text)
    code = server.api("/institutions", q="鞍山市妇儿医院")["items"][0]["code"]
    made = cli.ok("correct", code, "level=二级", "--from", today, "--reason", "示例", "--by", "editor", "--json").json[
        "proposal"
    ]
    cli.ok("approve", made, "--by", "approver")
    stale = publisher.client.post("/staff/editions", data=sent)
    assert stale.status_code == 409
    assert "又有新记录" in stale.text
    assert "没有待审批的提案" in publisher.get("/staff/proposals")
    fresh = publisher.client.post("/staff/editions", data=hidden(stale.text))
    assert fresh.status_code == 303
    assert "第二期名单" in publisher.get("/staff/editions")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"title": ""}, "请填写标题"),
        ({"as_of": "2999-01-01"}, "没有到"),
        ({"as_of": "soon"}, "请填写截止日"),
        ({"scope": "999999"}, "没有名为“999999”"),
        ({"when": "later", "release_day": "2999-01-01", "release_time": "09:00"}, "公布时间"),
        ({"when": "later", "release_day": "", "release_time": "09:00"}, "公布日期"),
        ({"when": "later", "release_day": "2026-12-01", "release_time": "25:00"}, "钟点"),
    ],
)
def test_a_form_that_cannot_be_used_comes_back_as_it_was_filled_in(
    people: dict[str, Staff], given: dict[str, str], says: str
) -> None:
    asked = {"title": "示例标题", "as_of": "2026-01-01", "when": "now", "scope": "", **given}
    answer = people["publisher"].send("/staff/editions/preview", on="/staff/editions/new", **asked)
    assert answer.status_code == 400
    assert says in answer.text
    assert f'value="{asked["title"]}"' in answer.text
    assert f'value="{asked["as_of"]}"' in answer.text


@pytest.fixture(scope="module")
def people(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Staff]]:
    data_dir = tmp_path_factory.mktemp("desk") / "var"
    shutil.copytree(made, data_dir)
    with serving(data_dir) as server:  # not at an https address: its cookie would not come back
        there = {name: Staff(server, name).sign_in() for name in ("publisher", "editor")}
        yield there
        for one in there.values():
            one.client.close()


def test_an_editor_sees_what_was_published_and_is_offered_no_form(people: dict[str, Staff]) -> None:
    page = people["editor"].get("/staff/editions")
    assert TITLE in page
    assert "公布新一期" not in page
    people["editor"].get("/staff/editions/new", 403)


def test_a_publisher_withdraws_with_a_reason_and_another_person_approves(
    cli: Cli, start: Start, arrive: Arrive
) -> None:
    server = start(cli.data_dir)
    publisher, approver = (arrive(server, name).sign_in() for name in ("publisher", "approver"))
    page = "/staff/editions/withdraw"
    wrong = publisher.send(page, edition="1", reason="")
    assert wrong.status_code == 400
    assert "请写明撤回的理由" in wrong.text
    answer = publisher.send(page, edition="1", reason="示例市一家机构的地址有误")
    assert answer.status_code == 303
    number = answer.headers["location"].rsplit("/", 1)[-1]
    shown = approver.get(f"/staff/proposals/{number}")
    assert "公众看到第1期已撤回" in shown
    assert "示例市一家机构的地址有误" in shown
    assert approver.send(f"/staff/proposals/{number}/approve", on=f"/staff/proposals/{number}").status_code == 200
    assert server.api("/editions/latest", 404)["code"] == "not_found"
    assert "已撤回" in publisher.get("/staff/editions")
    again = publisher.client.post(page, data={"edition": "1", "reason": "再次", "form_token": token_of(publisher)})
    assert again.status_code == 400


def token_of(one: Staff) -> str:
    import re

    found = re.search(r'name="form_token" value="(\w+)"', one.get("/staff/account"))
    assert found
    return found[1]
