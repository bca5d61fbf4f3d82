"""Evidence letters: what they say of whom, that each proof holds for others too, and that no altered one passes."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from jwcrypto import jwk, jws
from pypdf import PdfReader

from registry.errors import InvalidInput
from registry.log import merkle, signing_keys
from registry.log.merkle import hash_leaf
from registry.log.remote_log import RemoteLog
from registry.log.witness import Signer, Witness
from registry.measures.letters import letter_pdf, letter_text
from registry.measures.letters.letter_text import LetterReading
from registry.measures.letters.service import GivenLetter, LetterRequest
from registry.receipts.jws import to_public_key
from registry.register import Register
from registry.settings import Settings
from registry.storage.tables import trail
from tests.factories import a_change, a_database, a_person, a_source, an_institution, enter
from tests.times import LEARNT, LISTED, STOPPED, the_clock_at

NAME = "鞍山市示例医院𬭎"
IT = an_institution(NAME, on=dt.date(2024, 6, 30))
DAY = dt.date(2025, 1, 15)
PERSON = a_person(IT, "示例员甲", on=dt.date(2024, 6, 30))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A register that learnt on 10 February 2025 of a suspension since 1 January."""
    folder = tmp_path_factory.mktemp("letters")
    signing_keys.create_key_file(folder / "signing.key")
    database = a_database(folder)
    with the_clock_at(LISTED):
        enter(database, a_source(as_of=dt.date(2024, 6, 30)), IT, PERSON)
    with the_clock_at(STOPPED):
        stopped = {
            "approvals.IVF": {"stage": "suspended", "document_no": "示例〔2025〕1号", "authority": "示例市卫健委"}
        }
        enter(database, a_change(IT, dt.date(2025, 1, 1), stopped, reason="停业整改"))
    with the_clock_at(LEARNT):
        lapsed = an_institution("示例市失效医院", "辽宁省鞍山市铁西区示例路2号", on=dt.date(2024, 6, 30), IVF="lapsed")
        enter(database, lapsed)
    database.close()
    return folder


@pytest.fixture(scope="module")
def register(folder: Path) -> Iterator[Register]:
    register = Register(Settings(data_dir=folder, public_url="https://register.example"))
    register.follow_log()
    register.log.publish(register.database)
    yield register
    register.database.close()


def give(register: Register, about: str = NAME, on: dt.date = DAY, **values: Any) -> GivenLetter:
    return register.letters.give_letter(LetterRequest(about=about, on=on, **values), "auditor.a")


def read(register: Register, raw: bytes) -> LetterReading:
    return letter_text.read_letter(raw, register.receipts.list_keys())


def words_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf), strict=True).pages).replace("\n", "")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


# --- what it says ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "known_at", "verdicts", "words"),
    [
        (NAME, None, ["suspended"], ["已暂停", "示例〔2025〕1号", "示例市卫健委", NAME]),
        (NAME, "2025-02-01T00:00:00Z", ["licensed", "suspended"], ["已获批准", "已暂停", "只按截至2025年2月1日"]),
        (NAME, "2024-01-01T00:00:00Z", ["unknown", "suspended"], ["无法回答", "已暂停"]),
        ("示例市失效医院", None, ["lapsed"], ["已失效"]),
        ("示例市查无此院", None, ["not_found"], ["名录中未找到", "没有记载无法用"]),
    ],
)
def test_it_says_what_held_and_what_was_known(
    register: Register, about: str, known_at: str | None, verdicts: list[str], words: list[str]
) -> None:
    given = give(
        register, about, known_at=at(known_at) if known_at else None, authority="示例市公安局", reference="1号"
    )
    assert [answer.verdict for answer in given.answers] == verdicts
    text = words_of(given.pdf)
    for word in (*words, given.letter.number, "示例市公安局", "尚无见证方"):
        assert word in text, word
    reading = read(register, given.pdf)
    assert (reading.reason, reading.pdf) == (None, True)
    assert [receipt.answer["verdict"] for receipt in reading.receipts] == verdicts


