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

from registry.clients import keys, usage
from registry.clients.counts import Counts, Room, network, seconds
from registry.clients.keys import ApiKey, Scope
from registry.clients.people import DAY, Looks, day_number, until_midnight
from registry.database import Database
from registry.errors import Busy, CannotRecord, InvalidKey, QuotaSpent, RegistryError, ScopeMissing, TooManyRequests
from registry.faults import Complaints
from registry.locks import AT_ONCE, LockWait
from registry.model import Struct
from registry.records.asof import today
from registry.settings import Settings
from registry.tables import api_keys
from registry.verification.batch import Noted

#: Seconds between looks at the keys: a revoked one is refused by every process within one second.
LOOK_EVERY = 0.25
#: Seconds between two times that what was asked is written down.
TELL_EVERY = 1.0
MINUTE = 60
#: Rows of a batch that count as one request of a minute.
ROWS_A_REQUEST = 1_000
#: What the end of a process waits to write down what was asked.
_AT_THE_END = LockWait(seconds=5.0, behind=16)
_log = logging.getLogger("registry")


class Admitted(Struct, frozen=True):
    """Who asks: a key, or nobody known at an address; and what is left to them, by the name of the limit."""

    who: str
    key: ApiKey | None
    operation: str
    rooms: dict[str, Room]


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
        self._complaints = Complaints()
        self._told: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._last_used: dict[str, int] = {}
        self._elsewhere: dict[str, int] = {}
        self.refused = 0

    # --- following ---------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Write down what was asked; ``follow`` has ended by then."""
        self.tell(_AT_THE_END)
        self._counts.close()

    def follow(self, stop: threading.Event) -> None:
        """Go on learning the keys and writing down what was asked, until the event is set."""
        told = cleaned = time.monotonic()
        while not stop.wait(LOOK_EVERY):
            self.look()
            if time.monotonic() >= told + TELL_EVERY:
                told = time.monotonic()
                self.tell()
            if time.monotonic() >= cleaned + MINUTE and self._clean():
                cleaned = time.monotonic()

    def look(self) -> None:
        """Learn the keys that are new and those that are over; what cannot be read now is read at the next look."""
        try:
            with self._database.reading() as connection:
                marks = (sa.func.max(api_keys.c.created_at), sa.func.max(api_keys.c.revoked_at))
                version = tuple(connection.execute(sa.select(sa.func.count(), *marks)).one())
                if version != self._version:
                    self._known = {key.id: key for key in keys.listed(connection)}
                    self._version = version
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            self._complaints.say("cannot look for API keys", error)
        else:
            self._complaints.over("cannot look for API keys")

    def tell(self, wait: LockWait = AT_ONCE) -> None:
        """Write down what was asked since the last time; what cannot be written now is kept for the next.

        Does not ``wait`` for a long approval: meanwhile nobody would hear of a key that was revoked.
        """
        with self._lock:
            told, self._told = self._told, defaultdict(lambda: [0, 0, 0])
            last_used, self._last_used = self._last_used, {}
        if not told:
            return
        used = [
            usage.Used(key=key, day=day, operation=operation, requests=n[0], questions=n[1], refused=n[2])
            for (key, day, operation), n in sorted(told.items())
        ]
        try:
            with self._database.writing(wait) as connection:
                usage.count(connection, used, last_used)
            with self._database.reading() as connection:
                self._elsewhere = usage.questions(connection, today().isoformat())
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            if not isinstance(error, Busy):
                self._complaints.say("cannot write down what was asked", error)
            with self._lock:
                for which, counted in told.items():
                    self._told[which] = [a + b for a, b in zip(self._told[which], counted, strict=True)]
                self._last_used = {**last_used, **self._last_used}
        else:
            self._complaints.over("cannot write down what was asked")

    def _clean(self) -> bool:
        """Let go of what is over; False when somebody else is writing just now."""
        self._counts.forget(time.time())
        self._counts.forget_marks(day_number(time.time()))
        try:
            with self._database.writing(AT_ONCE) as connection:
                usage.forget(connection, self._keep)
        except Busy:
            return False
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            self._complaints.say("cannot delete old checks", error)
        else:
            self._complaints.over("cannot delete old checks")
        return True

    # --- letting in --------------------------------------------------------------------------------------------------

    def known(self, text: str) -> ApiKey | None:
        """The key of a text, as far as this process knows; InvalidKey for one that is over. Touches memory only."""
        identity = keys.id_of(text)
        key = self._known.get(identity) if identity else None
        return _usable(key, text) if key else None

    def learn(self, text: str) -> ApiKey:
        """The key of a text, from the database: it may be younger than the last look. InvalidKey."""
        identity = keys.id_of(text)
        if identity is None:
            raise _invalid()
        with self._database.reading() as connection:
            found = [key for key in keys.listed(connection) if key.id == identity]
        if not found:
            raise _invalid()
        return _usable(found[0], text)

    def admit(self, key: ApiKey, operation: str, scope: Scope | None) -> Admitted:
        """Let a key's request in and count it; ScopeMissing, TooManyRequests or QuotaSpent."""
        if scope is not None and scope not in key.scopes:
            raise ScopeMissing(
                f"此密钥没有“{scope}”范围（现有：{'、'.join(sorted(key.scopes))}）。请向名录管理员申请，或不带密钥再问。",
                f"This key lacks the scope “{scope}” (it has {', '.join(sorted(key.scopes))}). Ask whoever runs the "
                "register for it, or ask without a key.",
            )
        at = time.time()
        minute = self._counts.take(f"k {key.id}", key.per_minute, MINUTE, at)
        day = self._day(key, at)
        admitted = Admitted(who=f"k {key.id}", key=key, operation=operation, rooms={"minute": minute, "day": day})
        if not (minute.admitted and day.admitted):
            self._count(key, operation, refused=1)
            raise _refusal(admitted)
        self._count(key, operation, requests=1, questions=1)
        self._counts.add_in(_daily(key), DAY, day_number(at), 1)
        return admitted

    def admit_anonymous(self, address: str, operation: str, trying: bool = False) -> Admitted:
        """Let somebody without a key in and count it by address; TooManyRequests. ``anonymous_limit`` must not be 0.
        ``trying`` a key new to this process is counted apart: others there may have used the limit up."""
        who = f"{'t' if trying else 'a'} {network(address)}"
        room = self._counts.take(who, self.anonymous_limit, MINUTE, time.time())
        admitted = Admitted(who=who, key=None, operation=operation, rooms={"minute": room})
        if not room.admitted:
            self.refused += 1
            raise _refusal(admitted)
        return admitted

    def looks_of(self, key: ApiKey | None, address: str) -> Looks:
        """Whose people whoever asks may look at: of a key with scope people as many as such keys may, else as many as
        anybody, counted by the key if there is one and by address if there is none."""
        anybody, with_scope = self._people_limits
        limit = with_scope if key and "people" in key.scopes else anybody
        return Looks(self._counts, f"k {key.id}" if key else f"a {network(address)}", limit)

    def hear_of_proxy(self, address: str) -> None:
        """Say once that somebody passes on requests of others and is not named: then all of them share one limit."""
        self.hears_of_proxies = False
        _log.warning(
            "requests from %s say that they are passed on for others (X-Forwarded-For); if that is your reverse proxy, "
            "name it in REGISTRY_TRUSTED_PROXIES: until then everybody behind it shares one limit",
            address,
        )

    def asked_more(self, admitted: Admitted, rows: int) -> None:
        """A batch that was let in as one question had so many rows; it is finished whatever the limit."""
        at, rows = time.time(), max(rows, 1)
        self._counts.add(admitted.who, MINUTE, at, (rows - 1) // ROWS_A_REQUEST)
        if admitted.key:
            self._count(admitted.key, admitted.operation, questions=rows - 1)
            self._counts.add_in(_daily(admitted.key), DAY, day_number(at), rows - 1)

    def record(self, admitted: Admitted, asked: Iterable[Noted], log_size: int) -> None:
        """Keep what was answered at a log size if the key wants it; CannotRecord when it cannot be written down."""
        key = admitted.key
        if key is None or not key.recorded:
            return
        try:
            with self._database.writing() as connection:
                usage.record(connection, key, admitted.operation, asked, log_size)
        except (RegistryError, sa.exc.SQLAlchemyError) as error:
            raise CannotRecord(
                "此密钥的每次核验都须留存，而现在无法留存，所以没有作答（这不代表未获批准）。请稍后再试。",
                "Every check with this key is put on record, and this one cannot be now, so it is not answered (which "
                "says nothing about the institution). Try again later.",
            ) from error

    def usage_of(self, key: ApiKey) -> list[usage.Used]:
        """What a key asked in the last 31 days, newest first."""
        since = today() - dt.timedelta(days=30)
        with self._database.reading() as connection:
            return usage.of(connection, [key.id], since.isoformat())

    def checks_of(self, client: str, since: int, limit: int) -> list[usage.Check]:
        """A client's checks on record after a number, oldest first."""
        with self._database.reading() as connection:
            return usage.checks(connection, client, since, limit)

    def _day(self, key: ApiKey, at: float) -> Room:
        asked = max(self._counts.of(_daily(key), DAY, day_number(at)), self._elsewhere.get(key.id, 0))
        rest = until_midnight(at)
        wait = rest if asked >= key.per_day else 0.0
        left = max(0, key.per_day - asked - 1)
        return Room(limit=key.per_day, window=DAY, left=left, reset=rest, wait=wait)

    def _count(self, key: ApiKey, operation: str, *, requests: int = 0, questions: int = 0, refused: int = 0) -> None:
        day = today().isoformat()
        with self._lock:
            counted = self._told[key.id, day, operation]
            counted[0] += requests
            counted[1] += questions
            counted[2] += refused
            self._last_used[key.id] = keys.now()


def _daily(key: ApiKey) -> str:
    return f"d {key.id}"


def _usable(key: ApiKey, text: str) -> ApiKey:
    if not hmac.compare_digest(key.digest, keys.digest_of(text)):
        raise _invalid()
    state = key.state(keys.now())
    if state == "revoked":
        raise InvalidKey("此密钥已被撤销。", "This key was revoked.")
    if state == "expired":
        raise InvalidKey(
            "此密钥已到期；若已轮换，请改用新密钥。", "This key has expired; if it was rotated, use the new one."
        )
    return key


def _invalid() -> InvalidKey:
    return InvalidKey(
        "密钥无效。请检查是否完整，或不带密钥再问（公开查询无需密钥）。",
        "This is no key of this register. See whether it is complete, or ask without a key: reading needs none.",
    )


def _refusal(admitted: Admitted) -> TooManyRequests:
    day = admitted.rooms.get("day")
    if day and not day.admitted:
        return QuotaSpent(
            f"此密钥今天的{day.limit:,}次额度已用完，北京时间零点后恢复。",
            f"This key's {day.limit:,} questions of today are spent; they are free again at midnight in Beijing.",
            retry_after=seconds(day.wait),
            rooms=admitted.rooms,
        )
    room = admitted.rooms["minute"]
    wait = seconds(room.wait)
    who_zh, who_en = ("此密钥", "this key") if admitted.key else ("同一地址", "one address without a key")
    return TooManyRequests(
        f"查询太频繁：{who_zh}每分钟最多{room.limit:,}次，请{wait}秒后再试。",
        f"Too many requests: {who_en} may ask {room.limit:,} times a minute. Try again in {wait} seconds.",
        retry_after=wait,
        rooms=admitted.rooms,
    )
