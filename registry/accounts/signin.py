"""Signing in: name and password, then a code or a passkey. Wrong passwords cost time, wrong codes end the session.

Nobody who does not know the password can make the owner wait, nor write into the database: see ``throttle`` for
passwords and ``FailureCounts`` for the audit log. Who knows the password gets few tries at the second factor: TRIES in
a session, and after as many in a row waits that double up to an hour, in every browser unknown to the account.
"""

from __future__ import annotations

import sqlalchemy as sa

from registry import accounts as people
from registry.accounts import Account, audit_log, devices, factors, get_now_ms, passkeys, passwords, sessions
from registry.accounts.sessions import TRIES, Session, State
from registry.accounts.throttle import FailureCounts, Throttle, make_too_many_error
from registry.accounts.vault import Vault
from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.request_counts import Counts
from registry.storage.tables import accounts
from registry.texts import Message

#: Minutes that a browser unknown to the account waits after TRIES wrong codes in a row, doubled by each further one.
FIRST_WAIT, LONGEST_WAIT = 1, 60
_MINUTE = 60_000  # milliseconds
#: What the code in the address of a calendar is made for.
_CALENDAR = "the calendar of an account"


class Visitor(Struct, frozen=True):
    """A browser: its address, its user agent, and the cookies by which accounts recognise it."""

    address: str
    agent: str
    devices: tuple[str, ...] = ()


class Proof(Struct, frozen=True):
    """What somebody shows as their second factor: a code, or a passkey's answer; and the activation code to set one
    up."""

    code: str = ""
    passkey: str = ""
    activation: str = ""