def test_a_person_is_named_in_the_letter_and_nowhere_else(register: Register) -> None:
    given = give(register, person="示例员甲", on=dt.date(2024, 7, 1))
    answer = given.answers[0].practitioner
    assert answer is not None and answer.verdict == "authorised"
    assert "示例员甲" in words_of(given.pdf)
    assert not any("示例员甲" in entry.body for entry in given.letter.entries)
    assert answer.entry in [entry.number for entry in given.letter.entries]
    (record, *_) = register.letters.list_letters()
    assert (record.person, record.number) == (True, given.letter.number)
    assert "示例员甲" not in msgspec.json.encode(record).decode()


def test_it_is_on_record_and_the_audit_log_knows_its_number_alone(register: Register) -> None:
    given = give(register, authority="示例市人民法院", reference="（2026）示例刑初1号")
    (record, *_) = register.letters.list_letters()
    assert (record.account, record.authority, record.reference) == (
        "auditor.a",
        "示例市人民法院",
        "（2026）示例刑初1号",
    )
    assert record.digest == hashlib.sha256(given.receipt.encode()).hexdigest()
    with register.database.reading() as connection:
        last = connection.execute(sa.select(trail).order_by(trail.c.id.desc())).first()
        assert last is not None
        assert (last.account, last.action, last.about) == ("auditor.a", "letter_given", given.letter.number)


def test_english_says_the_same(register: Register) -> None:
    text = words_of(give(register, lang="en").pdf)
    assert "Evidence letter" in text and "No witness has cosigned" in text and NAME in text


def test_the_same_letter_is_the_same_bytes(register: Register) -> None:
    given = give(register)
    reading = read(register, given.pdf)
    again = letter_pdf.render_pdf(given.letter, reading.receipts, given.receipt, "https://register.example")
    key = signing_keys.load_keys(register.settings.get_key_file())[0]
    assert letter_text.sign_pdf(again, given.letter, key)[0] == given.pdf
    other = give(register)
    same = {"number": given.letter.number, "iat": given.letter.iat, "receipts": given.letter.receipts}
    assert msgspec.structs.replace(other.letter, **same) == given.letter
    read_others = [receipt.answer for receipt in read(register, other.pdf).receipts]
    answers = [receipt.answer | {"known_at": other.answers[0].known_at} for receipt in reading.receipts]
    assert [answer | {"known_at": other.answers[0].known_at} for answer in read_others] == answers


@pytest.mark.parametrize(
    "values",
    [{"about": "——"}, {"known_at": at("2199-01-01T00:00:00Z")}, {"authority": "示" * 121}, {"on": dt.date(1900, 1, 1)}],
)
def test_what_cannot_be_asked_gives_no_letter(register: Register, values: dict[str, Any]) -> None:
    before = len(register.letters.list_letters())
    with pytest.raises(InvalidInput):
        give(register, **values)
    assert len(register.letters.list_letters()) == before


# --- others check it -------------------------------------------------------------------------------------------------


