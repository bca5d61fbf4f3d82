"""Admission of requests: the keys known to this process, counts shared by all, and usage written down regularly.

``PeopleBudget`` limits the institutions whose people one asker (an address or a key) may look at from midnight to
midnight in Beijing, so that nobody collects all of them; the same institution again is free.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa

from registry import errors
from registry.batch.batch import Noted
from registry.clients import keys
from registry.clients.keys import ApiKey, Scope
from registry.domain.identifiers import compact_code
from registry.domain.model import Struct
from registry.errors import Busy, CannotRecord, InvalidKey, RegistryError, ScopeMissing, TooManyRequests
from registry.log.clock import get_now_ms
from registry.records.asof import read_today
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.fault_board import RepeatedWarnings
from registry.storage.locks import AT_ONCE, LockWait
from registry.storage.request_counts import Counts, RemainingRequests, to_network, to_whole_seconds
from registry.storage.tables import api_keys
from registry.texts import Listing, Message

#: Seconds between reloads of the keys: a revoked one is refused by every process within one second.
LOAD_EVERY = 0.25
#: Seconds between writing down the usage.
WRITE_EVERY = 1.0
MINUTE = 60
#: Rows of a batch that count as one request of a minute.
ROWS_A_REQUEST = 1_000
#: How long the end of a process waits for the lock to write down the usage.
_AT_THE_END = LockWait(seconds=5.0, queue_limit=16)
_log = logging.getLogger("registry")


class AdmittedRequest(Struct, frozen=True):
    """An admitted request: its asker (a key, or an address), and what remains of each limit, by the limit's name."""

    who: str
    key: ApiKey | None
    operation: str
    rooms: dict[str, RemainingRequests]


