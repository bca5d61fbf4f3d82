"""Who may ask, and how much: the keys as this process knows them, counts shared by all, usage told now and then."""

from __future__ import annotations

import datetime as dt
import hmac
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa

from registry.batch.batch import Noted
from registry.clients import keys, usage
from registry.clients.keys import ApiKey, Scope
from registry.clients.people_budget import DAY, PeopleBudget, count_seconds_to_midnight, to_day_number
from registry.domain.model import Struct
from registry.errors import Busy, CannotRecord, InvalidKey, QuotaSpent, RegistryError, ScopeMissing, TooManyRequests
from registry.records.asof import read_today
from registry.settings import Settings
from registry.storage.counts import Counts, RemainingRequests, to_network, to_whole_seconds
from registry.storage.database import Database
from registry.storage.fault_board import RepeatedWarnings
from registry.storage.locks import AT_ONCE, LockWait
from registry.storage.tables import api_keys

#: Seconds between looks at the keys: a revoked one is refused by every process within one second.
LOOK_EVERY = 0.25
#: Seconds between two times that what was asked is written down.
TELL_EVERY = 1.0
MINUTE = 60
#: Rows of a batch that count as one request of a minute.
ROWS_A_REQUEST = 1_000
#: What the end of a process waits to write down what was asked.
_AT_THE_END = LockWait(seconds=5.0, queue_limit=16)
_log = logging.getLogger("registry")


class AdmittedRequest(Struct, frozen=True):
    """Who asks: a key, or nobody known at an address; and what is left to them, by the name of the limit."""

    who: str
    key: ApiKey | None
    operation: str
    rooms: dict[str, RemainingRequests]


