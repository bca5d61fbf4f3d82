"""What the staff does meanwhile: proposals of every kind, their approval, imports, editions; and whether it arrived."""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
import re
import subprocess
import threading
import time
import urllib.parse
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from bench import lists
from bench.running import PATIENCE
from bench.soak.desk import Desk, NotSignedIn
from bench.soak.oracle import TECHNIQUES, Log, find_day_at
from bench.soak.questions import Questions
from bench.soak.world import World

#: Seconds around a kill in which a request may lose its connection.
AROUND_A_KILL = 2.0
#: Fresh connections that ask after each approval, so that every worker is met.
PROBES = 6
_PLACES = ("和平路", "建设街", "人民大街", "文化路")


class Journal:
    """What happened and when, for the judge and for the report; lines of JSON."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self.events: list[dict[str, Any]] = []

    def note_event(self, kind: str, **data: Any) -> None:
        """Something happened just now."""
        event = {"kind": kind, "t": time.monotonic(), **data}
        with self._lock:
            self.events.append(event)
            self._file.write(json.dumps(event, ensure_ascii=False) + "\n")


class Staff:
    """The editor, the approver and the publisher at work."""

    def __init__(self, world: World, questions: Questions, journal: Journal, chance: random.Random) -> None:
        self.world, self.questions, self.journal, self.chance = world, questions, journal, chance
        self.log = Log()
        self.approver = Desk(world.address, "approver", "127.20.0.1")
        self.editor = Desk(world.address, "editor", "127.20.0.2")
        self.counts: Counter[str] = Counter()
        self.refusals: list[str] = []
        self.approved: dict[int, str] = {}
        self.unclear: dict[int, str] = {}  # proposals of which nobody heard whether they were approved
        self._lists = 0
        self._lock = threading.Lock()
        self._probing: list[threading.Thread] = []
        self._spool = (world.folder / "probes.jsonl").open("a", encoding="utf-8", buffering=1)

    def follow_log(self) -> None:
        """Read the log's feed to its end."""
        while True:
            url = f"{self.world.address}/api/v1/changes?since={self.log.get_size}&limit=2000"
            page = httpx.get(url, timeout=PATIENCE).raise_for_status().json()
            for entry, leaf in zip(page["entries"], page["leaves"], strict=True):
                self.log.append(entry, leaf)
            if page["next"] >= page["log_size"]:
                return

    def refresh_institutions(self) -> None:
        """Ask about what there is now."""
        self.follow_log()
        self.questions.write_file(self.log, time.time())

    # --- single changes ----------------------------------------------------------------------------------------------

    def propose_change(self) -> None:
        """Propose one change of one institution in the shell, and approve it by one door or the other."""
        day, subject = find_day_at(time.time()), self._choose_subject()
        kind, fields, first = self._draw_change(subject, day)
        code = subject.partition(":")[2]
        data = ("--from", first, "--reason", "耐久试验中的示例更正", "--by", "editor", "--json")
        ran = self.world.run_command("correct", f"{code[:4]}-{code[4:]}", *fields, *data)
        if ran.code:
            self._note_refusal(f"propose {kind}", ran.err)
            return
        self._approve(ran.parse_json["proposal"], kind, subject)

    def _choose_subject(self) -> str:
        day = find_day_at(time.time())
        subjects = self.log.list_subjects()
        while True:
            subject = self.chance.choice(subjects)
            if self.log.is_recorded(subject, self.log.get_size, day):
                return subject

    def _draw_change(self, subject: str, day: str) -> tuple[str, list[str], str]:  # noqa: PLR0911
        """(kind, fields, day it is true from) of a change that makes a difference."""
        value = self.log.get_values(subject, self.log.get_size, day)
        held = [code for code in TECHNIQUES if f"approvals.{code}" in value]
        technique = self.chance.choice(held or list(TECHNIQUES))
        before = (dt.date.fromisoformat(day) - dt.timedelta(days=self.chance.randrange(1, 40))).isoformat()
        after = (dt.date.fromisoformat(day) + dt.timedelta(days=self.chance.randrange(1, 50))).isoformat()
        since = self.chance.choice((day, day, before))
        number = self.chance.randrange(1, 10_000)
        stage = self.chance.choice(("suspended", "revoked", "lapsed"))
        chosen = self.chance.randrange(10)
        if chosen == 0:
            due = (dt.date.fromisoformat(day) - dt.timedelta(days=1)).isoformat()
            return "lapse by date", [_make_approval(technique, stage="formal", verification_due=due)], since
        if chosen == 1:
            return "suspension", [_make_approval(technique, stage="suspended")], since
        if chosen == 2:
            return "resumption", [_make_approval(technique, stage="formal")], since
        if chosen == 3:
            return "rename", [f"name={value['name'].partition('（')[0]}（示例{number}）"], since
        if chosen == 4:
            return "move", [f"address={_move_address(value['address'], self.chance, number)}"], since
        if chosen == 5:
            gained = self.chance.choice([code for code in TECHNIQUES if code not in held] or list(TECHNIQUES))
            return "technique gained", [_make_approval(gained, stage="trial")], since
        if chosen == 6:
            return "technique lost", [f"approvals.{technique}="], since
        if chosen == 7:
            return "future-dated", [_make_approval(technique, stage=stage)], after
        if chosen == 8:
            return "revocation", [_make_approval(technique, stage=stage)], since
        return "delisted or back", [f"status={'listed' if value['status'] == 'delisted' else 'delisted'}"], since

    def suspend_at_once(self) -> None:
        """An emergency suspension on the page, in the log before anybody confirms it; then its confirmation."""
        subject, day = self._choose_subject(), find_day_at(time.time())
        code = subject.partition(":")[2]
        value = self.log.get_values(subject, self.log.get_size, day)
        open_ = [one for one in TECHNIQUES if (value.get(f"approvals.{one}") or {}).get("stage") in ("formal", "trial")]
        if not open_ or value["status"] != "listed":
            return
        page = f"/staff/suspend?code={code[:4]}-{code[4:]}"
        fields = {"why": "耐久试验中的示例暂停", "technique": open_[:1]}
        try:
            answer = self.editor.send_form("/staff/suspend", on=page, fields=fields)
        except (httpx.HTTPError, NotSignedIn) as error:
            self._note_refusal("emergency suspension", f"{type(error).__name__}: {error}")
            return
        leads = answer.headers.get("location", "")
        if answer.status_code != 303 or not leads.startswith("/staff/proposals/"):
            self._note_refusal("emergency suspension", f"{answer.status_code} {leads}")
            return
        self.counts["emergency suspension"] += 1
        self._probe_answer(subject)
        self._approve(int(urllib.parse.urlsplit(leads).path.rpartition("/")[2]), "confirmation", subject)

    # --- lists -------------------------------------------------------------------------------------------------------

    def write_list(self, rows: int) -> Path:
        """A list of institutions that nobody has heard of; the second of each two is the next edition of the first."""
        self._lists += 1
        path = self.world.folder / f"list-{self._lists}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(lists.HEADINGS)
            of = (self._lists + 1) // 2
            for n, (province, name, address, techniques, stage) in enumerate(lists.make_rows(rows, seed=1000 + of)):
                renamed = f"{name}（新院）" if self._lists % 2 == 0 and n % 50 == 0 else name
                out.writerow((province, f"示例{of}{renamed}", address.replace("号", f"{of}号"), techniques, stage))
        return path

    def import_list(self, rows: int) -> None:
        """A list by the shell, then its approval."""
        path, day = self.write_list(rows), find_day_at(time.time())
        title = f"示例名单{self._lists}"
        data = ("--as-of", day, "--scope", "partial", "--source", title, "--by", "editor", "--json")
        try:
            ran = self.world.run_command("import", path, *data)
        except subprocess.TimeoutExpired:
            self._note_refusal("import", "no end")
            return
        if ran.code:
            self._note_refusal("import", ran.err)
            return
        if (proposal := ran.parse_json["proposal"]) is not None:
            self._approve(proposal, f"import of {rows:,} rows")
            self.refresh_institutions()

    def import_by_pages(self, rows: int, kill: bool) -> None:
        """A list by the pages of an editor; its process may be killed on the way, and is begun again."""
        path, day = self.write_list(rows), find_day_at(time.time())
        form = {"kind": "list", "as_of": day, "scope": "partial", "title": f"示例名单{self._lists}"}
        try:
            with path.open("rb") as file:
                answer = self.editor.send_form(
                    "/staff/imports", on="/staff/imports/new", fields=form, files={"file": (path.name, file)}
                )
            at = answer.headers.get("location", "").partition("?")[0].partition("#")[0]
            if not at.startswith("/staff/imports/"):
                self._note_refusal("import by pages", f"{answer.status_code} {answer.text[:200]}")
                return
            proposal = self._carry_through(at, kill)
        except (httpx.HTTPError, NotSignedIn, TimeoutError) as error:
            self._note_refusal("import by pages", f"{type(error).__name__}: {error}")
            return
        self._approve(proposal, f"import of {rows:,} rows by pages")
        self.refresh_institutions()

    def _carry_through(self, at: str, kill: bool) -> int:
        """Every step of an import until it is proposed; the proposal."""
        until = time.monotonic() + PATIENCE * 3
        while time.monotonic() < until:
            page = self.editor.get_page(at)
            if found := _find_proposal(page.text):
                return found
            offered = [step for step in ("propose", "columns", "compare") if f'action="{at}/{step}"' in page.text]
            working = "refresh" in page.headers
            if working and kill and (jobs := self.world.list_import_jobs()):
                kill = False
                self.world.kill_process(jobs[0])
                self.journal.note_event("kill job", pid=jobs[0])
                self.counts["import jobs killed"] += 1
            if working or not offered:
                time.sleep(0.3)
                continue
            if offered[0] == "compare" and "tab=pairs" in page.text and self._decide_proposal(at):
                continue
            self.editor.send_form(f"{at}/{offered[0]}", on=at)
        raise TimeoutError(f"{at} was not proposed in time")

    def _decide_proposal(self, at: str) -> bool:
        """Confirm the pairs that a rule suggests, say of the others that they are two; whether any was open."""
        done, number, more = False, 1, True
        while more:
            page = self.editor.client.get(at, params={"tab": "pairs", "page": number}).text
            for form in page.split("<form ")[1:]:
                same = next((word for word in ("page", "no") if f'name="same" value="{word}"' in form), None)
                if same and f'action="{at}/decide"' in form.partition(">")[0]:
                    self.editor.client.post(f"{at}/decide", data={**dict(_list_hidden_fields(form)), "same": same})
                    done = True
            more, number = 'rel="next"' in page, number + 1
        return done

    # --- editions ----------------------------------------------------------------------------------------------------

    def publish_edition(self) -> None:
        """An edition: proposed in the shell, approved, and its list looked at."""
        ran = self.world.run_command("publish", "--title", "耐久试验示例名录", "--by", "publisher", "--json")
        if ran.code:
            self._note_refusal("publish", ran.err)
            return
        if not self._approve(ran.parse_json["proposal"], "edition"):
            return
        door, question = "GET /api/v1/editions/latest/list.json", {"check": "edition"}
        for _ in range(12):
            begun, wall = time.monotonic(), time.time()
            try:
                answer = httpx.get(f"{self.world.address}/api/v1/editions/latest/list.json", timeout=PATIENCE)
            except httpx.HTTPError as error:
                self._write_failure(door, question, begun, wall, type(error).__name__)
                continue
            self._write_answer(door, question, begun, wall, answer)
            if answer.status_code != 503:
                return
            time.sleep(5.0)  # its files are still being made

    # --- approving ---------------------------------------------------------------------------------------------------

    def _approve(self, proposal: int, kind: str, subject: str | None = None) -> bool:
        """By the page or the shell; what was answered with success has to be in the log from then on."""
        by_page = self.chance.random() < 0.6
        try:
            if by_page:
                done = self.approver.decide_proposal(proposal)
            else:
                ran = self.world.run_command("approve", proposal, "--by", "approver", "--json")
                done = ran.code == 0
                if not done:
                    self._note_refusal(f"approve {kind}", ran.err)
        except (httpx.HTTPError, subprocess.TimeoutExpired, NotSignedIn) as error:
            self.unclear[proposal] = kind
            self.journal.note_event("unclear", proposal=proposal, what=kind, why=f"{type(error).__name__}: {error}")
            return False
        if not done:
            self.unclear[proposal] = kind
            self.journal.note_event("refused", proposal=proposal, what=kind)
            return False
        self.approved[proposal] = kind
        self.journal.note_event("approved", proposal=proposal, what=kind, by="page" if by_page else "shell")
        self.counts[kind.partition(" of ")[0]] += 1
        if subject:
            self._probe_answer(subject)
        self.follow_quietly()
        return True

    def follow_quietly(self) -> None:
        """Read the log where it can be read now."""
        try:
            self.follow_log()
        except (httpx.HTTPError, ValueError):
            self.counts["feed not read"] += 1

    def _note_refusal(self, what: str, why: str) -> None:
        self.counts[f"{what} refused"] += 1
        self.refusals.append(f"{what}: {why.strip()[:300]}")
        self.journal.note_event("refused", what=what, why=why.strip()[:300])

    # --- whether it arrived ------------------------------------------------------------------------------------------

    def _probe_answer(self, subject: str) -> None:
        """A second from now ask every door about it, each time on a connection of its own."""
        thread = threading.Thread(target=self._ask_all_workers, args=(subject, time.monotonic() + 1.0))
        thread.start()
        self._probing = [one for one in self._probing if one.is_alive()] + [thread]

    def _ask_all_workers(self, subject: str, at: float) -> None:
        time.sleep(max(0.0, at - time.monotonic()))
        for n in range(PROBES):
            for door, question, method, path, body in self.questions.ask_about(subject):
                begun, wall = time.monotonic(), time.time()
                transport = httpx.HTTPTransport(local_address=f"127.30.{n + 1}.1")
                try:
                    with httpx.Client(base_url=self.world.address, timeout=PATIENCE, transport=transport) as client:
                        answer = client.request(method, path, json=body)
                except httpx.HTTPError as error:
                    self._write_failure(door, question, begun, wall, type(error).__name__)
                    continue
                self._write_answer(door, question, begun, wall, answer)

    def settle_open_proposals(self) -> None:
        """Wait for the questions that are on their way."""
        for thread in self._probing:
            thread.join()

    def summarise(self) -> dict[str, Any]:
        """For the report."""
        data = {"counts": self.counts, "refusals": self.refusals, "approved": len(self.approved)}
        return {**data, "unclear": [f"{number} ({kind})" for number, kind in self.unclear.items()]}

    def _write_answer(
        self, door: str, question: dict[str, Any], begun: float, wall: float, answer: httpx.Response
    ) -> None:
        data = {
            "door": door,
            "question": question,
            "status": answer.status_code,
            "sent": begun,
            "ended": time.monotonic(),
        }
        data |= {"wall": wall, "etag": answer.headers.get("etag"), "retry_after": answer.headers.get("retry-after")}
        data |= {"type": answer.headers.get("content-type", ""), "body": answer.text}
        self._write_row(data)

    def _write_failure(self, door: str, question: dict[str, Any], begun: float, wall: float, why: str) -> None:
        data = {"door": door, "question": question, "status": 0, "why": why, "sent": begun}
        self._write_row({**data, "ended": time.monotonic(), "wall": wall})

    def _write_row(self, data: dict[str, Any]) -> None:
        with self._lock:
            self._spool.write(json.dumps(data, ensure_ascii=False) + "\n")


def _make_approval(technique: str, **stated: str) -> str:
    return f"approvals.{technique}={json.dumps(stated)}"


def _move_address(address: str, chance: random.Random, number: int) -> str:
    """Another street and number in the same place."""
    for end in ("区", "县", "市"):
        if end in address:
            return f"{address[: address.rindex(end) + 1]}{chance.choice(_PLACES)}{number}号"
    return f"{chance.choice(_PLACES)}{number}号"


def _list_hidden_fields(form: str) -> list[tuple[str, str]]:
    found = re.findall(r'<input type="hidden" name="(\w+)"[^>]*? value="([^"]*)"', form.partition("</form>")[0])
    return [(name, unescape(value)) for name, value in found]


def _find_proposal(page: str) -> int | None:
    """The proposal that an import's page leads to once it is made."""
    found = re.search(r'href="/staff/proposals/(\d+)', page.partition("<main")[2])
    return int(found[1]) if found else None