class SignIns:
    """Signing in to the workspace: one for each process. All methods may be called from any thread."""

    def __init__(self, database: Database, settings: Settings) -> None:
        file = settings.data_dir / "limits.sqlite" if settings.data_dir.is_dir() else None
        self.vault = Vault(settings.get_secrets_file())
        self.relying_party = passkeys.find_relying_party(settings.public_url)
        self.repeats = FailureCounts(file)
        self._database = database
        self._counts = Counts(file)
        self._throttle = Throttle(self._counts, self.vault)

    def close(self) -> None:
        """Write the counted failures and close the files."""
        self.write_failures()
        self.repeats.close()
        self._counts.close()

    def write_failures(self) -> None:
        """Write the counted failures into the audit log."""
        self.repeats.write_due_lines(self._database)

    def require_key(self) -> None:
        """Raise SecretsKeyMissing unless the second factors of all accounts can be opened here."""
        with self._database.reading() as connection:
            factors.require_key(connection, self.vault)

    # --- the password ------------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, visitor: Visitor) -> tuple[str | None, float]:
        """Return (token, 0) of a session that still has to show the second factor, or (None, delay) when name or
        password is wrong: that answer is due after ``delay`` seconds.

        TooManyRequests before anything is looked at. Neither reveals whether there is such an account.
        """
        with self._database.reading() as connection:
            row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
        device = self._find_device(row, visitor)
        if not device:
            self._throttle.admit_attempt(visitor.address, name)
        stored = row.password if row is not None and row.disabled_at is None else None
        # Before the lock of all writers: this is slow on purpose, and anybody may ask for it.
        if passwords.verify_password(stored, password, None if device else name) and stored is not None:
            token = self._create_session(name, stored, visitor)
            if token is not None:
                return token, 0.0
        account_name, reason = (name, "password") if stored is not None else ("-", "unknown")
        self.repeats.count_failure(account_name, "sign_in_failed", reason, visitor.address)
        self._throttle.count_device_failure(device)
        return None, self._throttle.delay_failure(visitor.address, name)

    def _create_session(self, name: str, stored: str, visitor: Visitor) -> str | None:
        """Create a session, unless the account was closed or its password changed this moment (None)."""
        with self._database.writing() as connection:
            row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
            if row is None or row.disabled_at is not None or row.password != stored:
                return None
            state: State = "enrol" if row.second is None else "second"
            return sessions.create_session(connection, name, state, visitor.address, visitor.agent)

    def sign_in_by_identity(self, identity: str, visitor: Visitor, *, second_too: bool) -> tuple[str, State]:
        """Return (token, state) of a session of the account that is linked to an identity of the identity provider.

        NotAllowed when none is linked or the account is closed; it names the identity, so that an administrator can
        enter it.
        """
        with self._database.reading() as connection:
            row = connection.execute(sa.select(accounts).where(accounts.c.external == identity)).first()
        if row is None or row.disabled_at is not None:
            self.repeats.count_failure(row.name if row else "-", "sign_in_failed", "oidc_unknown", visitor.address)
            raise NotAllowed(
                Message("没有账号与您的身份标识“{identity}”对应。请把它告诉管理员。", identity=identity[:200]),
                why="oidc_unknown",
            )
        state: State = ("enrol" if row.second is None else "second") if second_too else "open"
        with self._database.writing() as connection:
            if state == "open":
                audit_log.record_event(connection, row.name, "signed_in", "oidc", visitor.address)
            return sessions.create_session(connection, row.name, state, visitor.address, visitor.agent), state

    # --- the second factor -------------------------------------------------------------------------------------------

    def verify_second_factor(self, session: Session, shown: Proof, visitor: Visitor) -> str | None:
        """Open the session and return its new token once its second factor was shown; None for a wrong one.

        TooManyRequests while codes of this browser are refused, NotAllowed when the session ended by it.
        """
        with self._database.writing() as connection:
            how, ended = self._check_proof(connection, session, shown, visitor)
            if how:
                return _open_session(connection, session, how, visitor)
        self._count_wrong_code(ended, session, visitor)
        return None

    def make_proof_options(self, session: Session) -> str:
        """What a browser needs to show a passkey in this session, as JSON; "" where the account has none."""
        with self._database.reading() as connection:
            return passkeys.make_proof_options(connection, self.relying_party, session)

    def renew_proof(self, session: Session, shown: Proof, visitor: Visitor) -> bool:
        """Whether the second factor of an open session was shown again; NotAllowed when a wrong one ended it."""
        with self._database.writing() as connection:
            how, ended = self._check_proof(connection, session, shown, visitor)
            if how:
                sessions.save_proof(connection, session)
                audit_log.record_event(connection, session.account.name, "proved", how, visitor.address)
                return True
        self._count_wrong_code(ended, session, visitor)
        return False

    def _check_proof(
        self, connection: sa.Connection, session: Session, shown: Proof, visitor: Visitor
    ) -> tuple[str | None, bool]:
        """(how the factor is right or None, whether a wrong one ended the session). TooManyRequests while codes are
        refused.

        An open session has shown the factor before: it does not wait for what others typed.
        """
        name = session.account.name
        row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).one()
        device = self._find_device(row, visitor)
        if not device and session.state != "open" and (wait := _compute_wait(row.locked_until)):
            raise make_too_many_error(wait / 1000)
        how = self._accept_proof(connection, session, shown, visitor)
        if how:
            changes = {"failures": 0, "locked_until": 0}
        else:
            self._throttle.count_device_failure(device)
            changes = {"failures": row.failures + 1, "locked_until": _compute_lock_end(row.failures + 1)}
            if changes["failures"] == TRIES:
                audit_log.record_event(connection, name, "slowed", "second", visitor.address)
        connection.execute(sa.update(accounts).where(accounts.c.name == name).values(**changes))
        return how, not how and sessions.count_failure(connection, session)

    def _accept_proof(self, connection: sa.Connection, session: Session, shown: Proof, visitor: Visitor) -> str | None:
        name = session.account.name
        if not shown.passkey:
            return factors.accept_code(connection, self.vault, name, shown.code)
        if not sessions.is_unchanged(connection, session):
            return None
        how = passkeys.accept_answer(connection, self.relying_party, session, shown.passkey)
        if how == "passkey_copied":
            audit_log.record_event(connection, name, how, "", visitor.address)
        return "passkey" if how == "passkey" else None

    def _count_wrong_code(self, ended: bool, session: Session, visitor: Visitor) -> None:
        self.repeats.count_failure(session.account.name, "sign_in_failed", "second", visitor.address)
        if ended:
            raise make_session_ended_error()

    def enrol_factor(
        self, session: Session, secret: str, shown: Proof, visitor: Visitor
    ) -> tuple[str, list[str]] | None:
        """Set up a second factor; return (token, recovery codes), or None for a wrong code.

        InvalidInput for a wrong activation code, where the account wants one.
        """
        name, code = session.account.name, shown.code
        with self._database.writing() as connection:
            is_active = factors.is_activation_code(connection, name, shown.activation)
            ended = not is_active and sessions.count_failure(connection, session)
        if not is_active:
            self._count_wrong_code(ended, session, visitor)
            raise InvalidInput(Message("启用码不对。请向确认您账号的管理员索取。"), field="activation")
        with self._database.writing() as connection:
            codes = factors.enrol_factor(connection, self.vault, name, secret, code)
            if codes is None:
                return None
            audit_log.record_event(connection, name, "second_factor_set", "", visitor.address)
            return _open_session(connection, session, "enrolled", visitor), codes

    # --- what a signed-in browser does -------------------------------------------------------------------------------

    def change_password(self, session: Session, old: str, new: str, visitor: Visitor) -> str:
        """Change the password, end every other session of the account and return this one's new token.

        InvalidInput, Conflict; NotAllowed when the present password was wrong once too often.
        """
        name = session.account.name
        stored = self._read_password_hash(name)
        if not passwords.verify_password(stored, old):
            self._count_wrong_password(session, visitor)
            raise InvalidInput(Message("现在的密码不对。"), field="old")
        passwords.require_strong(new, name)
        if passwords.verify_password(stored, new):
            raise InvalidInput(Message("新密码不得与现在的相同。"), field="new")
        changes = {"password": passwords.hash_password(new), "must_change": False}
        with self._database.writing() as connection:
            condition = sa.and_(accounts.c.name == name, accounts.c.password == stored)
            if not connection.execute(sa.update(accounts).where(condition).values(**changes)).rowcount:
                raise Conflict(Message("密码刚刚被更改，请重新登录。"))
            for session_of_account in sessions.list_sessions(
                connection, session.account, sessions.SessionLimits(idle=10**6, absolute=10**6)
            ):
                if session_of_account.id != session.id:
                    sessions.end_sessions(connection, name, session_of_account.id)
            audit_log.record_event(connection, name, "password_changed", "", visitor.address)
            return sessions.renew_token(connection, session.token, "open")

    def _read_password_hash(self, name: str) -> str:
        with self._database.reading() as connection:
            return str(connection.execute(sa.select(accounts.c.password).where(accounts.c.name == name)).scalar_one())

    def _count_wrong_password(self, session: Session, visitor: Visitor) -> None:
        """Count a wrong present password; NotAllowed when it was one too many and the session ended.

        Otherwise the finder of a signed-in browser could guess there for as long as the session lasts.
        """
        with self._database.writing() as connection:
            ended = sessions.count_failure(connection, session)
        self.repeats.count_failure(session.account.name, "sign_in_failed", "password", visitor.address)
        if ended:
            raise make_session_ended_error()

    def make_device_cookie(self, name: str) -> str | None:
        """Make the cookie by which the browser that has just signed in is recognised; None where there is no key."""
        return devices.make_cookie(self.vault, name, self._read_password_hash(name))

    def make_calendar_code(self, name: str) -> str:
        """Make the code in the address of an account's calendar; SecretsKeyMissing. A new password makes another."""
        return self.vault.sign_message(_CALENDAR, f"{name}\0{self._read_password_hash(name)}")

    def find_calendar_owner(self, name: str, code: str) -> Account | None:
        """The open account for which the code in the address of a calendar was made; None for any other code."""
        with self._database.reading() as connection:
            account = people.find_account(connection, name)
        if account is None or account.disabled:
            return None
        message = f"{name}\0{self._read_password_hash(name)}"
        return account if self.vault.is_signed_message(_CALENDAR, message, code) else None

    def _find_device(self, row: sa.Row[tuple[object, ...]] | None, visitor: Visitor) -> str:
        """The nonce of the browser if it is known to the account and trusted; "" for any other."""
        if row is None or not visitor.devices:
            return ""
        fields = row._mapping
        device = devices.find_device(self.vault, fields["name"], fields["password"], visitor.devices)
        return device if self._throttle.is_trusted_device(device) else ""