def test_another_program_verifies_the_pdf(register: Register, tmp_path: Path) -> None:
    """With a JOSE library, a PDF library, and OpenSSL for the signature: none of it is the register's."""
    given = give(register)
    lines = given.pdf.split(b"\n")
    assert lines[-1] == b"" and lines[-3] == b"%%EOF"
    signature = lines[-2].removeprefix(b"%art-letter-signature ").decode()
    keys = jwk.JWKSet.from_json(json.dumps(register.receipts.make_key_set()))
    token = jws.JWS()
    token.deserialize(signature)
    token.verify(keys.get_key(token.jose_header["kid"]))
    content = given.pdf[: -len(lines[-2]) - 1]
    assert json.loads(token.payload)["sha256"] == hashlib.sha256(content).hexdigest()
    (attached,) = PdfReader(io.BytesIO(given.pdf)).attachments["letter.json"]
    assert json.loads(attached)["letter"] == given.receipt == json.loads(given.file)["letter"]

    head, payload, mark = signature.split(".")
    (tmp_path / "signed").write_bytes(f"{head}.{payload}".encode())
    (tmp_path / "mark").write_bytes(base64.urlsafe_b64decode(mark + "=="))
    (tmp_path / "key.pem").write_bytes(keys.get_key(token.jose_header["kid"]).export_to_pem())
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "signed"]
    done = subprocess.run([*verify, "-sigfile", "mark"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout, done.stderr


def test_every_entry_leads_to_the_signed_root(register: Register) -> None:
    letter = give(register).letter
    size, root = letter.log.size, letter.log.root
    assert len(letter.entries) >= 3
    for entry in letter.entries:
        proof = [base64.b64decode(one) for one in entry.proof]
        assert merkle.verify_inclusion(hash_leaf(entry.body.encode()), entry.number - 1, size, proof, root)
        assert json.loads(entry.body)["number"] == entry.number


def test_witnesses_are_named_where_they_cosigned_and_only_there(register: Register, folder: Path) -> None:
    there = folder / "witnesses"
    key = signing_keys.load_keys(folder / "signing.key")[0]
    signing_keys.create_key_file(folder / "witness.key")
    signer = Signer(name="witness.example/示例局", key=signing_keys.load_keys(folder / "witness.key")[0])
    try:
        with RemoteLog(str(register.log.folder.path), 5.0) as remote:
            Witness(remote, there, signer=signer).observe_log()
        given = give(register)
        assert [one.name for one in given.letter.cosignatures] == [signer.name]
        assert "witness.example/示例局" in words_of(given.pdf) and "尚无见证方" not in words_of(given.pdf)
        assert read(register, given.pdf).reason is None
        alone = letter_text.sign_letter(
            msgspec.structs.replace(
                given.letter, checkpoint="".join(given.letter.checkpoint.splitlines(keepends=True)[:-1])
            ),
            key,
        )
        assert read(register, alone.encode()).reason == "altered"  # it names a witness that did not cosign
        (file,) = there.glob("*/checkpoint")
        file.write_bytes(file.read_bytes().replace(b"\n4\n", b"\n3\n").replace(b"\n5\n", b"\n4\n"))
        assert give(register).letter.cosignatures == []
    finally:
        for path in sorted(there.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()


# --- altered ---------------------------------------------------------------------------------------------------------


def test_an_altered_letter_is_refused_with_the_right_word(register: Register, tmp_path: Path) -> None:
    given = give(register)
    pdf = given.pdf
    for place in (20, len(pdf) // 3, len(pdf) // 2, pdf.rindex(b"%%EOF")):
        assert read(register, pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]).reason == "altered", place
    last = pdf.rindex(letter_text.MARK)
    assert read(register, pdf[:last]).reason == "incomplete"
    assert read(register, pdf + b"1 0 obj\n").reason == "altered"
    another = give(register, "示例市失效医院").pdf
    assert read(register, pdf[:last] + another[another.rindex(letter_text.MARK) :]).reason == "altered"
    signing_keys.create_key_file(tmp_path / "other.key")
    other = [to_public_key(key) for key in signing_keys.load_keys(tmp_path / "other.key")]
    assert letter_text.read_letter(pdf, other).reason == "unknown_key"
    assert letter_text.read_letter(pdf, register.receipts.list_keys(), "other.example/log").reason == "other_register"
    with pytest.raises(InvalidInput):
        read(register, b"%PDF-1.4\n%%EOF\n")
    with pytest.raises(InvalidInput):
        read(register, b"{}")


def test_a_letter_whose_entries_do_not_prove_it_is_refused(register: Register) -> None:
    given = give(register)
    key = signing_keys.load_keys(register.settings.get_key_file())[0]
    first, *others = given.letter.entries
    wrong = [
        {"entries": []},
        {"entries": [msgspec.structs.replace(first, body=first.body.replace("示例", "例示")), *others]},
        {"entries": [msgspec.structs.replace(first, proof=first.proof[:-1]), *others]},
        {"checkpoint": given.letter.checkpoint.replace("\n5\n", "\n4\n")},
        {"receipts": []},
        {"receipts": [given.letter.receipts[0][:-4] + "AAAA"]},
    ]
    for values in wrong:
        text = letter_text.sign_letter(msgspec.structs.replace(given.letter, **values), key)
        assert read(register, text.encode()).reason == "altered", values
