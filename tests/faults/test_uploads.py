"""Files of strangers: whatever they do to the process that reads them, the server answers, and so do all others."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.desk import Staff
from tests.faults import hostile_files as hostile
from tests.faults import mutate
from tests.faults.processes import Peak, children_of, command_of, is_at_rest, readers_of, worker_of
from tests.forming import errors_in, fill
from tests.running import PATIENCE, Cli, Server, eventually, serving

MIB = 1024 * 1024
HOSPITAL = "沈阳市妇婴医院"
SHEET = "worksheets/sheet1.xml"
#: MiB that the server may hold beyond what it holds at rest, whatever comes.
MOST = 50


def far(reference: str, name: str = SHEET, row: str = "<row>") -> bytes:
    """A workbook with one cell somewhere else."""
    return hostile.xlsx(
        {name: hostile.sheet(f"{hostile.rows_of(hostile.HEADINGS)}{row}{hostile.cell('x', reference)}</row>")}
    )


def laughing(dtd: tuple[str, str], encode: Callable[[bytes], bytes] = bytes) -> bytes:
    """A workbook whose sheet has a DTD."""
    return hostile.xlsx({SHEET: encode(hostile.sheet(hostile.rows_of(("名称", dtd[1])), before=dtd[0]))})


#: What is sent, by what it is; made when its turn comes. Then the status at /check/list.
SHEETS: dict[str, tuple[Callable[[], bytes], int]] = {
    "a reference with nine row digits": (lambda: far("A999999999"), 413),
    "a row with nine digits": (lambda: far("", row='<row r="999999999">'), 413),
    "a reference with seven letters": (lambda: far("ZZZZZZZ1"), 413),
    "the last cell there is": (lambda: far("XFD1048576"), 413),
    "a sheet part that does not end in .xml": (lambda: far("XFD1048576", "worksheets/sheet1.dat"), 413),
    "a sheet in UTF-16": (
        lambda: hostile.xlsx({SHEET: hostile.utf16(hostile.sheet(hostile.cell("x", "XFD1048576")))}),
        413,
    ),
    "100 MB in one cell": (lambda: hostile.one_cell(100 * MIB), 413),
    "400 MB in one cell": (lambda: hostile.one_cell(400 * MIB), 413),
    "400 MB in one cell, packed less well": (lambda: hostile.one_cell(400 * MIB, thin=True), 413),
    "100 MB that say they are 1 kB": (
        lambda: hostile.lying(hostile.one_cell(100 * MIB), b"xl/worksheets/sheet1.xml", 1000),
        400,
    ),
    "billion laughs": (lambda: laughing(hostile.BILLION_LAUGHS), 400),
    "billion laughs in UTF-16": (lambda: laughing(hostile.BILLION_LAUGHS, hostile.utf16), 400),
    "quadratic blow-up": (lambda: laughing(hostile.QUADRATIC), 400),
    "10,000 sheets": (lambda: hostile.many_sheets(10_000), 413),
    "one sheet 10,000 times": (lambda: hostile.one_sheet_many_times(10_000), 413),
    "zip in zip in zip": (lambda: hostile.nested(5, lambda inside: hostile.xlsx(more=inside)), 413),
    "100,000 elements inside one another": (lambda: hostile.xlsx({SHEET: hostile.sheet(hostile.deep(100_000))}), 413),
    "a text that half a million cells show": (lambda: hostile.shared_strings(500_000, 32_000), 400),
    "a text that fills 64 MB of output": (lambda: hostile.shared_strings(2_000, 32_000, across=10), 413),
    "cut short": (lambda: hostile.xlsx()[:-200], 400),
    "no zip": (lambda: b"PK\x03\x04" + bytes(range(256)) * 50, 400),
    "a Word file": (hostile.docx, 400),
    "a field of 4.9 MB": (lambda: b"name,text\n" + "示例".encode() + b"," + b"x" * 4_900_000 + b"\n", 200),
    "a field of 20 MB": (lambda: b"name,text\nx," + b"x" * 20 * MIB + b"\n", 413),
    "a million columns": (lambda: b"name" + b"," * 1_000_000 + b"\n", 400),
}
#: Lists that an editor uploads, with a word of the refusal.
LISTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "docx, 400 MB in one cell": (lambda: hostile.one_word(400 * MIB, thin=True), "131,072"),
    "docx, 100 MB that say they are 1 kB": (
        lambda: hostile.lying(hostile.one_word(100 * MIB), b"word/document.xml", 1000),
        "损坏",
    ),
    "docx, billion laughs": (lambda: hostile.docx(hostile.word("&j;", before=hostile.BILLION_LAUGHS[0])), "DTD"),
    "docx, quadratic blow-up": (lambda: hostile.docx(hostile.word("&a;", before=hostile.QUADRATIC[0])), "DTD"),
    "docx, elements inside one another": (lambda: hostile.docx(hostile.word(hostile.deep(100_000))), "嵌套"),
    "docx, zip in zip": (lambda: hostile.nested(5, lambda inside: hostile.docx(more=inside)), "嵌套"),
    "xlsx, nine row digits": (lambda: far("A999999999"), "很远处"),
    "csv, a field of 20 MB": (lambda: b"a,b\n" + b"x" * 20 * MIB + b",y\n", "读不下去"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server puts its temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def served(staffed_dir: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has read a good file of each kind and refused one, so that what it loads once does not count.

    All its processes are new ones: what each holds and whose child it is is asked about here.
    """
    data_dir = tmp_path_factory.mktemp("uploads") / "var"
    shutil.copytree(staffed_dir, data_dir)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Server, "new", True)
        with serving(data_dir, TMPDIR=str(folder)) as running:
            for lang in ("zh", "en"):
                assert check(running, hostile.xlsx(), lang=lang).status_code == 200
                assert check(running, far("A999999999"), lang=lang).status_code == 413
            assert check(running, b"name\nx\n").status_code == 200
            assert batch(running, b"name\nx\n").status_code == 200
            running.api("/institutions", q="dalian shengjin 医院 三代试管")  # loads what the start does
            assert eventually(lambda: is_at_rest(worker_of(running)))
            yield running