class Clients:
    """Lets requests in or refuses them. Counting touches a file of this machine, knowing keys touches memory.

    ``follow`` is for a thread of its own: writing usage may wait for a long approval, the log must not.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.anonymous_limit = settings.anonymous_limit
        self.hears_of_proxies = not settings.trusted_proxies  # until it was said once that one is not named
        self._database = database
        self._keep = settings.audit_days
        self._people_limits = (settings.people_limit, settings.people_limit_keys)
        there = settings.data_dir.is_dir()
        self._counts = Counts(settings.data_dir / "limits.sqlite" if there else None)
        self._known: dict[str, ApiKey] = {}
        self._version: tuple[object, ...] | None = None
        self._lock = threading.Lock()
        self._complaints = RepeatedWarnings()
        self._told: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._last_used: dict[str, int] = {}
        self._elsewhere: dict[str, int] = {}
        self.refused = 0

    # --- following ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Write down what was asked; ``follow`` has ended by then."""
        self.write_usage(_AT_THE_END)
        self._counts.close()

    def follow(self, stop: threading.Event) -> None:
        """Go on learning the keys and writing down what was asked, until the event is set."""
        told = cleaned = time.monotonic()
        while not stop.wait(LOOK_EVERY):
            self.load_keys()
            if time.monotonic() >= told + TELL_EVERY:
                told = time.monotonic()
                self.write_usage()
            if time.monotonic() >= cleaned + MINUTE and self._delete_old_data():
                cleaned = time.monotonic()

    def load_keys(self) -> None:
        """Learn the keys that are new and those that are over; what cannot be read now is read at the next look."""
        try:
            with self._database.reading() as connection:
                marks = (sa.func.max(api_keys.c.created_at), sa.func.max(api_keys.c.revoked_at))
                version = tuple(connection.execute(sa.select(sa.func.count(), *marks)).one())
                if version != self._version:
                    self._known = {key.id: key for key in keys.list_keys(connection)}
                    self._version = version
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            self._complaints.warn_once("cannot look for API keys", error)
        else:
            self._complaints.reset_warning("cannot look for API keys")

    def write_usage(self, wait: LockWait = AT_ONCE) -> None:
        """Write down what was asked since the last time; what cannot be written now is kept for the next.

        Does not ``wait`` for a long approval: meanwhile nobody would hear of a key that was revoked.
        """
        with self._lock:
            told, self._told = self._told, defaultdict(lambda: [0, 0, 0])
            last_used, self._last_used = self._last_used, {}
        if not told:
            return
        used = [
            usage.DailyUsage(key=key, day=day, operation=operation, requests=n[0], questions=n[1], refused=n[2])
            for (key, day, operation), n in sorted(told.items())
        ]
        try:
            with self._database.writing(wait) as connection:
                usage.add_usage(connection, used, last_used)
            with self._database.reading() as connection:
                self._elsewhere = usage.count_questions(connection, read_today().isoformat())
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            if not isinstance(error, Busy):
                self._complaints.warn_once("cannot write down what was asked", error)
            with self._lock:
                for which, counted in told.items():
                    self._told[which] = [a + b for a, b in zip(self._told[which], counted, strict=True)]
                self._last_used = {**last_used, **self._last_used}
        else:
            self._complaints.reset_warning("cannot write down what was asked")

    def _delete_old_data(self) -> bool:
        """Let go of what is over; False when somebody else is writing just now."""
        self._counts.delete_old_counts(time.time())
        self._counts.delete_old_marks(to_day_number(time.time()))
        try:
            with self._database.writing(AT_ONCE) as connection:
                usage.delete_old_checks(connection, self._keep)
        except Busy:
            return False
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            self._complaints.warn_once("cannot delete old checks", error)
        else:
            self._complaints.reset_warning("cannot delete old checks")
        return True

    # --- letting in --------------------------------------------------------------------------------------------------

    def find_key(self, text: str) -> ApiKey | None:
        """The key of a text, as far as this process knows; InvalidKey for one that is over. Touches memory only."""
        identity = keys.parse_key_id(text)
        key = self._known.get(identity) if identity else None
        return _require_usable(key, text) if key else None

    def load_key(self, text: str) -> ApiKey:
        """The key of a text, from the database: it may be younger than the last look. InvalidKey."""
        identity = keys.parse_key_id(text)
        if identity is None:
            raise _make_invalid_error()
        with self._database.reading() as connection:
            found = [key for key in keys.list_keys(connection) if key.id == identity]
        if not found:
            raise _make_invalid_error()
        return _require_usable(found[0], text)

    def admit_key(self, key: ApiKey, operation: str, scope: Scope | None) -> AdmittedRequest:
        """Let a key's request in and count it; ScopeMissing, TooManyRequests or QuotaSpent."""
        if scope is not None and scope not in key.scopes:
            raise ScopeMissing(
                f"此密钥没有“{scope}”范围（现有：{'、'.join(sorted(key.scopes))}）。请向名录管理员申请，或不带密钥再问。",
                f"This key lacks the scope “{scope}” (it has {', '.join(sorted(key.scopes))}). Ask whoever runs the "
                "register for it, or ask without a key.",
            )
        at = time.time()
        minute = self._counts.take_one(f"k {key.id}", key.per_minute, MINUTE, at)
        day = self._compute_day_remaining(key, at)
        admitted = AdmittedRequest(
            who=f"k {key.id}", key=key, operation=operation, rooms={"minute": minute, "day": day}
        )
        if not (minute.is_admitted and day.is_admitted):
            self._count_usage(key, operation, refused=1)
            raise _make_refusal(admitted)
        self._count_usage(key, operation, requests=1, questions=1)
        self._counts.add_in_period(_name_day_counter(key), DAY, to_day_number(at), 1)
        return admitted

    def admit_anonymous(self, address: str, operation: str, trying: bool = False) -> AdmittedRequest:
        """Let somebody without a key in and count it by address; TooManyRequests. ``anonymous_limit`` must not be 0.
        ``trying`` a key new to this process is counted apart: others there may have used the limit up."""
        who = f"{'t' if trying else 'a'} {to_network(address)}"
        room = self._counts.take_one(who, self.anonymous_limit, MINUTE, time.time())
        admitted = AdmittedRequest(who=who, key=None, operation=operation, rooms={"minute": room})
        if not room.is_admitted:
            self.refused += 1
            raise _make_refusal(admitted)
        return admitted

    def make_people_budget(self, key: ApiKey | None, address: str) -> PeopleBudget:
        """Whose people whoever asks may look at: of a key with scope people as many as such keys may, else as many as
        anybody, counted by the key if there is one and by address if there is none."""
        anybody, with_scope = self._people_limits
        limit = with_scope if key and "people" in key.scopes else anybody
        return PeopleBudget(self._counts, f"k {key.id}" if key else f"a {to_network(address)}", limit)

    def warn_of_proxy(self, address: str) -> None:
        """Say once that somebody passes on requests of others and is not named: then all of them share one limit."""
        self.hears_of_proxies = False
        _log.warning(
            "requests from %s say that they are passed on for others (X-Forwarded-For); if that is your reverse proxy, "
            "name it in REGISTRY_TRUSTED_PROXIES: until then everybody behind it shares one limit",
            address,
        )

    def count_rows(self, admitted: AdmittedRequest, rows: int) -> None:
        """A batch that was let in as one question had so many rows; it is finished whatever the limit."""
        at, rows = time.time(), max(rows, 1)
        self._counts.add_in_window(admitted.who, MINUTE, at, (rows - 1) // ROWS_A_REQUEST)
        if admitted.key:
            self._count_usage(admitted.key, admitted.operation, questions=rows - 1)
            self._counts.add_in_period(_name_day_counter(admitted.key), DAY, to_day_number(at), rows - 1)

    def record_checks(self, admitted: AdmittedRequest, asked: Iterable[Noted], log_size: int) -> None:
        """Keep what was answered at a log size if the key wants it; CannotRecord when it cannot be written down."""
        key = admitted.key
        if key is None or not key.recorded:
            return
        try:
            with self._database.writing() as connection:
                usage.record_checks(connection, key, admitted.operation, asked, log_size)
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            raise CannotRecord(
                "此密钥的每次核验都须留存，而现在无法留存，所以没有作答（这不代表未获批准）。请稍后再试。",
                "Every check with this key is put on record, and this one cannot be now, so it is not answered (which "
                "says nothing about the institution). Try again later.",
            ) from error

    def list_usage(self, key: ApiKey) -> list[usage.DailyUsage]:
        """What a key asked in the last 31 days, newest first."""
        since = read_today() - dt.timedelta(days=30)
        with self._database.reading() as connection:
            return usage.list_usage(connection, [key.id], since.isoformat())

    def list_checks(self, client: str, since: int, limit: int) -> list[usage.KeyCheck]:
        """A client's checks on record after a number, oldest first."""
        with self._database.reading() as connection:
            return usage.list_checks(connection, client, since, limit)

    def _compute_day_remaining(self, key: ApiKey, at: float) -> RemainingRequests:
        asked = max(
            self._counts.count_in_period(_name_day_counter(key), DAY, to_day_number(at)), self._elsewhere.get(key.id, 0)
        )
        rest = count_seconds_to_midnight(at)
        wait = rest if asked >= key.per_day else 0.0
        left = max(0, key.per_day - asked - 1)
        return RemainingRequests(limit=key.per_day, window=DAY, left=left, reset=rest, wait=wait)

    def _count_usage(
        self, key: ApiKey, operation: str, *, requests: int = 0, questions: int = 0, refused: int = 0
    ) -> None:
        day = read_today().isoformat()
        with self._lock:
            counted = self._told[key.id, day, operation]
            counted[0] += requests
            counted[1] += questions
            counted[2] += refused
            self._last_used[key.id] = keys.get_now_ms()


def _name_day_counter(key: ApiKey) -> str:
    return f"d {key.id}"


def _require_usable(key: ApiKey, text: str) -> ApiKey:
    if not hmac.compare_digest(key.digest, keys.hash_key(text)):
        raise _make_invalid_error()
    state = key.get_state(keys.get_now_ms())
    if state == "revoked":
        raise InvalidKey("此密钥已被撤销。", "This key was revoked.")
    if state == "expired":
        raise InvalidKey(
            "此密钥已到期；若已轮换，请改用新密钥。", "This key has expired; if it was rotated, use the new one."
        )
    return key


def _make_invalid_error() -> InvalidKey:
    return InvalidKey(
        "密钥无效。请检查是否完整，或不带密钥再问（公开查询无需密钥）。",
        "This is no key of this register. See whether it is complete, or ask without a key: reading needs none.",
    )


def _make_refusal(admitted: AdmittedRequest) -> TooManyRequests:
    day = admitted.rooms.get("day")
    if day and not day.is_admitted:
        return QuotaSpent(
            f"此密钥今天的{day.limit:,}次额度已用完，北京时间零点后恢复。",
            f"This key's {day.limit:,} questions of today are spent; they are free again at midnight in Beijing.",
            retry_after=to_whole_seconds(day.wait),
            rooms=admitted.rooms,
        )
    room = admitted.rooms["minute"]
    wait = to_whole_seconds(room.wait)
    who_zh, who_en = ("此密钥", "this key") if admitted.key else ("同一地址", "one address without a key")
    return TooManyRequests(
        f"查询太频繁：{who_zh}每分钟最多{room.limit:,}次，请{wait}秒后再试。",
        f"Too many requests: {who_en} may ask {room.limit:,} times a minute. Try again in {wait} seconds.",
        retry_after=wait,
        rooms=admitted.rooms,
    )
