"""Changes of accounts that one administrator requests and another one confirms (docs/staff.md).

Nobody gains a deciding role, or the means to sign in as somebody who has one, by one person's deed. Where an account is
left without a second factor, its requester has been shown the password and whoever confirmed the activation code: both
are needed to set up an authenticator, so that neither of the two can take the account over.
"""

from __future__ import annotations

import secrets
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa

from registry import accounts
from registry.accounts import Account, audit_log, factors, get_now_ms, passwords, sessions, signin
from registry.accounts.region_scope import contains_place
from registry.domain.model import Struct
from registry.errors import Conflict, InvalidInput, NotAllowed, NotFound
from registry.records.subject_names import describe_region
from registry.storage.account_tables import account_changes
from registry.texts import Message

Kind = Literal["create", "rights", "reset", "forget_second", "link", "close", "open"]
KINDS: tuple[Kind, ...] = get_args(Kind)
State = Literal["pending", "expired", "overtaken", "confirmed", "refused", "withdrawn"]
#: Who holds one of these decides; whoever holds one of PROPOSING brings in what is decided.
DECIDING, PROPOSING = frozenset({"approver", "administrator"}), frozenset({"editor", "publisher"})
#: Days after which a change that nobody confirmed is void.
DAYS = 7
_LIFE = DAYS * 86_400_000  # milliseconds
#: What leaves an account with another password, which its requester is shown.
_WITH_PASSWORD = ("create", "reset", "forget_second")
#: The audit log's words for what one administrator does alone.
_ACTIONS: dict[Kind, str] = {"create": "account_added"}


class ChangeRequest(Struct, frozen=True):
    """What an administrator requests of an account; ``password``: the hash of the one its holder is to change."""

    kind: Kind
    account: str
    roles: tuple[str, ...] = ()
    region: str = ""
    external: str = ""
    password: str = ""


class AccountState(Struct, frozen=True):
    """What of an account a change replaces: it is overtaken where this is another one meanwhile."""

    roles: list[str]
    region: str
    external: str
    disabled: bool


class AccountChange(Struct, frozen=True):
    """One requested change, with the account as it was then (``base``; None: there was none). Instants in ms."""

    id: int
    request: ChangeRequest
    base: AccountState | None
    requester: str
    requested_at: int
    state: State
    decider: str = ""
    decided_at: int | None = None
    reason: str = ""

    @property
    def expires_at(self) -> int:
        """When it is void unless somebody confirms it."""
        return self.requested_at + _LIFE


def make_first_password() -> tuple[str, str]:
    """Make a password to be shown once, and its hash; slow on purpose, so before any lock."""
    password = "-".join(secrets.token_hex(3) for _ in range(4))
    return password, passwords.hash_password(password)


def needs_second_person(requester: Account, request: ChangeRequest, account: Account | None) -> bool:
    """Whether a change has to be confirmed by another administrator.

    Roles, factors and identities always. What would let somebody in as another person: where that person decides; and
    where that person proposes, if the requester may approve, since one person would be both pairs of eyes.
    """
    if request.kind in ("rights", "forget_second", "link"):
        return True
    if request.kind == "close" or (request.kind == "reset" and account is not None and account.has_second):
        return False
    roles = set(request.roles) if account is None else account.roles
    return bool(roles & (DECIDING | (PROPOSING if "approver" in requester.roles else frozenset())))


def submit_change(connection: sa.Connection, requester: str, request: ChangeRequest) -> int | None:
    """Carry a change out, or store it for a second administrator and return its number.

    NotAllowed for whoever is no administrator, or about one's own account; InvalidInput, NotFound; Conflict where the
    same is pending already.
    """
    actor = _require_administrator(connection, requester)
    if request.account == requester:
        raise NotAllowed(Message("不能在这里更改自己的账号，请另一位管理员办理。"), why="own_account")
    account = _require_possible(connection, request)
    _require_in_region(actor, request, account)
    if not needs_second_person(actor, request, account):
        _apply_request(connection, request)
        action = _ACTIONS.get(request.kind, f"account_{request.kind}")
        audit_log.record_event(connection, requester, action, f"account:{request.account}")
        return None
    for pending in list_changes(connection, pending=True):
        if pending.state == "pending" and _is_same_change(pending.request, request):
            raise Conflict(
                Message("同样的变更已在等待确认（编号{number}）：请先撤回或处理。", number=pending.id), field=""
            )
    number = _insert_change(connection, requester, request, account)
    _record_step(connection, requester, "requested", number, request)
    return number


