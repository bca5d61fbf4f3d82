"""Sixty things that a telephone may read, each with the word that it deserves: a world and a table."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from registry.credentials import entry_token, status_list
from registry.credentials.bundle import Bundle
from registry.credentials.credential import Credential
from registry.domain.identifiers import format_code
from registry.log import signing_keys
from registry.log.signing_keys import Key
from registry.receipts import jws
from registry.register import Register
from tests.factories import a_change, an_institution, enter
from tests.receipts import packed
from tests.scanning import PUBLIC_URL, follow, issue, make_register, withdraw

LIST = f"{PUBLIC_URL}/status-lists/0"
#: Institutions of the world, and what is stated of each after its code was printed.
LATER: dict[str, dict[str, Any]] = {
    "plain": {},
    "renamed": {"name": "鞍山市更名示例医院"},
    "gained": {"approvals.AIH": {"stage": "formal"}},
    "halted": {"approvals.IVF": {"stage": "suspended"}},
    "suspended": {"status": "suspended"},
    "revoked": {"approvals.IVF": {"stage": "revoked"}},
    "lapsed": {"approvals.IVF": {"stage": "lapsed"}},
    "delisted": {"status": "delisted"},
    "moved": {"address": "辽宁省鞍山市铁东区另一路99号"},
    "withdrawn": {},
}


class World:
    """A register with ten institutions, whose codes were printed before what is stated of them now."""

    def __init__(self, folder: Path) -> None:
        hospitals = {
            name: an_institution(f"鞍山市{name}示例医院", f"辽宁省鞍山市铁西区示例路{n}号")
            for n, name in enumerate(LATER, start=1)
        }
        self.codes = {name: draft.subject.partition(":")[2] for name, draft in hospitals.items()}
        self.register: Register = make_register(folder, *hospitals.values())
        self.compromised, self.retired = self._end_keys()
        self.other = signing_keys._make_key()
        by_code = {one.institution: one for one in issue(self.register)}
        self.printed: dict[str, Credential] = {name: by_code[code] for name, code in self.codes.items()}
        self.key = next(key for key in signing_keys.load_keys(self.register.settings.get_key_file()) if key.private)
        self.tokens = {name: self.register.credentials.sign_token(one) for name, one in self.printed.items()}
        today = self.register.verification.find_today()
        changes = [a_change(hospitals[name], today, values) for name, values in LATER.items() if values]
        enter(self.register.database, *changes)
        withdraw(self.register, self.codes["withdrawn"])
        self.bundle: Bundle = self.register.credentials.make_bundle()

    def _end_keys(self) -> tuple[Key, Key]:
        """Two keys from before: one that somebody else got hold of, one that was retired."""
        path = self.register.settings.get_key_file()
        signing_keys.add_key(path)
        first, second = signing_keys.load_keys(path)
        signing_keys.add_key(path)
        signing_keys.withdraw_key(path, first.public, dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
        signing_keys.retire_key(path, second.public, dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
        follow(self.register)
        return first, second

    def url(self, token: str | None, name: str = "plain", base: str = PUBLIC_URL) -> str:
        """The address that a code opens."""
        return entry_token.make_scan_text(base, format_code(self.codes[name]), token)

    def elsewhere(self, base: str) -> str:
        """The plain code at another address."""
        return self.url(self.tokens["plain"], base=base)

    def code(self, name: str) -> str:
        """The text of an institution's code as printed."""
        return self.url(self.tokens[name], name)

    def say(self, **changes: Any) -> dict[str, Any]:
        """What the plain token says, with changes."""
        said = json.loads(jws.decode_base64url(self.tokens["plain"].split(".")[1]))
        return {**said, **changes}

    def sign_scan(
        self, payload: Any = None, key: Key | None = None, header: dict[str, Any] | None = None, **say: Any
    ) -> str:
        """The address with a token that somebody with a key wrote: any payload, any header."""
        key = key or self.key
        head = {"alg": "EdDSA", "kid": jws.compute_thumbprint(key.public), "typ": "art-entry+jwt", **(header or {})}
        body = payload if isinstance(payload, bytes) else json.dumps(self.say(**say), ensure_ascii=False).encode()
        covered = f"{packed(json.dumps(head).encode())}.{packed(body)}"
        return self.url(f"{covered}.{packed(key.sign(covered.encode()))}")

    def alter_scan(self, **changes: Any) -> str:
        """The plain code with other words under the same signature."""
        head, _, signature = self.tokens["plain"].split(".")
        return self.url(f"{head}.{packed(json.dumps(self.say(**changes)).encode())}.{signature}")

    def change_header(self, **header: Any) -> str:
        """The plain words under another header, unsigned."""
        _, body, _ = self.tokens["plain"].split(".")
        return self.url(f"{packed(json.dumps(header).encode())}.{body}.")

    def make_mac_scan(self) -> str:
        """The plain words with an HMAC whose secret is the public key."""
        _, body, _ = self.tokens["plain"].split(".")
        head = packed(json.dumps({"alg": "HS256", "kid": self.kid, "typ": "art-entry+jwt"}).encode())
        mac = hmac.new(self.key.public, f"{head}.{body}".encode(), hashlib.sha256).digest()
        return self.url(f"{head}.{body}.{packed(mac)}")

    @property
    def kid(self) -> str:
        """The name of the key in use."""
        return jws.compute_thumbprint(self.key.public)

    def place(self, idx: int, number: int = 0) -> dict[str, Any]:
        """The member ``status`` of a token."""
        return {"status_list": {"idx": idx, "uri": f"{PUBLIC_URL}/status-lists/{number}"}}

    def with_list(self, text: str | None) -> Bundle:
        """The saved bundle with another list in the place of the first."""
        uri = LIST
        return msgspec.structs.replace(self.bundle, lists={uri: text} if text else {})

    def sign_list(
        self, key: Key | None = None, uri: str = f"{PUBLIC_URL}/status-lists/0", at: int | None = None
    ) -> str:
        """A list in which everything is valid."""
        statuses = status_list.encode_statuses(dict.fromkeys(range(99), 0))
        at = int(self.register.find_now().timestamp()) if at is None else at
        return status_list.sign_list(uri, statuses, at, key or self.key)


