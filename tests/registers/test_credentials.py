"""Credentials of a register: issued by two people, signed, and valid exactly as long as what is printed holds."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwcrypto import jwk, jws

from registry.credentials import plan, status
from registry.credentials.bundle import BUNDLE_FILE
from registry.credentials.credential import LIST_SIZE, Credential
from registry.credentials.status_list import INVALID, SUSPENDED, VALID
from registry.domain.answers import Claim, Provider
from registry.domain.identifiers import format_code
from registry.errors import CannotSign, Conflict, InvalidInput, NotFound
from registry.log import signing_keys
from registry.operations.backup import make, restore
from registry.proposals import credential_proposals
from registry.proposals.views import check_views, rebuild_views
from registry.receipts.jws import decode_base64url
from registry.records.asof import SHANGHAI, AsOf
from registry.records.snapshot import CredentialRecord, Snapshot
from registry.register import Register
from registry.settings import Settings
from registry.verification.answer import Moment, answer_claim
from tests.claims.test_doors import NEW, OLD, TODAY, histories, make_drafts
from tests.factories import ROOT, a_change, a_database, a_view, an_institution, approve, enter
from tests.scanning import ADDRESS, CODE, IT, NAME, PUBLIC_URL, follow, issue, make_register, open_register, withdraw
from tests.thoroughness import count_examples

TECHNIQUES = ["IVF", "ICSI"]


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    register = make_register(tmp_path)
    yield register
    register.database.close()


def read_with_jwcrypto(register: Register, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload, verified by another library."""
    keys = jwk.JWKSet.from_json(json.dumps(register.receipts.make_key_set()))
    read = jws.JWS()
    read.deserialize(token)
    read.verify(keys.get_key(read.jose_header["kid"]))
    return read.jose_header, json.loads(read.payload)


def read_statuses(register: Register, number: int = 0) -> list[int]:
    """The statuses of a list, as a program of somebody else reads them."""
    header, payload = read_with_jwcrypto(register, register.credentials.get_list(number))
    assert header["typ"] == "statuslist+jwt"
    assert payload["sub"] == f"{PUBLIC_URL}/status-lists/{number}"
    assert payload["iat"] < payload["exp"] and payload["ttl"] <= 300
    assert payload["status_list"]["bits"] == 2
    packed = zlib.decompress(decode_base64url(payload["status_list"]["lst"]))
    assert len(packed) == LIST_SIZE // 4
    return [byte >> shift & 3 for byte in packed for shift in (0, 2, 4, 6)]


def today(register: Register) -> dt.date:
    return register.verification.find_today()


def state(register: Register, **values: Any) -> int:
    """State something of the institution from today on; what the list says of its first credential then."""
    enter(register.database, a_change(IT, today(register), values, reason="示例更正"))
    follow(register)
    return read_statuses(register)[0]


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_says_what_the_contract_says_and_can_be_made_again(register: Register) -> None:
    (credential,) = issue(register, format_code(CODE))
    token = register.credentials.sign_token(credential)
    header, payload = read_with_jwcrypto(register, token)
    assert header == {"alg": "EdDSA", "kid": register.receipts.list_keys()[0].kid, "typ": "art-entry+jwt"}
    assert payload == {
        "iss": register.log.get_origin(),
        "iat": int(credential.issued.timestamp()),
        "exp": int(credential.end.timestamp()),
        "sub": format_code(CODE),
        "name": NAME,
        "address": ADDRESS,
        "techniques": TECHNIQUES,
        "log": credential.log_size,
        "status": {"status_list": {"idx": 0, "uri": f"{PUBLIC_URL}/status-lists/0"}},
    }
    assert register.credentials.sign_token(credential) == token
    assert register.credentials.make_scan_text(credential) == f"{PUBLIC_URL}/q/{format_code(CODE)}#{token}"
    assert register.credentials.make_scan_text(credential, short=True) == f"{PUBLIC_URL}/q/{format_code(CODE)}"
    assert credential.end.astimezone(SHANGHAI).time() == dt.time()


