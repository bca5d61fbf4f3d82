"""Somebody of the staff with a browser: signs in as people do, fills in the forms that are shown."""

from __future__ import annotations

import re
import time
from html import unescape
from typing import Any

import httpx
import pyotp

from bench import running

_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)"[^>]*? value="([^"]*)"')
_SECRET = re.compile(r'name="secret" value="([A-Z2-7]{32})"')
#: Seconds of a code of an authenticator.
_STEP = 30


class NotSignedIn(Exception):
    """Name, password and second factor were right, and nobody was let in."""


class Desk:
    """One person at the pages of the staff."""

    def __init__(self, address: str, name: str, source: str) -> None:
        self.address, self.name, self.source = address, name, source
        self.secret = ""
        self._shown = 0  # the step of the last code: each is accepted once
        self.client = self._open_browser()

    def _open_browser(self) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=self.source)
        headers = {"user-agent": f"Soak/{self.name}"}
        return httpx.Client(base_url=self.address, transport=transport, timeout=running.PATIENCE, headers=headers)

    def get_page(self, path: str) -> httpx.Response:
        """A page."""
        return self.client.get(path)

    def send_form(
        self, path: str, on: str | None = None, fields: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        """Fill in the form that goes to ``path`` on the page ``on`` (the same) and send it; NotSignedIn without it."""
        page = self.client.get(on or path)
        heads = ((form.partition(">")[0], form) for form in page.text.split("<form ")[1:])
        forms = [form for head, form in heads if f'action="{path}"' in head and 'method="post"' in head]
        if not forms:
            raise NotSignedIn(f"{on or path} -> {page.status_code} has no form for {path}")
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(forms[0].partition("</form>")[0])}
        return self.client.post(path, data={**hidden, **(fields or {})}, **more)

    def sign_in(self) -> float:
        """Name, password, second factor, in a browser of its own; seconds it took. NotSignedIn when refused."""
        begun = time.monotonic()
        until = begun + running.PATIENCE
        self.client.close()
        self.client = self._open_browser()
        answer = self._postpone_factor(
            until, "/staff/sign-in", {"name": self.name, "password": running.PASSWORD.strip()}
        )
        waited = 0.0
        if not self.secret:
            self._enrol_factor()
        else:
            waited = self._wait_for_a_code()
            answer = self._postpone_factor(until + waited, "/staff/second", {"code": self._make_code()})
            if answer.headers.get("location", "").startswith(("/staff/sign-in", "/staff/second")):
                raise NotSignedIn(f"second factor -> {answer.status_code} {answer.headers['location']}")
        if (home := self.get_page("/staff")).status_code != 200:
            raise NotSignedIn(f"/staff -> {home.status_code} {home.headers.get('location')}")
        return time.monotonic() - begun - waited

    def _postpone_factor(self, until: float, path: str, fields: dict[str, str]) -> httpx.Response:
        """Send a form again for as long as the answer is to come back later."""
        while True:
            answer = self.send_form(path, fields=fields)
            if answer.status_code == 303:
                return answer
            later = answer.headers.get("retry-after", "")
            if answer.status_code not in (429, 503) or time.monotonic() > until:
                found = re.search(r'class="error[^"]*"[^>]*>([^<]+)', answer.text)
                raise NotSignedIn(f"{path} -> {answer.status_code} {found[1].strip() if found else ''}")
            time.sleep(min(float(later) if later.isdigit() else 1.0, max(0.1, until - time.monotonic())))

    def _enrol_factor(self) -> None:
        page = self.get_page("/staff/enrol")
        found = _SECRET.search(page.text)
        if not found:
            raise NotSignedIn(f"/staff/enrol -> {page.status_code}")
        self.secret = found[1]
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        answer = self.client.post("/staff/enrol", data={**hidden, "secret": self.secret, "code": self._make_code()})
        if answer.status_code != 200:
            raise NotSignedIn(f"/staff/enrol -> {answer.status_code}")

    def _wait_for_a_code(self) -> float:
        """Seconds waited until the authenticator shows one that was not used yet."""
        begun = time.monotonic()
        while int(time.time()) // _STEP <= self._shown:
            time.sleep(0.2)
        return time.monotonic() - begun

    def _make_code(self) -> str:
        now = time.time()
        self._shown = int(now) // _STEP
        return pyotp.TOTP(self.secret).at(now)

    def decide_proposal(self, proposal: int) -> bool:
        """Approve a proposal as it is shown; whether the page says so. Signs in anew where it has to."""
        path = f"/staff/proposals/{proposal}"
        for attempt in (1, 2):
            try:
                answer = self.send_form(f"{path}/approve", on=path)
            except NotSignedIn:
                if attempt == 2:
                    raise
                self.sign_in()
                continue
            leads = answer.headers.get("location", "")
            if answer.status_code == 200 and f'action="{path}/approve"' not in answer.text:
                return True
            if answer.status_code == 303 and leads.partition("?")[0] == path:
                return True
            if answer.status_code not in (303, 401, 403) or attempt == 2:
                return False
            self.sign_in()  # the proof of the second factor is too old
        return False