class Case(NamedTuple):
    """A scanned text, the register's word, and that of a verifier without it (the same unless given)."""

    text: Callable[[World], str] | str
    word: str
    offline: str | None = None
    bundle: Callable[[World], Bundle] = lambda world: world.bundle

    def scan(self, world: World) -> str:
        """The text as it is read."""
        return self.text if isinstance(self.text, str) else self.text(world)


def _end_of(text: str, change: Callable[[str], str]) -> str:
    head, mark, token = text.partition("#")
    return head + mark + change(token)


OWN = PUBLIC_URL.removeprefix("https://")
CASES: dict[str, Case] = {
    # genuine, however it was copied
    "as printed": Case(lambda w: w.code("plain"), "genuine"),
    "over http": Case(lambda w: w.code("plain").replace("https:", "http:"), "genuine"),
    "host in capitals": Case(lambda w: w.code("plain").replace(PUBLIC_URL, "HTTPS://REGISTER.EXAMPLE"), "genuine"),
    "code without dash": Case(
        lambda w: w.code("plain").replace(format_code(w.codes["plain"]), w.codes["plain"]), "genuine"
    ),
    "code in lower case": Case(
        lambda w: w.code("plain").replace(format_code(w.codes["plain"]), w.codes["plain"].lower()), "genuine"
    ),
    "broken into lines": Case(lambda w: "\n ".join(w.code("plain")[n : n + 60] for n in range(0, 2000, 60)), "genuine"),
    "zero width spaces": Case(lambda w: w.code("plain").replace(".", ".\u200b"), "genuine"),
    "token alone": Case(lambda w: w.tokens["plain"], "genuine"),
    "older name": Case(lambda w: w.code("renamed"), "older", "genuine"),
    "technique gained since": Case(lambda w: w.code("gained"), "older", "genuine"),
    "retired key, before": Case(lambda w: w.sign_scan(key=w.retired, iat=1_700_000_000), "genuine"),
    # what is printed no longer holds
    "technique suspended": Case(lambda w: w.code("halted"), "suspended"),
    "institution suspended": Case(lambda w: w.code("suspended"), "suspended"),
    "technique revoked": Case(lambda w: w.code("revoked"), "revoked"),
    "technique lapsed": Case(lambda w: w.code("lapsed"), "revoked"),
    "off the list": Case(lambda w: w.code("delisted"), "revoked"),
    "moved": Case(lambda w: w.code("moved"), "revoked"),
    "withdrawn, hung up again": Case(lambda w: w.code("withdrawn"), "revoked"),
    "a place never given": Case(lambda w: w.sign_scan(status=w.place(9999)), "revoked"),
    "expired": Case(lambda w: w.sign_scan(exp=1_700_000_000), "expired"),
    "expired and suspended": Case(lambda w: w.sign_scan(exp=1_700_000_000, status=w.place(3)), "expired"),
    # nothing to check with
    "address alone": Case(lambda w: w.url(None), "unsigned"),
    "code alone": Case(lambda w: format_code(w.codes["plain"]), "unsigned"),
    "code alone, small": Case(lambda w: w.codes["plain"].lower(), "unsigned"),
    "address of an unknown code": Case(f"{PUBLIC_URL}/q/7K2M-9QXF", "foreign"),
    "empty fragment": Case(lambda w: w.url(None) + "#", "unsigned"),
    # not of this register
    "nothing": Case("", "foreign"),
    "a sentence": Case("扫码咨询试管婴儿", "foreign"),
    "a network": Case("WIFI:S:clinic;T:WPA;P:secret;;", "foreign"),
    "mistyped code": Case(lambda w: w.codes["plain"][:-1] + ("0" if w.codes["plain"][-1] != "0" else "1"), "foreign"),
    "too long": Case(lambda w: w.code("plain") + "A" * 5000, "foreign"),
    "our home page": Case(f"{PUBLIC_URL}/", "foreign"),
    "another site": Case("https://clinic.example/approved", "other_host"),
    "our token elsewhere": Case(lambda w: w.elsewhere("https://clinic.example"), "other_host"),
    "our name before theirs": Case(lambda w: w.elsewhere(f"https://{OWN}.clinic.example"), "other_host"),
    "our name as a user": Case(lambda w: w.elsewhere(f"https://{OWN}@clinic.example"), "other_host"),
    "their name as a user": Case(lambda w: w.elsewhere(f"https://clinic@{OWN}"), "other_host"),
    "another port": Case(lambda w: w.elsewhere(f"https://{OWN}:8443"), "other_host"),
    "below another path": Case(lambda w: w.elsewhere(f"https://{OWN}/copy"), "other_host"),
    "another issuer, our key": Case(lambda w: w.sign_scan(iss="elsewhere.example/log"), "other_host"),
    "another issuer, its key": Case(lambda w: w.sign_scan(iss="elsewhere.example/log", key=w.other), "other_host"),
    # keys
    "unknown key": Case(lambda w: w.sign_scan(key=w.other), "unknown_key"),
    "no key named": Case(lambda w: w.sign_scan(header={"kid": ""}), "unknown_key"),
    "compromised key": Case(lambda w: w.sign_scan(key=w.compromised), "key_withdrawn"),
    "compromised key, before": Case(lambda w: w.sign_scan(key=w.compromised, iat=1_600_000_000), "key_withdrawn"),
    "retired key, after": Case(lambda w: w.sign_scan(key=w.retired, iat=1_750_000_000), "key_withdrawn"),
    "another key under our name": Case(lambda w: w.sign_scan(key=w.other, header={"kid": w.kid}), "altered"),
    # altered
    "another name": Case(lambda w: w.alter_scan(name="某某生殖中心"), "altered"),
    "another address": Case(lambda w: w.alter_scan(address="辽宁省鞍山市铁西区示例路77号"), "altered"),
    "more techniques": Case(lambda w: w.alter_scan(techniques=["IVF", "PGT"]), "altered"),
    "a later end": Case(lambda w: w.alter_scan(exp=4_000_000_000), "altered"),
    "a later beginning": Case(lambda w: w.alter_scan(iat=1_800_000_000), "altered"),
    "another log": Case(lambda w: w.alter_scan(log=9999), "altered"),
    "another code": Case(lambda w: w.alter_scan(sub=format_code(w.codes["gained"])), "altered"),
    "another place": Case(lambda w: w.alter_scan(status=w.place(1)), "altered"),
    "another list": Case(lambda w: w.alter_scan(status=w.place(0, 1)), "altered"),
    "on another's page": Case(lambda w: w.url(w.tokens["gained"], "plain"), "altered"),
    "below another page": Case(lambda w: w.code("plain").replace("/q/", "/i/"), "altered"),
    "alg none": Case(lambda w: w.change_header(alg="none", typ="art-entry+jwt"), "altered"),
    "alg none, our key named": Case(lambda w: w.change_header(alg="none", kid=w.kid, typ="art-entry+jwt"), "altered"),
    "alg of a secret": Case(lambda w: w.make_mac_scan(), "altered"),
    "alg in small letters": Case(lambda w: w.sign_scan(header={"alg": "eddsa"}), "altered"),
    "critical extension": Case(lambda w: w.sign_scan(header={"crit": ["exp"]}), "altered"),
    "unencoded payload": Case(lambda w: w.sign_scan(header={"b64": False, "crit": ["b64"]}), "altered"),
    "a receipt": Case(lambda w: w.sign_scan(header={"typ": "art-receipt+jwt"}), "altered"),
    "a status list": Case(lambda w: w.url(w.sign_list()), "altered"),
    "cut short": Case(lambda w: w.code("plain")[:-9], "altered"),
    "signature left out": Case(lambda w: _end_of(w.code("plain"), lambda t: t.rpartition(".")[0]), "altered"),
    "one part more": Case(lambda w: w.code("plain") + ".AAAA", "altered"),
    "padded": Case(lambda w: w.code("plain") + "==", "altered"),
    "spare bits set": Case(lambda w: w.code("plain")[:-1] + chr(ord(w.code("plain")[-1]) + 1), "altered"),
    "signed, and no object": Case(lambda w: w.sign_scan(b"[]"), "altered"),
    "signed, and not JSON": Case(lambda w: w.sign_scan(b"\xff{"), "altered"),
    "signed without an address": Case(lambda w: w.sign_scan(address=None), "altered"),
    "not a token": Case(lambda w: w.url("hello"), "altered"),
    # lists
    "no list": Case(lambda w: w.code("plain"), "genuine", "unchecked", lambda w: w.with_list(None)),
    "list of another place": Case(
        lambda w: w.code("halted"),
        "suspended",
        "unchecked",
        lambda w: w.with_list(w.sign_list(uri="https://x.example/1")),
    ),
    "list out of date": Case(
        lambda w: w.code("halted"), "suspended", "unchecked", lambda w: w.with_list(w.sign_list(at=1_700_000_000))
    ),
    "list by an unknown key": Case(
        lambda w: w.code("halted"), "suspended", "unchecked", lambda w: w.with_list(w.sign_list(w.other))
    ),
    "list by a compromised key": Case(
        lambda w: w.code("halted"), "suspended", "unchecked", lambda w: w.with_list(w.sign_list(w.compromised))
    ),
    "list altered": Case(
        lambda w: w.code("halted"), "suspended", "unchecked", lambda w: w.with_list(w.sign_list()[:-4] + "AAAA")
    ),
    "a place beyond the list": Case(lambda w: w.sign_scan(status=w.place(10**6)), "unchecked"),
    "a list elsewhere": Case(
        lambda w: w.sign_scan(status={"status_list": {"idx": 0, "uri": "https://x.example/0"}}), "unchecked"
    ),
}