@pytest.fixture(scope="module")
def editor(served: Server) -> Iterator[Staff]:
    """An editor who is signed in."""
    one = Staff(served, "editor").sign_in()
    yield one
    one.client.close()


def check(server: Server, content: bytes, name: str = "a.xlsx", lang: str = "zh", form: str = "page") -> httpx.Response:
    """A list sent from the page /check."""
    files = {"file": (name, content, "application/octet-stream")}
    return server.client.post("/check/list", files=files, data={"as": form}, params={"lang": lang})


def batch(server: Server, content: bytes | Iterator[bytes]) -> httpx.Response:
    """Claims in csv sent to the API."""
    headers = {"Content-Type": "text/csv"}
    return server.client.post("/api/v1/verify/batch", content=content, headers=headers)


def sentence_in(page: str) -> str:
    """What a page says is wrong."""
    found = re.search(r'class="error-summary".*?</div>', page, re.S)
    return re.sub(r"<[^>]+>|\s+", " ", found[0]) if found else ""


def require_alive(server: Server, pid: int) -> None:
    """The same process answers, and nothing of what read the file is left."""
    assert worker_of(server) == pid and server.process.poll() is None
    assert server.verify(provider={"name": HOSPITAL}, techniques=["IVF"])["verdict"] == "licensed"
    assert eventually(lambda: readers_of(pid) == []), "a process that read a file is left, or was not reaped"


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", SHEETS)
def test_a_hostile_list_costs_its_sender_a_refusal_and_the_server_nothing(
    served: Server, folder: Path, what: str
) -> None:
    make, status = SHEETS[what]
    content, pid = make(), worker_of(served)
    name = "a.xlsx" if content.startswith(b"PK") else "a.csv"
    peak = Peak(pid)
    answers = [check(served, content, name, lang) for lang in ("zh", "en")]
    assert [answer.status_code for answer in answers] == [status, status], sentence_in(answers[0].text)
    assert peak.growth() < MOST
    if status != 200:
        zh, en = (sentence_in(answer.text) for answer in answers)
        assert any(word in zh for word in ("另存", "分成几份", "请", "第一行"))
        assert any(word in en.lower() for word in ("save", "split", "headings", "line break"))
    require_alive(served, pid)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [hostile.xlsx()[:-200], b"PK\x03\x04" + bytes(range(256)) * 50, b"PK\x03\x04"])
