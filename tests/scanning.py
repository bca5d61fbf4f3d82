"""A register whose institutions have credentials, and what a phone makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registry.credentials import plan
from registry.credentials.credential import Credential
from registry.log import signing_keys
from registry.proposals import credential_proposals
from registry.register import Register
from registry.settings import Settings
from tests.factories import a_register, a_source, an_institution, approve

PUBLIC_URL = "https://register.example"
NAME, ADDRESS = "鞍山市示例医院", "辽宁省鞍山市铁西区示例路1号"
IT = an_institution(NAME, ADDRESS, IVF="formal", ICSI="formal")
CODE = IT.subject.partition(":")[2]


def follow(register: Register) -> None:
    """Bring the view up to the log and sign what it gained."""
    register.follow_log()
    register.log.publish(register.database)


def open_register(folder: Path) -> Register:
    """A register over a folder, brought up to its log; it follows nothing by itself."""
    register = Register(Settings(data_dir=folder, public_url=PUBLIC_URL))
    follow(register)
    return register


def make_register(folder: Path, *drafts: Any) -> Register:
    """A register with a key, the made-up list and these drafts."""
    signing_keys.create_key_file(folder / "signing.key")
    a_register(folder, a_source(), *(drafts or (IT,))).close()
    return open_register(folder)


def issue(register: Register, *codes: str, **options: Any) -> list[Credential]:
    """Issue credentials with four eyes; all that there are then."""
    planned = plan.plan_issue(register.database, codes, **options)
    approve(register.database, credential_proposals.propose_issue(register.database, planned, by="editor.a"))
    follow(register)
    return register.credentials.list_all()


def withdraw(register: Register, *codes: str, numbers: tuple[int, ...] = (), reason: str = "示例：标牌遗失") -> None:
    """Withdraw credentials with four eyes."""
    planned = plan.plan_withdrawal(register.database, codes, numbers, reason)
    approve(register.database, credential_proposals.propose_withdrawal(register.database, planned, by="editor.a"))
    follow(register)