def test_issuing_and_withdrawing_need_two_people_and_places_are_never_used_again(register: Register) -> None:
    database = register.database
    other = an_institution("大连市示例医院", "辽宁省大连市示例路2号", region="210203", on=today(register))
    enter(database, other)
    follow(register)
    planned = plan.plan_issue(database, [CODE])
    first = credential_proposals.propose_issue(database, planned, by="editor.a")
    second = credential_proposals.propose_issue(database, plan.plan_issue(database), by="editor.b")
    assert register.credentials.list_all() == []
    approve(database, second)
    approve(database, first)  # of the same institution, with a number of its own
    follow(register)
    assert [(one.number, one.index) for one in register.credentials.list_all()] == [(1, 0), (2, 1), (3, 2)]
    assert read_statuses(register)[:5] == [VALID, VALID, VALID, INVALID, INVALID]
    withdraw(register, numbers=(2,))
    assert read_statuses(register)[:4] == [VALID, INVALID, VALID, INVALID]
    with pytest.raises(NotFound):
        plan.plan_withdrawal(database, [], [2], "示例：再次撤回")
    assert issue(register, CODE)[-1].index == 3
    withdraw(register, CODE)
    assert {one.withdrawal for one in register.credentials.list_of(CODE)} == {"示例：标牌遗失"}
    assert register.credentials.find_current(CODE) is None


def test_what_cannot_be_issued_is_refused(register: Register) -> None:
    database = register.database
    for options in ({"expires": today(register)}, {"expires": dt.date(2999, 1, 1)}):
        with pytest.raises(InvalidInput):
            plan.plan_issue(database, [CODE], **options)
    with pytest.raises(NotFound):
        plan.plan_issue(database, [an_institution("沈阳市示例医院").subject.partition(":")[2]])
    with pytest.raises(InvalidInput):
        plan.plan_issue(database, region="110000")
    with pytest.raises(InvalidInput):
        plan.plan_withdrawal(database, [CODE], reason=" ")
    state(register, status="suspended")
    with pytest.raises(InvalidInput):
        plan.plan_issue(database, [CODE])


def test_a_proposal_made_before_the_same_number_was_used_is_stale(register: Register) -> None:
    planned = plan.plan_issue(register.database, [CODE])
    proposals = [credential_proposals.propose_issue(register.database, planned, by="editor.a") for _ in range(2)]
    approve(register.database, proposals[0])
    with pytest.raises(Conflict):
        approve(register.database, proposals[1])


# --- status ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"name": "鞍山市示例妇儿医院"}, VALID),  # a former name of the same institution
        ({"approvals.AIH": {"stage": "formal"}}, VALID),
        ({"approvals.IVF": {"stage": "rectification"}}, VALID),
        ({"approvals.IVF": {"stage": "suspended"}}, SUSPENDED),
        ({"status": "suspended"}, SUSPENDED),
        ({"approvals.IVF": {"stage": "revoked"}}, INVALID),
        ({"approvals.IVF": {"stage": "suspended"}, "approvals.ICSI": {"stage": "lapsed"}}, INVALID),
        ({"approvals.IVF": None}, INVALID),
        ({"status": "delisted"}, INVALID),
        ({"address": "辽宁省鞍山市铁西区示例路9号"}, INVALID),
    ],
)
def test_the_list_follows_the_register_at_once(register: Register, values: dict[str, Any], expected: int) -> None:
    issue(register, CODE)
    before = register.credentials.get_list(0)
    assert read_statuses(register)[0] == VALID
    assert state(register, **values) == expected
    assert (register.credentials.get_list(0) != before) or expected == VALID