def test_what_is_said_of_a_broken_workbook_has_no_words_of_a_parser(served: Server, content: bytes) -> None:
    told = sentence_in(check(served, content).text)
    assert "文件已损坏" in told or "不是" in told
    assert "(" not in told and "（" not in told


def test_a_file_of_one_byte_too_many_is_not_said_to_be_as_large_as_it_may_be(served: Server) -> None:
    answer = check(served, b"name\n" + b"x" * (5 * MIB - 4), "a.csv")
    assert answer.status_code == 413
    assert "文件有 5.1 MB，这里最多 5 MB" in sentence_in(answer.text)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_answers_to_a_large_list_do_not_fill_the_servers_memory(served: Server, form: str) -> None:
    tokens = (random.Random(n).randbytes(8).hex() * 320 for n in range(4_500))  # 5,120 characters that pack 60 times
    rows = "".join(f"<row>{hostile.cell('示例医院')}{hostile.cell(token)}</row>" for token in tokens)
    content = hostile.xlsx({SHEET: hostile.sheet(hostile.rows_of(("名称", "备注")) + rows)})
    peak = Peak(worker_of(served))
    answer = check(served, content, form=form)
    assert answer.status_code == 200
    assert len(answer.content) > (20 * MIB if form == "csv" else 50_000)
    assert peak.growth() < MOST


@pytest.mark.parametrize("encoding", ["multipart", "urlencoded"])
def test_a_field_of_a_form_is_no_way_into_the_servers_memory(served: Server, encoding: str) -> None:
    peak = Peak(worker_of(served))
    text = "x" * 60 * MIB
    sent = (
        {"data": {"as": text}, "files": {"file": ("a.csv", b"name\nx\n")}}
        if encoding == "multipart"
        else {"data": {"as": text}}
    )
    answer = served.client.post("/check/list", **sent)  # type: ignore[arg-type]
    assert answer.status_code == 413
    assert peak.growth() < MOST


def test_a_row_of_20_mb_is_one_bad_row_of_a_batch(served: Server) -> None:
    good = f"{HOSPITAL},IVF\n".encode()
    peak = Peak(worker_of(served))
    answer = batch(served, b"name,techniques\n" + good + b"x" * 20 * MIB + b",IVF\n" + good)
    assert peak.growth() < MOST
    lines = answer.text.splitlines()
    assert len(lines) == 4
    assert [word in line for word, line in zip(("licensed", "262,144", "licensed"), lines[1:], strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize("what", LISTS)
def test_a_hostile_list_of_an_editor_is_an_import_that_failed_with_what_to_do(
    served: Server, editor: Staff, what: str
) -> None:
    make, word = LISTS[what]
    content, pid = make(), worker_of(served)
    peak = Peak(pid)
    token = re.search(r'name="form_token" value="(\w+)"', editor.get("/staff/imports/new"))
    assert token
    sent = {"form_token": token[1], "kind": "list", "as_of": "2025-06-30", "title": "示例", "scope": "national"}
    files = {"file": ("名录.docx", content, "application/octet-stream")}
    jobs: set[str] = set()
    over = threading.Event()

    def look() -> None:  # the job may be over in a second
        while not over.wait(0.01):
            jobs.update(limits_of(one) for one in children_of(pid) if "importers.wizard.job" in command_of(one))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        answer = editor.client.post("/staff/imports", data=sent, files=files)
        assert answer.status_code == 303, errors_in(answer.text)
        page = answer.headers["location"]
        assert eventually(lambda: word in editor.get(page), every=0.3), editor.get(page)[-3000:]
    finally:
        over.set()
        looking.join()
    assert peak.growth() < MOST
    assert any(limit.startswith("4294967296 0 7200") for limit in jobs), jobs  # of the process that did the import
    require_alive(served, pid)


def limits_of(process: int) -> str:
    """(address space, core file, processor seconds) that a process may take."""
    try:
        said = Path(f"/proc/{process}/limits").read_text()
    except OSError:
        return ""
    wanted = ("Max address space", "Max core file size", "Max cpu time")
    return " ".join(row[len(name) :].split()[0] for name in wanted for row in said.splitlines() if row.startswith(name))


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: hostile.one_word(400 * MIB), "巨大"),
        (lambda: hostile.lying(hostile.one_word(100 * MIB), b"word/document.xml", 1000), "损坏"),
        (lambda: hostile.nested(5, lambda inside: hostile.docx(more=inside)), "嵌套"),
        (lambda: hostile.docx(hostile.word("&j;", before=hostile.BILLION_LAUGHS[0])), "DTD"),
        (lambda: hostile.docx(more={"word/x.bin": b"x", "customXml/a.xml": hostile.sheet(hostile.deep(1000))}), "嵌套"),
    ],
)
def test_a_hostile_document_is_refused_on_its_form(
    served: Server, editor: Staff, make: Callable[[], bytes], word: str
) -> None:
    content = make()
    peak = Peak(worker_of(served))
    answer = fill(editor, "/staff/forms/institution", document=content, filename="批复.docx")
    assert peak.growth() < MOST
    assert any(word in sentence for sentence in errors_in(answer.text)), (answer.status_code, errors_in(answer.text))
    require_alive(served, worker_of(served))


