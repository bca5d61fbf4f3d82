"""Somebody of the staff at the pages of a running server: signs in as people do, fills in the forms it is shown."""

from __future__ import annotations

import csv
import re
import time
from html import unescape
from typing import Any

import httpx
import pyotp
import sqlalchemy as sa

from registry.accounts.sessions import PROOF
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import staff_sessions
from tests.running import PASSWORD, PATIENCE, Server, come_again

FIRST = PASSWORD.strip()
SECOND = "several unrelated words"
_FIELD = re.compile(r'<input type="hidden" name="(\w+)"(?: id="\w+")? value="([^"]*)">')


def let_proof_age(settings: Settings, name: str) -> None:
    """Let the last proof of somebody's sessions be older than one may be."""
    database = Database(settings.get_database_url())
    with database.writing() as connection:
        at = int(time.time() * 1000) - (PROOF + 1) * 60_000
        connection.execute(sa.update(staff_sessions).where(staff_sessions.c.account == name).values(proved_at=at))
    database.close()


def let_sessions_run_out(settings: Settings, name: str) -> None:
    """Let somebody's sessions be without use for longer than they last."""
    database = Database(settings.get_database_url())
    with database.writing() as connection:
        at = int(time.time() * 1000) - (settings.staff_idle + 1) * 60_000
        connection.execute(sa.update(staff_sessions).where(staff_sessions.c.account == name).values(seen_at=at))
    database.close()


class Staff:
    """One person with a browser of their own, and an authenticator once they have set it up."""

    def __init__(self, server: Server, name: str, password: str = FIRST, agent: str = "Desk/1") -> None:
        self.client = httpx.Client(base_url=server.url, timeout=PATIENCE, headers={"user-agent": agent})
        self.name, self.password, self.secret = name, password, ""
        self.recovery: list[str] = []
        self.activation = ""

    def get(self, path: str, status: int = 200) -> str:
        """A page, whose status must be as said."""
        answer = self.client.get(path)
        assert answer.status_code == status, f"{path} -> {answer.status_code} {answer.headers.get('location')}"
        return answer.text

    def send(self, path: str, on: str | None = None, **fields: Any) -> httpx.Response:
        """Fill in the form that goes to ``path`` on the page ``on`` (the same) and send it."""
        page = self.get(on or path)
        heads = ((form.partition(">")[0], form) for form in page.split("<form "))
        forms = [form for head, form in heads if f'action="{path}"' in head and 'method="post"' in head]
        assert forms, f"no form for {path}"
        hidden = {name: unescape(value) for name, value in _FIELD.findall(forms[0].partition("</form>")[0])}
        return self.client.post(path, data={**hidden, **fields})

    def code(self) -> str:
        """What the authenticator shows."""
        return pyotp.TOTP(self.secret).now()

    def fresh_code(self) -> str:
        """A code that is right and that nobody used yet: that of the next step, which the server accepts."""
        return pyotp.TOTP(self.secret).at(time.time() + 30)

    def show_password(self, password: str = "", path: str = "/staff/sign-in") -> httpx.Response:
        """The first half."""
        return come_again(lambda: self.send(path, name=self.name, password=password or self.password))

    def enrol(self) -> httpx.Response:
        """Scan the secret and show the first code."""
        found = re.search(r'name="secret" value="([A-Z2-7]{32})"', self.get("/staff/enrol"))
        assert found
        self.secret = found[1]
        page = self.get("/staff/enrol")  # another secret each time; the form carries the one that is meant
        token = re.search(r'name="form_token" value="(\w+)"', page)
        assert token
        sent = {"form_token": token[1], "secret": self.secret, "code": self.code(), "activation": self.activation}
        answer = self.client.post("/staff/enrol", data=sent)
        self.recovery = re.findall(r">([0-9a-z]{5}-[0-9a-z]{5})<", answer.text)
        return answer

    def sign_in(self) -> Staff:
        """All of it; ends with a session that is open."""
        answer = self.show_password()
        assert answer.status_code == 303, answer.text
        if answer.headers["location"].startswith("/staff/second") and not self.secret:
            assert self.client.get("/staff/second").headers["location"] == "/staff/enrol"
            assert self.enrol().status_code == 200
        else:  # a recovery code: the authenticator's next code comes only in half a minute
            assert self.send("/staff/second", code=self.recovery.pop()).status_code == 303
        return self

    def deeds(self) -> list[list[str]]:
        """(account, action, about, address) of the trail, oldest first, as the log has them."""
        rows = list(csv.reader(self.get("/staff/trail.csv?sort=at").lstrip("\ufeff").splitlines()))
        cells = [[cell.removeprefix("'") for cell in row] for row in rows[1:]]  # ' keeps a cell from being a formula
        return [[account, action, about, address] for _, _, account, _, _, address, action, about in cells]