def test_what_expired_is_invalid(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    (credential,) = issue(register, CODE, expires=today(register) + dt.timedelta(days=1))
    find_now = register.verification.find_now
    for seconds, fault in ((-1, None), (0, "expired")):
        at = credential.end + dt.timedelta(seconds=seconds)
        monkeypatch.setattr(register.verification, "find_now", lambda at=at: at)
        assert register.credentials.list_faults([credential]) == [(credential, fault)]
    monkeypatch.setattr(register.verification, "find_now", find_now)


def print_credential(number: int, history: Any, printed: tuple[list[str], int]) -> Credential:
    """A credential of a drawn institution, whatever is printed on it."""
    techniques, place = printed
    hospital = make_drafts(number, history)[0]
    address = hospital.change.set["address"] + (f"{place}号楼" if place else "")
    at = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    name, code = hospital.change.set["name"], hospital.subject.partition(":")[2]
    return Credential(
        number=number,
        institution=code,
        index=number,
        log_size=1,
        name=name,
        address=address,
        techniques=techniques,
        expires=dt.date(2027, 1, 1),
        issued=at,
        entry=1,
    )


printed = st.tuples(st.lists(st.sampled_from(["AIH", "IVF", "PGT"]), min_size=1, unique=True), st.integers(0, 3))


@settings(max_examples=count_examples(6), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.lists(st.tuples(histories, printed), min_size=15, max_size=20))
def test_the_status_is_the_verdict_on_what_is_printed(drawn: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = a_database(Path(folder))
        drafts = [draft for n, (history, _) in enumerate(drawn) for draft in make_drafts(n, history)]
        for draft in (OLD, NEW, *drafts):
            enter(database, draft)
        view = a_view(database)
        database.close()
    now = dt.datetime.combine(TODAY, dt.time(1), dt.UTC)
    asof, moment = AsOf(valid_on=TODAY, size=view.size), Moment(now=now, day=TODAY, size=view.size)
    for n, (history, what) in enumerate(drawn):
        credential = print_credential(n, history, what)
        found = status.to_status(status.find_fault(view, credential, now, None, asof))
        provider = Provider(code=credential.code, address=credential.address)
        claim = Claim(provider=provider, techniques=credential.techniques, on=TODAY)
        answer = answer_claim(view, claim, at=moment)
        words = {one.verdict for one in answer.techniques} if answer.techniques else {answer.verdict}
        if answer.verdict in ("site_mismatch", "not_found", "ambiguous"):
            words = {answer.verdict}
        if words == {"licensed"} and answer.compared and answer.compared.address in ("same", "form"):
            assert found == VALID, (answer, credential)
        elif words <= {"licensed", "suspended"}:
            assert found == SUSPENDED or answer.compared.address not in ("same", "form"), (answer, credential)
        else:
            assert found == INVALID, (answer, credential)


# --- keys ------------------------------------------------------------------------------------------------------------


def signing_keys_end(path: Path) -> dt.datetime:
    """When the first key ended."""
    return dt.datetime.fromisoformat(signing_keys.load_keys(path)[0].at or "")


def test_keys_rotate_with_overlap(register: Register) -> None:
    (credential,) = issue(register, CODE)
    path = register.settings.get_key_file()
    old = register.credentials.make_scan_text(credential)
    signing_keys.add_key(path)
    follow(register)
    assert register.credentials.make_scan_text(credential) == old  # the oldest key in use signs
    signing_keys.retire_key(path, signing_keys.load_keys(path)[0].public)
    new = register.credentials.make_scan_text(credential)
    assert new != old
    assert [register.credentials.check_text(text).word for text in (old, new)] == ["genuine", "genuine"]
    assert read_statuses(register)[0] == VALID


def test_a_compromised_key_ends_everything_it_may_have_signed_at_once(register: Register) -> None:
    (credential,) = issue(register, CODE)
    path = register.settings.get_key_file()
    old, old_list = register.credentials.make_scan_text(credential), register.credentials.get_list(0)
    new = signing_keys.withdraw_key(path, signing_keys.load_keys(path)[0].public)
    assert new is not None and [key.withdrawn for key in signing_keys.load_keys(path)] == [True, False]
    assert register.receipts.make_key_set()["keys"][0]["withdrawn"] is True
    assert register.credentials.get_list(0) != old_list
    assert read_statuses(register)[0] == INVALID  # also signed anew: a copy may bear the other signature
    assert register.credentials.check_text(old).word == "key_withdrawn"
    again = register.credentials.check_text(register.credentials.make_scan_text(credential))
    assert (again.word, again.fault) == ("revoked", "key")
    follow(register)
    while register.find_now().replace(microsecond=0) <= (signing_keys_end(path)):
        time.sleep(0.05)  # of that second nobody can say which signature came first
    reissued = issue(register, CODE)[-1]
    assert register.credentials.check_text(register.credentials.make_scan_text(reissued)).word == "genuine"
    assert read_statuses(register)[:2] == [INVALID, VALID]


def test_a_key_that_never_signed_takes_nothing_with_it(register: Register) -> None:
    issue(register, CODE)
    path = register.settings.get_key_file()
    spare = signing_keys.add_key(path)
    assert signing_keys.withdraw_key(path, spare.public) is None
    assert read_statuses(register)[0] == VALID
    with pytest.raises(NotFound):
        signing_keys.withdraw_key(path, b"\0" * 32)


# --- what may happen to a register -----------------------------------------------------------------------------------


def test_a_mirror_publishes_which_keys_its_register_withdrew(register: Register) -> None:
    path = register.settings.get_key_file()
    signing_keys.withdraw_key(path, signing_keys.load_keys(path)[0].public)
    follow(register)
    published, bundle = register.receipts.make_key_set(), register.credentials.make_bundle()
    path.unlink()  # as on a mirror, which has the log with its checkpoints, and the bundle
    assert not any("withdrawn" in key for key in register.receipts.make_key_set()["keys"])
    (register.settings.data_dir / BUNDLE_FILE).write_bytes(msgspec.json.encode(bundle))
    marked = {key["x"] for key in published["keys"] if key.get("withdrawn")}
    assert marked and {key["x"] for key in register.receipts.make_key_set()["keys"] if key.get("withdrawn")} == marked


def test_credentials_survive_a_rebuild_a_backup_and_the_loss_of_the_key(register: Register, tmp_path: Path) -> None:
    issue(register, CODE)
    withdraw(register, CODE)
    (credential,) = issued = issue(register, CODE)[1:]
    text = register.credentials.make_scan_text(credential)
    rebuild_views(register.database)
    check_views(register.database)
    backup = tmp_path / "register.backup"
    make.make_backup(register.database, register.log, backup, replace=False, progress=lambda *_: None)
    folder = tmp_path / "restored"
    folder.mkdir()
    shutil.copy(register.settings.get_key_file(), folder / "signing.key")
    restore.restore_backup(
        Settings(data_dir=folder, public_url=PUBLIC_URL),
        backup,
        completing=False,
        source=None,
        progress=lambda *_: None,
    )
    restored = open_register(folder)
    assert restored.credentials.list_all()[1:] == issued
    assert restored.credentials.make_scan_text(restored.credentials.list_all()[1]) == text
    assert read_statuses(restored)[:3] == [INVALID, VALID, INVALID]
    (folder / "signing.key").unlink()
    with pytest.raises(CannotSign):
        restored.credentials.get_list(0)
    assert restored.credentials.check_text(text).word == "unchecked"
    restored.database.close()


def test_the_snapshot_has_credentials(register: Register) -> None:
    issue(register, CODE)
    asof = register.make_as_of_now()
    (record,) = [one for page in Snapshot(register.database, asof).read_pages("credential") for one in page]
    assert isinstance(record.record, CredentialRecord)
    assert (record.record.institution, record.record.index) == (format_code(CODE), 0)


#: Verifies tokens with the jose of npm; prints what they say.
_JOSE = """
import { createLocalJWKSet, jwtVerify } from "jose";
let given = "";
for await (const part of process.stdin) given += part;
const { keys, tokens } = JSON.parse(given);
const found = [];
for (const [token, typ] of tokens) found.push((await jwtVerify(token, createLocalJWKSet(keys), { typ })).payload);
console.log(JSON.stringify(found));
"""


def test_the_jose_of_npm_reads_tokens_and_lists(register: Register) -> None:
    (credential,) = issue(register, CODE)
    token, status_list = register.credentials.sign_token(credential), register.credentials.get_list(0)
    given = {
        "keys": register.receipts.make_key_set(),
        "tokens": [(token, "art-entry+jwt"), (status_list, "statuslist+jwt")],
    }
    node = shutil.which("node")
    assert node, "node is missing: bash tests/setup.sh clients"
    command = [node, "--input-type=module", "-e", _JOSE]
    run = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=True, cwd=ROOT / "tests" / "clients"
    )
    payloads = json.loads(run.stdout)
    assert payloads == [read_with_jwcrypto(register, one)[1] for one in (token, status_list)]