def confirm_change(connection: sa.Connection, decider: str, number: int) -> tuple[AccountChange, str]:
    """Carry out what another administrator requested; return it and the activation code, "" where none is needed.

    NotAllowed for whoever requested it and whom it is about; Conflict where it is not pending any more.
    """
    change = _require_decidable(connection, decider, number)
    if not _is_administrator(accounts.find_account(connection, change.requester)):
        raise Conflict(Message("提出者“{name}”已不是管理员，这项变更不再有效。", name=change.requester))
    request = change.request
    _require_possible(connection, request)
    _apply_request(connection, request)
    _close_change(connection, change, "confirmed", decider)
    _record_step(connection, decider, "confirmed", number, request)
    account = accounts.get_account(connection, request.account)
    needs_code = not account.has_second and not account.disabled
    return change, factors.renew_activation_code(connection, account.name) if needs_code else ""


def refuse_change(connection: sa.Connection, decider: str, number: int, reason: str) -> AccountChange:
    """Refuse what another administrator requested, with a reason; NotAllowed, Conflict, InvalidInput without one."""
    change = _require_decidable(connection, decider, number, also_overtaken=True)
    if not reason:
        raise InvalidInput(Message("请写明不同意的理由。"), field="reason")
    _close_change(connection, change, "refused", decider, reason)
    _record_step(connection, decider, "refused", number, change.request)
    return change


def withdraw_change(connection: sa.Connection, requester: str, number: int) -> AccountChange:
    """Take back what one requested oneself; NotAllowed, Conflict."""
    change = get_change(connection, number)
    if change.requester != requester:
        raise NotAllowed(Message("只有提出者可以撤回。"), why="not_requester")
    _require_open(change, also_overtaken=True)
    _close_change(connection, change, "withdrawn", requester)
    _record_step(connection, requester, "withdrawn", number, change.request)
    return change


def get_change(connection: sa.Connection, number: int) -> AccountChange:
    """The change of a number; NotFound."""
    row = connection.execute(sa.select(account_changes).where(account_changes.c.id == number)).first()
    if row is None:
        raise NotFound(Message("没有这项账号变更。"))
    return _read_change(connection, row)


def list_changes(connection: sa.Connection, *, pending: bool, limit: int = 100) -> list[AccountChange]:
    """The changes that nobody decided, or those that are over, newest first; what is void by age is over."""
    since, table = get_now_ms() - _LIFE, account_changes.c
    is_open = sa.and_(table.state == "pending", table.requested_at >= since)
    query = sa.select(account_changes).where(is_open if pending else sa.not_(is_open))
    return [_read_change(connection, row) for row in connection.execute(query.order_by(table.id.desc()).limit(limit))]


def is_within(actor: Account, change: AccountChange) -> bool:
    """Whether an administrator's region contains the account as it is and as it would be."""
    return all(contains_place(actor, place) for place in _list_places(change.request, change.base))


def count_decidable(connection: sa.Connection, account: Account) -> int:
    """Count the changes that wait for this administrator."""
    waiting = [change for change in list_changes(connection, pending=True) if change.state == "pending"]
    others = [change for change in waiting if account.name not in (change.requester, change.request.account)]
    return sum(is_within(account, change) for change in others)


def count_administrators(connection: sa.Connection) -> int:
    """Count the administrators whose account is open."""
    return sum(map(_is_administrator, accounts.list_accounts(connection)))


def _is_administrator(account: Account | None) -> bool:
    return account is not None and not account.disabled and "administrator" in account.roles


def _require_administrator(connection: sa.Connection, name: str) -> Account:
    accounts.require_role(connection, name, "administrator")
    return accounts.get_account(connection, name)


def _require_possible(connection: sa.Connection, request: ChangeRequest) -> Account | None:
    """The account that is changed, None for a new one; InvalidInput, NotFound, Conflict where that cannot be."""
    if request.kind == "create":
        accounts.require_creatable(connection, request.account, list(request.roles), request.region)
        return None
    account = accounts.get_account(connection, request.account)
    if request.kind == "rights":
        accounts.require_rights(list(request.roles), request.region)
        if (account.roles, account.region) == (frozenset(request.roles), request.region):
            raise InvalidInput(Message("角色和行政区划与现在的相同。"), field="role")
    if request.kind == "link":
        accounts.require_free_identity(connection, request.account, request.external)
    if account.disabled is (request.kind == "close") and request.kind in ("close", "open"):
        raise Conflict(Message("账号“{name}”已是这种状态。", name=account.name), field="")
    return account


def make_other_region_error(actor: Account) -> NotAllowed:
    """Make the refusal of an administrator who is to manage an account outside his region."""
    region = describe_region(actor.region or "")
    return NotAllowed(Message("您的账号只能管理{region}内的账号。", region=region), why="other_region")


def _require_in_region(actor: Account, request: ChangeRequest, base: Account | AccountState | None) -> None:
    """Raise NotAllowed where an administrator with a region reaches beyond it."""
    if not all(contains_place(actor, place) for place in _list_places(request, base)):
        raise make_other_region_error(actor)


