"""Passkeys (WebAuthn): a second factor that answers to the register's own address alone, beside the authenticator.

A challenge is derived from the session's token and from what changes once it was answered: it belongs to one sign-in,
one proof or one registration, works once, and nothing has to be stored for it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import sqlalchemy as sa

from registry.accounts import get_now_ms
from registry.accounts.sessions import Session
from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, NotFound
from registry.storage.account_tables import passkeys
from registry.texts import Message

if TYPE_CHECKING:  # imported where a passkey is used: it would slow every start
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

#: Passkeys of an account, and characters of the name of one and of what a browser answers.
MOST, LONGEST_NAME, LONGEST_ANSWER = 10, 60, 20_000
#: How an answer is right, or that its counter went back, as that of a copied passkey does.
Outcome = Literal["passkey", "passkey_copied"]
_TIMEOUT = 120_000  # milliseconds
_NAME = "ART Register"


class RelyingParty(Struct, frozen=True):
    """The register as authenticators know it: a host name, and the address that pages are opened at."""

    id: str
    origin: str


class Passkey(Struct, frozen=True):
    """One passkey of an account; instants in milliseconds."""

    id: int
    name: str
    created_at: int
    last_used_at: int | None


def find_relying_party(public_url: str) -> RelyingParty | None:
    """The register at its public address; None where browsers offer no passkeys: at an IP address, or without https.

    >>> find_relying_party("https://art.example:8443/x").origin, find_relying_party("http://127.0.0.1:8000")
    ('https://art.example:8443', None)
    >>> find_relying_party("http://localhost:8000").id, find_relying_party("http://art.example")
    ('localhost', None)
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
        return None
    except ValueError:
        is_local = host == "localhost" or host.endswith(".localhost")
    if not host or not (parts.scheme == "https" or is_local):
        return None
    return RelyingParty(id=host, origin=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower())


def require_relying_party(public_url: str) -> RelyingParty:
    """The same; Conflict with what is to be done where there is none."""
    party = find_relying_party(public_url)
    if party is None:
        raise Conflict(
            Message(
                "通行密钥须在域名的 https 地址上使用，而本名录的地址是 {address}（REGISTRY_PUBLIC_URL）。"
                "请用验证器登录，或请运行者改用域名。",
                address=public_url,
            )
        )
    return party


def list_passkeys(connection: sa.Connection, account: str) -> list[Passkey]:
    """The passkeys of an account, in the order they were added."""
    rows = connection.execute(_select_present(account))
    return [Passkey(id=row.id, name=row.name, created_at=row.created_at, last_used_at=row.last_used_at) for row in rows]


def require_name(name: str) -> None:
    """Raise InvalidInput for a name of a passkey that is empty or too long."""
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInput(Message("请给通行密钥取个名称，最多{longest}字。", longest=LONGEST_NAME), field="name")


def make_registration_options(connection: sa.Connection, party: RelyingParty, session: Session) -> str:
    """What a browser needs to make a new passkey, as JSON; Conflict for one too many."""
    import webauthn
    from webauthn.helpers import structs

    present = connection.execute(_select_present(session.account.name)).all()
    if len(present) >= MOST:
        raise Conflict(Message("最多{most}个通行密钥，请先移除不用的。", most=MOST))
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=_NAME,
        user_name=session.account.name,
        user_id=hashlib.sha256(b"account " + session.account.name.encode()).digest(),
        challenge=_make_registration_challenge(connection, session),
        timeout=_TIMEOUT,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            user_verification=structs.UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[_describe(row.credential) for row in present],
    )
    return webauthn.options_to_json(options)