@pytest.mark.parametrize("command", [("check",), ("import", "--as-of", "2025-06-30", "--dry-run")])
def test_the_command_is_protected_like_the_server(served: Server, tmp_path: Path, command: tuple[str, ...]) -> None:
    cli = Cli(served.data_dir)
    for name, content in (("far.xlsx", far("A999999999")), ("cell.xlsx", hostile.one_cell(100 * MIB, thin=True))):
        path = tmp_path / name
        path.write_bytes(content)
        assert cli.refused(*command, path).startswith("registry: ")


# --- processes -------------------------------------------------------------------------------------------------------


def slow(rows: int = 2_000) -> bytes:
    """A list that takes a good second to read, or less with fewer rows."""
    row = f"<row>{hostile.cell('示例医院') * 200}</row>"
    return hostile.xlsx({SHEET: hostile.sheet(hostile.rows_of(("名称", *(["备注"] * 199))) + row * rows)})


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGABRT, 400), (signal.SIGKILL, 400), (signal.SIGSEGV, 400), (signal.SIGXCPU, 413)],
    ids=["aborts", "is killed", "crashes", "runs out of time"],
)
def test_whatever_ends_the_process_that_reads_a_file_ends_one_request(
    served: Server, number: signal.Signals, status: int
) -> None:
    content, pid = slow(), worker_of(served)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(check, served, content)
        assert eventually(lambda: bool(readers_of(pid)), every=0.002)
        for reader in readers_of(pid):
            os.kill(reader, number)
        answer = sent.result()
    assert answer.status_code == status
    assert "请" in sentence_in(answer.text)
    require_alive(served, pid)


def test_csv_whose_process_is_killed_on_the_way_says_from_where_on_nothing_was_checked(served: Server) -> None:
    pid, row = worker_of(served), f"{HOSPITAL},IVF\n".encode()
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=PATIENCE)
    connection.putrequest("POST", "/api/v1/verify/batch")
    for name, value in (("Content-Type", "text/csv"), ("Transfer-Encoding", "chunked")):
        connection.putheader(name, value)
    connection.endheaders()

    def send(piece: bytes) -> None:
        connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))

    send(b"name,techniques\n" + row * 5_000)
    answer = connection.getresponse()  # as httpx does only once everything was sent
    lines = [answer.readline().decode() for _ in range(1_001)]
    for reader in readers_of(pid):
        os.kill(reader, signal.SIGKILL)
    send(row * 5_000)
    connection.send(b"0\r\n\r\n")
    lines += answer.read().decode().splitlines()
    connection.close()
    assert answer.status == 200
    assert 1_001 < len(lines) < 5_003
    assert "unreadable_file" in lines[-1]
    assert all("licensed" in line for line in lines[1:-1])
    require_alive(served, pid)


def test_whoever_comes_when_too_many_files_are_read_is_told_to_come_again_and_reads_go_on(served: Server) -> None:
    content, pid = slow(600), worker_of(served)
    times: list[float] = []
    over = threading.Event()

    def reads() -> None:
        with served.fresh() as client:
            while not over.is_set():
                started = time.monotonic()
                assert client.get("/api/v1/institutions", params={"limit": 1}).status_code == 200
                times.append(time.monotonic() - started)
                time.sleep(0.05)

    with ThreadPoolExecutor(41) as pool:
        reading = pool.submit(reads)
        answers = list(pool.map(lambda _: check(served, content), range(40)))
        over.set()
        reading.result()
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 503}
    assert statuses[200] >= 4
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(int(answer.headers["retry-after"]) > 0 and "稍等几秒" in answer.text for answer in refused)
    assert len(times) > 10
    require_alive(served, pid)
    assert check(served, hostile.xlsx()).status_code == 200