def _list_places(request: ChangeRequest, base: Account | AccountState | None) -> list[str]:
    new_region = [request.region] if request.kind in ("create", "rights") else []
    return [*new_region, *([base.region] if base else [])]


def _apply_request(connection: sa.Connection, request: ChangeRequest) -> None:
    name, roles = request.account, list(request.roles)
    if request.kind == "create":
        accounts.insert_account(connection, name, roles, request.password, region=request.region, must_change=True)
    elif request.kind == "rights":
        accounts.change_rights(connection, name, roles, request.region)
    elif request.kind == "link":
        accounts.link_identity(connection, name, request.external)
    elif request.kind in ("close", "open"):
        accounts.set_disabled(connection, name, request.kind == "close")
    if request.kind == "forget_second":
        factors.remove_factor(connection, name)
    if request.kind in ("reset", "forget_second"):
        signin.replace_password(connection, name, request.password)
    if request.kind != "rights":
        sessions.end_sessions(connection, name)


def _is_same_change(one: ChangeRequest, other: ChangeRequest) -> bool:
    return (one.kind, one.account) == (other.kind, other.account)


def _require_decidable(
    connection: sa.Connection, decider: str, number: int, *, also_overtaken: bool = False
) -> AccountChange:
    """The change, for another administrator than its requester and whom it is about; NotAllowed, Conflict."""
    actor = _require_administrator(connection, decider)
    change = get_change(connection, number)
    _require_in_region(actor, change.request, change.base)
    if decider == change.requester:
        raise NotAllowed(Message("不能确认自己提出的变更，请另一位管理员办理。"), why="same_person")
    if decider == change.request.account:
        raise NotAllowed(Message("这项变更关于您自己的账号，请另一位管理员办理。"), why="own_account")
    _require_open(change, also_overtaken=also_overtaken)
    return change


def _require_open(change: AccountChange, *, also_overtaken: bool) -> None:
    if change.state == "pending" or (change.state == "overtaken" and also_overtaken):
        return
    if change.state == "expired":
        raise Conflict(Message("这项变更提出已超过{days}天，已失效。", days=DAYS))
    if change.state == "overtaken":
        raise Conflict(Message("提出之后，该账号已有其他变更：这项变更不再有效，请重新提出。"))
    raise Conflict(Message("这项变更已由“{name}”处理。", name=change.decider))


def _insert_change(connection: sa.Connection, requester: str, request: ChangeRequest, account: Account | None) -> int:
    values: dict[str, Any] = {
        "account": request.account,
        "kind": request.kind,
        "roles": " ".join(sorted(set(request.roles))),
        "region": request.region,
        "external": request.external,
        "password": request.password if request.kind in _WITH_PASSWORD else "",
        "base": msgspec.json.encode(_read_state(account)),
        "requester": requester,
        "requested_at": get_now_ms(),
        "state": "pending",
    }
    inserted = connection.execute(sa.insert(account_changes).values(**values).returning(account_changes.c.id))
    return int(inserted.scalar_one())


def _close_change(
    connection: sa.Connection, change: AccountChange, state: State, decider: str, reason: str = ""
) -> None:
    """Store what became of a change; nobody needs the hash of its password any more."""
    values = {"state": state, "decider": decider, "decided_at": get_now_ms(), "reason": reason[:500], "password": ""}
    connection.execute(sa.update(account_changes).where(account_changes.c.id == change.id).values(**values))


def _record_step(connection: sa.Connection, who: str, step: str, number: int, request: ChangeRequest) -> None:
    about = f"account_change:{number} {request.kind} {request.account}"
    audit_log.record_event(connection, who, f"account_change_{step}", about)


def _read_state(account: Account | None) -> AccountState | None:
    if account is None:
        return None
    return AccountState(
        roles=sorted(account.roles), region=account.region, external=account.external, disabled=account.disabled
    )


def _read_change(connection: sa.Connection, row: sa.Row[tuple[object, ...]]) -> AccountChange:
    fields = row._mapping
    base = msgspec.json.decode(bytes(fields["base"]), type=AccountState | None)
    state: State = fields["state"]
    if state == "pending" and not 0 <= get_now_ms() - fields["requested_at"] <= _LIFE:
        state = "expired"
    elif state == "pending" and _read_state(accounts.find_account(connection, fields["account"])) != base:
        state = "overtaken"
    return AccountChange(
        id=fields["id"],
        request=ChangeRequest(
            kind=fields["kind"],
            account=fields["account"],
            roles=tuple(fields["roles"].split()),
            region=fields["region"],
            external=fields["external"],
            password=fields["password"],
        ),
        base=base,
        requester=fields["requester"],
        requested_at=fields["requested_at"],
        state=state,
        decider=fields["decider"],
        decided_at=fields["decided_at"],
        reason=fields["reason"],
    )