def save_passkey(connection: sa.Connection, party: RelyingParty, session: Session, answer: str, name: str) -> None:
    """Store the passkey that a browser made; InvalidInput for an answer to anything else, Conflict for one in use."""
    import webauthn

    require_name(name)
    try:
        registration = webauthn.verify_registration_response(
            credential=answer[:LONGEST_ANSWER],
            expected_challenge=_make_registration_challenge(connection, session),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:  # the library and what it calls raise whatever hostile bytes lead to
        raise InvalidInput(Message("浏览器给出的通行密钥无效，请重新添加。"), field="name") from error
    credential = registration.credential_id
    if connection.execute(sa.select(passkeys.c.id).where(passkeys.c.credential == credential)).first():
        raise Conflict(Message("这个通行密钥已经登记过。"))
    connection.execute(
        sa.insert(passkeys).values(
            account=session.account.name,
            name=name,
            credential=credential,
            public_key=registration.credential_public_key,
            sign_count=registration.sign_count,
            created_at=get_now_ms(),
        )
    )


def make_proof_options(connection: sa.Connection, party: RelyingParty | None, session: Session) -> str:
    """What a browser needs to show a passkey of the session's account, as JSON; "" where there is none to show."""
    if party is None or not (present := connection.execute(_select_present(session.account.name)).all()):
        return ""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=_make_proof_challenge(session),
        timeout=_TIMEOUT,
        allow_credentials=[_describe(row.credential) for row in present],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def accept_answer(
    connection: sa.Connection, party: RelyingParty | None, session: Session, answer: str
) -> Outcome | None:
    """Return "passkey" where the answer was made for this session by a passkey of its account, which was asked for a
    fingerprint, face or PIN; None for anything else.

    Where the passkey's counter did not grow since it was used last, it may be a copy: "passkey_copied".
    """
    if party is None:
        return None
    import webauthn
    from webauthn.helpers import parse_authentication_credential_json

    try:
        parsed = parse_authentication_credential_json(answer[:LONGEST_ANSWER])
        used = passkeys.c.credential == parsed.raw_id
        row = connection.execute(_select_present(session.account.name).where(used)).first()
        if row is None:
            return None
        shown = webauthn.verify_authentication_response(
            credential=parsed,
            expected_challenge=_make_proof_challenge(session),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=bytes(row.public_key),
            credential_current_sign_count=0,  # compared below
            require_user_verification=True,
        )
    except sa.exc.SQLAlchemyError:
        raise
    except Exception:  # the library and what it calls raise whatever hostile bytes lead to
        return None
    if max(shown.new_sign_count, row.sign_count) > 0 and shown.new_sign_count <= row.sign_count:
        return "passkey_copied"
    changes = {"sign_count": shown.new_sign_count, "last_used_at": get_now_ms()}
    connection.execute(sa.update(passkeys).where(passkeys.c.id == row.id).values(**changes))
    return "passkey"


def remove_passkey(connection: sa.Connection, account: str, number: int) -> None:
    """Remove a passkey of an account; NotFound."""
    present = sa.and_(passkeys.c.account == account, passkeys.c.id == number, passkeys.c.removed_at.is_(None))
    if not connection.execute(sa.update(passkeys).where(present).values(removed_at=get_now_ms())).rowcount:
        raise NotFound(Message("没有这个通行密钥。"))


def _select_present(account: str) -> sa.Select[tuple[object, ...]]:
    present = sa.and_(passkeys.c.account == account, passkeys.c.removed_at.is_(None))
    return sa.select(passkeys).where(present).order_by(passkeys.c.id)


def _describe(credential: bytes) -> PublicKeyCredentialDescriptor:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return PublicKeyCredentialDescriptor(id=bytes(credential))


def _make_proof_challenge(session: Session) -> bytes:
    """The challenge of this sign-in, or of this proof: signing in gives another token, a proof another instant."""
    return _derive(session, f"passkey shown {session.state} {session.proved_at}")


def _make_registration_challenge(connection: sa.Connection, session: Session) -> bytes:
    """The challenge of the account's next passkey: every one that was ever registered counts, also if removed."""
    before = sa.select(sa.func.count()).select_from(passkeys).where(passkeys.c.account == session.account.name)
    return _derive(session, f"passkey made {connection.execute(before).scalar_one()}")


def _derive(session: Session, purpose: str) -> bytes:
    return hmac.digest(session.token.encode(), purpose.encode(), "sha256")