def test_a_batch_that_finds_no_room_is_a_503_with_the_code_busy(served: Server) -> None:
    host, port = served.url.removeprefix("http://").split(":")
    head = (
        "POST /api/v1/verify/batch HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    opened = []
    try:
        for _ in range(64):  # half of them have a process, half of them wait for one
            one = socket.create_connection((host, int(port)))
            one.sendall(head.encode() + b"5\r\nname\n\r\n")
            opened.append(one)
        assert eventually(lambda: len(readers_of(worker_of(served))) == 32)
        time.sleep(0.5)
        answer = batch(served, b"name\nx\n")
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["retry-after"]) > 0
        assert check(served, hostile.xlsx()).status_code == 200  # files have places of their own
    finally:
        for one in opened:
            one.close()
    assert eventually(lambda: batch(served, b"name\nx\n").status_code == 200)
    require_alive(served, worker_of(served))


def test_no_descriptor_and_no_process_is_left_behind(served: Server) -> None:
    pid = worker_of(served)
    descriptors = Path(f"/proc/{pid}/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(20):
        check(served, hostile.xlsx()[:-100])
        check(served, hostile.xlsx())
        batch(served, b"name\nx\n")
    require_alive(served, pid)
    assert eventually(lambda: len(list(descriptors.iterdir())) <= before + 2)


def test_a_reader_is_given_nothing_of_the_register(served: Server) -> None:
    (forking,) = [one for one in children_of(worker_of(served)) if "uploads.fork_server" in command_of(one)]
    environment = Path(f"/proc/{forking}/environ").read_bytes()
    assert b"REGISTRY_" not in environment
    opened = {str(one.readlink()) for one in Path(f"/proc/{forking}/fd").iterdir()}
    assert not any(str(served.data_dir) in name for name in opened - {str(served.errors)})


@pytest.mark.parametrize("killed", ["supervisor", "worker"])
def test_readers_end_with_the_server(
    staffed_dir: Path, tmp_path: Path, start: Callable[..., Server], killed: str
) -> None:
    shutil.copytree(staffed_dir, tmp_path / "var")
    server = start(tmp_path / "var")
    content = slow()

    def sent() -> None:
        # A worker whose supervisor is gone ends what it began, if that takes no longer than a few seconds.
        with pytest.raises(httpx.HTTPError) if killed == "worker" else suppress(httpx.HTTPError):
            check(server, content)

    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(sent)
        worker = worker_of(server)
        assert eventually(lambda: bool(readers_of(worker)), every=0.002)
        forking = [one for one in children_of(worker) if "uploads.fork_server" in command_of(one)]
        left = [worker, *forking, *readers_of(worker)]
        os.kill(worker if killed == "worker" else server.process.pid, signal.SIGKILL)
        posting.result()
    assert eventually(lambda: not any(Path(f"/proc/{one}").exists() and command_of(one) for one in left))


def test_the_log_is_clean_after_all_of_this(served: Server) -> None:
    said = json.loads(Cli(served.data_dir).ok("log", "check", "--json").out)
    assert said["size"] > 0
    assert "Traceback" not in served.errors.read_text()


def test_six_hundred_damaged_uploads_of_every_kind_end_in_an_answer_or_a_refusal(served: Server) -> None:
    """The whole run is of 20,000: ``python -m tests.faults.mutate``."""
    pid, peak = worker_of(served), Peak(worker_of(served))
    outcomes = dict(mutate.run(served.data_dir, served, 600, seed=7))
    assert sum(sum(outcome.said.values()) for outcome in outcomes.values()) == 600
    assert all(outcome.said["read"] + outcome.said["200"] for outcome in outcomes.values()), (
        outcomes
    )  # the damage is not all of one sort
    assert all(outcome.grown < MOST for outcome in outcomes.values())
    assert peak.growth() < MOST
    require_alive(served, pid)