class Clients:
    """Admits requests or refuses them. Counting touches a file of this machine, looking up keys touches memory.

    ``follow`` is for a thread of its own: writing usage may wait for a long approval, following the log must not.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.anonymous_limit = settings.anonymous_limit
        self.hears_of_proxies = not settings.trusted_proxies  # False once it was warned that one is not named
        self._database = database
        self._audit_days = settings.audit_days
        self._people_limits = (settings.people_limit, settings.people_limit_keys)
        has_folder = settings.data_dir.is_dir()
        self._counts = Counts(settings.data_dir / "limits.sqlite" if has_folder else None)
        self._keys: dict[str, ApiKey] = {}
        self._version: tuple[object, ...] | None = None
        self._lock = threading.Lock()
        self._warnings = RepeatedWarnings()
        self._usage: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._last_used: dict[str, int] = {}
        self._questions_of_day: dict[str, int] = {}
        self.refused = 0

    # --- following ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Write down the usage; ``follow`` has ended by then."""
        self.write_usage(_AT_THE_END)
        self._counts.close()

    def follow(self, stop: threading.Event) -> None:
        """Reload the keys and write down the usage regularly, until the event is set."""
        written = cleaned = time.monotonic()
        while not stop.wait(LOAD_EVERY):
            self.load_keys()
            if time.monotonic() >= written + WRITE_EVERY:
                written = time.monotonic()
                self.write_usage()
            if time.monotonic() >= cleaned + MINUTE and self._delete_old_data():
                cleaned = time.monotonic()

    def load_keys(self) -> None:
        """Load the keys if any was added or revoked; what cannot be read now is read the next time."""
        try:
            with self._database.reading() as connection:
                marks = (sa.func.max(api_keys.c.created_at), sa.func.max(api_keys.c.revoked_at))
                version = tuple(connection.execute(sa.select(sa.func.count(), *marks)).one())
                if version != self._version:
                    self._keys = {key.id: key for key in keys.list_keys(connection)}
                    self._version = version
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            self._warnings.warn_once("cannot look for API keys", error)
        else:
            self._warnings.reset_warning("cannot look for API keys")

    def write_usage(self, wait: LockWait = AT_ONCE) -> None:
        """Write down the usage since the last time; what cannot be written now is kept for the next.

        With the default, does not ``wait`` for a long approval: meanwhile no revocation of a key would be noticed.
        """
        with self._lock:
            counts, self._usage = self._usage, defaultdict(lambda: [0, 0, 0])
            last_used, self._last_used = self._last_used, {}
        if not counts:
            return
        rows = [
            keys.DailyUsage(
                key=key, day=day, operation=operation, requests=number[0], questions=number[1], refused=number[2]
            )
            for (key, day, operation), number in sorted(counts.items())
        ]
        try:
            with self._database.writing(wait) as connection:
                keys.add_usage(connection, rows, last_used)
            with self._database.reading() as connection:
                self._questions_of_day = keys.count_questions(connection, read_today().isoformat())
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            if not isinstance(error, Busy):
                self._warnings.warn_once("cannot write down what was asked", error)
            with self._lock:
                for which, numbers in counts.items():
                    self._usage[which] = [a + b for a, b in zip(self._usage[which], numbers, strict=True)]
                self._last_used = {**last_used, **self._last_used}
        else:
            self._warnings.reset_warning("cannot write down what was asked")

    def _delete_old_data(self) -> bool:
        """Delete what is outdated; False if somebody else is writing just now."""
        self._counts.delete_old_counts(time.time())
        self._counts.delete_old_marks(to_day_number(time.time()))
        try:
            with self._database.writing(AT_ONCE) as connection:
                keys.delete_old_checks(connection, self._audit_days)
        except Busy:
            return False
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            self._warnings.warn_once("cannot delete old checks", error)
        else:
            self._warnings.reset_warning("cannot delete old checks")
        return True

    # --- letting in --------------------------------------------------------------------------------------------------

    def find_key(self, text: str) -> ApiKey | None:
        """Return the key of a text if this process knows it; InvalidKey for one that has ended. Touches memory only."""
        identity = keys.parse_key_id(text)
        key = self._keys.get(identity) if identity else None
        return _require_usable(key, text) if key else None

    def load_key(self, text: str) -> ApiKey:
        """Load the key of a text from the database: it may be newer than the last reload. InvalidKey."""
        identity = keys.parse_key_id(text)
        if identity is None:
            raise _make_invalid_error()
        with self._database.reading() as connection:
            matching = [key for key in keys.list_keys(connection) if key.id == identity]
        if not matching:
            raise _make_invalid_error()
        return _require_usable(matching[0], text)

    def admit_key(self, key: ApiKey, operation: str, scope: Scope | None) -> AdmittedRequest:
        """Admit a key's request and count it; ScopeMissing, TooManyRequests or QuotaSpent."""
        if scope is not None and scope not in key.scopes:
            raise ScopeMissing(
                Message(
                    "此密钥没有“{scope}”范围（现有：{scopes}）。请向名录管理员申请，或不带密钥再问。",
                    scope=scope,
                    scopes=Listing(sorted(key.scopes)),
                )
            )
        now = time.time()
        minute = self._counts.take_one(f"k {key.id}", key.per_minute, MINUTE, now)
        day = self._compute_day_remaining(key, now)
        admitted = AdmittedRequest(
            who=f"k {key.id}", key=key, operation=operation, rooms={"minute": minute, "day": day}
        )
        if not (minute.is_admitted and day.is_admitted):
            self._count_usage(key, operation, refused=1)
            raise _make_refusal(admitted)
        self._count_usage(key, operation, requests=1, questions=1)
        self._counts.add_in_period(_name_day_counter(key), DAY, to_day_number(now), 1)
        return admitted

    def admit_anonymous(self, address: str, operation: str, trying: bool = False) -> AdmittedRequest:
        """Admit a request without a key and count it by address; TooManyRequests. ``anonymous_limit`` must not be 0.
        ``trying`` a key new to this process is counted apart: others there may have used the limit up."""
        asker = f"{'t' if trying else 'a'} {to_network(address)}"
        remaining = self._counts.take_one(asker, self.anonymous_limit, MINUTE, time.time())
        admitted = AdmittedRequest(who=asker, key=None, operation=operation, rooms={"minute": remaining})
        if not remaining.is_admitted:
            self.refused += 1
            raise _make_refusal(admitted)
        return admitted

    def make_people_budget(self, key: ApiKey | None, address: str) -> PeopleBudget:
        """Make the asker's people budget: for a key with scope people the limit of such keys, else that of anybody;
        counted by the key if there is one, by address otherwise."""
        limit_for_all, limit_for_keys = self._people_limits
        limit = limit_for_keys if key and "people" in key.scopes else limit_for_all
        return PeopleBudget(self._counts, f"k {key.id}" if key else f"a {to_network(address)}", limit)

    def warn_of_proxy(self, address: str) -> None:
        """Warn once that somebody passes on requests of others and is not named: all of them share one limit then."""
        self.hears_of_proxies = False
        _log.warning(
            "requests from %s say that they are passed on for others (X-Forwarded-For); if that is your reverse proxy, "
            "name it in REGISTRY_TRUSTED_PROXIES: until then everybody behind it shares one limit",
            address,
        )

    def count_rows(self, admitted: AdmittedRequest, rows: int) -> None:
        """Count the rows of a batch that was admitted as one question; it is finished whatever the limit."""
        now, rows = time.time(), max(rows, 1)
        self._counts.add_in_window(admitted.who, MINUTE, now, (rows - 1) // ROWS_A_REQUEST)
        if admitted.key:
            self._count_usage(admitted.key, admitted.operation, questions=rows - 1)
            self._counts.add_in_period(_name_day_counter(admitted.key), DAY, to_day_number(now), rows - 1)

    def record_checks(self, admitted: AdmittedRequest, checks: Iterable[Noted], log_size: int) -> None:
        """Record what was answered at a log size if the key wants it; CannotRecord if it cannot be written down."""
        key = admitted.key
        if key is None or not key.recorded:
            return
        try:
            with self._database.writing() as connection:
                keys.record_checks(connection, key, admitted.operation, checks, log_size)
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            raise CannotRecord(
                Message("此密钥的每次核验都须留存，而现在无法留存，所以没有作答（这不代表未获批准）。请稍后再试。")
            ) from error

    def list_usage(self, key: ApiKey) -> list[keys.DailyUsage]:
        """Return what a key asked in the last 31 days, newest first."""
        since = read_today() - dt.timedelta(days=30)
        with self._database.reading() as connection:
            return keys.list_usage(connection, [key.id], since.isoformat())

    def list_checks(self, client: str, since: int, limit: int) -> list[keys.KeyCheck]:
        """Return a client's checks on record after a number, oldest first."""
        with self._database.reading() as connection:
            return keys.list_checks(connection, client, since, limit)

    def _compute_day_remaining(self, key: ApiKey, now: float) -> RemainingRequests:
        questions = max(
            self._counts.count_in_period(_name_day_counter(key), DAY, to_day_number(now)),
            self._questions_of_day.get(key.id, 0),
        )
        to_midnight = count_seconds_to_midnight(now)
        wait = to_midnight if questions >= key.per_day else 0.0
        left = max(0, key.per_day - questions - 1)
        return RemainingRequests(limit=key.per_day, window=DAY, left=left, reset=to_midnight, wait=wait)

    def _count_usage(
        self, key: ApiKey, operation: str, *, requests: int = 0, questions: int = 0, refused: int = 0
    ) -> None:
        day = read_today().isoformat()
        with self._lock:
            numbers = self._usage[key.id, day, operation]
            numbers[0] += requests
            numbers[1] += questions
            numbers[2] += refused
            self._last_used[key.id] = get_now_ms()


def _name_day_counter(key: ApiKey) -> str:
    return f"d {key.id}"


def _require_usable(key: ApiKey, text: str) -> ApiKey:
    if not hmac.compare_digest(key.digest, keys.hash_key(text)):
        raise _make_invalid_error()
    state = key.get_state(get_now_ms())
    if state == "revoked":
        raise InvalidKey(Message("此密钥已被撤销。"))
    if state == "expired":
        raise InvalidKey(Message("此密钥已到期；若已轮换，请改用新密钥。"))
    return key


def _make_invalid_error() -> InvalidKey:
    return InvalidKey(Message("密钥无效。请检查是否完整，或不带密钥再问（公开查询无需密钥）。"))


def _make_refusal(admitted: AdmittedRequest) -> TooManyRequests:
    day = admitted.rooms.get("day")
    if day and not day.is_admitted:
        return errors.QuotaSpent(
            Message("此密钥今天的{limit:,}次额度已用完，北京时间零点后恢复。", limit=day.limit),
            retry_after=to_whole_seconds(day.wait),
            rooms=admitted.rooms,
        )
    remaining = admitted.rooms["minute"]
    wait = to_whole_seconds(remaining.wait)
    who = Message("此密钥") if admitted.key else Message("同一地址")
    return TooManyRequests(
        Message(
            "查询太频繁：{who}每分钟最多{limit:,}次，请{wait}秒后再试。", who=who, limit=remaining.limit, wait=wait
        ),
        retry_after=wait,
        rooms=admitted.rooms,
    )


DAY = 86_400
_SHANGHAI_OFFSET = 8 * 3600  # seconds the day begins before midnight in UTC


def to_day_number(at: float) -> int:
    """Return the day in Beijing of an instant (seconds since 1970), counted from 1970."""
    return int((at + _SHANGHAI_OFFSET) // DAY)


def count_seconds_to_midnight(at: float) -> float:
    """Return the seconds until the next day in Beijing."""
    return DAY - (at + _SHANGHAI_OFFSET) % DAY


class PeopleBudget:
    """Whose people one asker looks at in a request; ``refused``: some were withheld; ``limit`` 0: unlimited."""

    def __init__(self, counts: Counts, asker: str, limit: int) -> None:
        self._counts = counts
        self._asker = asker
        self._limit = limit
        self._known: dict[str, bool] = {}
        self.refused = False

    def may_look(self, code: str) -> bool:
        """Whether the people of an institution may be looked at; count it if it is a new institution today."""
        if not self._limit:
            return True
        compact = compact_code(code)
        if compact not in self._known:
            day = to_day_number(time.time())
            mark = hashlib.blake2b(f"{self._asker} {day} {compact}".encode(), digest_size=16).digest()
            self._known[compact] = self._counts.add_mark(self._asker, day, mark, self._limit)
        self.refused = self.refused or not self._known[compact]
        return self._known[compact]

    def require_look(self, code: str) -> None:
        """PeopleLimit if the people of an institution may not be looked at."""
        if not self.may_look(code):
            raise self.make_refusal()

    def make_refusal(self) -> errors.PeopleLimit:
        """Make the error for an asker who has used up the day's limit."""
        return errors.PeopleLimit(
            Message(
                "同一地址（或密钥）每天最多查看{limit:,}家机构的人员，今天已用完，北京时间零点后恢复；"
                "不涉及人员的查询与核验不受影响。",
                limit=self._limit,
            ),
            retry_after=to_whole_seconds(count_seconds_to_midnight(time.time())),
            limit=self._limit,
        )