def replace_password(connection: sa.Connection, name: str, hashed: str) -> None:
    """Set the hash of a password that the holder must change, end the account's sessions and unlock its codes."""
    changes = {"password": hashed, "must_change": True, "failures": 0, "locked_until": 0}
    connection.execute(sa.update(accounts).where(accounts.c.name == name).values(**changes))
    sessions.end_sessions(connection, name)


def make_session_ended_error() -> NotAllowed:
    """The refusal after too many wrong codes or passwords in one session."""
    return NotAllowed(Message("连续{tries}次不对，本次登录已结束，请重新登录。", tries=TRIES), why="tries")


def _open_session(connection: sa.Connection, session: Session, how: str, visitor: Visitor) -> str:
    audit_log.record_event(connection, session.account.name, "signed_in", how, visitor.address)
    sessions.save_proof(connection, session)
    return sessions.renew_token(connection, session.token, "password" if session.account.must_change else "open")


def _compute_lock_end(failures: int) -> int:
    """When codes from unknown browsers are accepted again after this many wrong ones (milliseconds; 0: now)."""
    if failures < TRIES:
        return 0
    return get_now_ms() + min(FIRST_WAIT << min(failures - TRIES, 10), LONGEST_WAIT) * _MINUTE


def _compute_wait(locked_until: int) -> int:
    """Milliseconds left to wait; 0 for a wait longer than any, which a wrong clock has set."""
    left = locked_until - get_now_ms()
    return left if 0 < left <= LONGEST_WAIT * _MINUTE else 0
