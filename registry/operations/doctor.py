"""An installation looked at from end to end: what is wrong with it, and how to mend that. Nothing is changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Literal

from registry import accounts
from registry.accounts import factors
from registry.accounts.vault import Vault
from registry.domain.model import Struct
from registry.errors import RegistryError
from registry.log import clock_check, note, replication, store
from registry.log.publish import PublishedLog
from registry.log.remote_log import RemoteLog, is_local
from registry.operations import health
from registry.operations.upkeep import FaultWatch
from registry.proposals import views
from registry.search.engine import EngineUnavailable
from registry.search.outside_search import OutsideSearch
from registry.settings import Settings
from registry.storage import rights
from registry.storage.database import Database
from registry.storage.fault_board import FaultBoard
from registry.texts import FixedText, Message

#: ``wrong``: something does not work, or will be refused; ``warning``: it works, but somebody should know.
State = Literal["ok", "warning", "wrong"]
#: Seconds that the public address may take for one answer.
PATIENCE = 10.0


class Diagnosis(Struct, frozen=True):
    """One thing that was looked at: ``message`` says what is so, and what to do unless it is ``ok``."""

    code: str
    state: State
    message: Message | FixedText


class Doctor:
    """Looks at the installation that the settings describe: settings, database, keys, log, machine, public address."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._published = PublishedLog(settings)

    def examine(self) -> Iterator[Diagnosis]:
        """Yield what was found, one thing after the other; without a usable database only what needs none."""
        yield from self._examine_settings()
        yield from self._examine_rights()
        database = Database(self._settings.get_database_url())
        try:
            usable = True
            for finding in _translate(lambda: self._examine_database(database), "database"):
                usable = usable and finding.state == "ok"
                yield finding
            examinations: dict[str, Callable[[], Iterator[Diagnosis]]] = {
                "machine": lambda: self._examine_machine(database),
                "clock": lambda: self._examine_clock(database),
                "log": lambda: self._examine_log(database),
                "views": lambda: self._examine_views(database),
                "secrets_key": lambda: self._examine_secrets(database),
                "people": lambda: _examine_people(database),
                "search": lambda: self._examine_search(database),
            }
            for code, examine in examinations.items() if usable else ():
                yield from _translate(examine, code)
        finally:
            database.close()
        yield from self._examine_public_address()

    def _examine_settings(self) -> Iterator[Diagnosis]:
        settings = self._settings
        if settings.public_url == Settings().public_url:
            message = Message(
                "没有设置 REGISTRY_PUBLIC_URL：二维码和文件写的是 {url}，只有本机打得开。请设为公众访问的网址。",
                url=settings.public_url,
            )
            yield Diagnosis("public_url", "warning", message)
        elif settings.public_url.startswith("http://") and not is_local(settings.public_url):
            message = Message(
                "REGISTRY_PUBLIC_URL 是 http://：传输中可被篡改。请在反向代理上启用 TLS，并改为 https://。"
            )
            yield Diagnosis("public_url", "warning", message)
        else:
            yield Diagnosis("public_url", "ok", Message("公众网址：{url}", url=settings.public_url))
        for code, value, message in (
            ("operator", settings.operator, Message("没有设置 REGISTRY_OPERATOR：页脚不显示主办单位。")),
            (
                "security_contact",
                settings.security_contact,
                Message("没有设置 REGISTRY_SECURITY_CONTACT：发现漏洞的人不知道告诉谁。"),
            ),
            (
                "time_source",
                settings.time_source,
                Message("没有设置 REGISTRY_TIME_SOURCE：时钟只与日志和系统对照。"),
            ),
        ):
            yield (
                Diagnosis(code, "ok", Message("已设置：{value}", value=value))
                if value
                else Diagnosis(code, "warning", message)
            )

    def _examine_rights(self) -> Iterator[Diagnosis]:
        others = rights.list_open_paths(self._settings)
        if not others:
            yield Diagnosis("rights", "ok", Message("数据文件夹和密钥只有本账号可用"))
        for path in others[:3]:
            message = Message("{path} 他人也可访问。运行 registry init 或启动服务即收紧；不成则检查其属主。", path=path)
            yield Diagnosis("rights", "wrong", message)

    def _examine_database(self, database: Database) -> Iterator[Diagnosis]:
        health.require_database(database, self._published)
        yield Diagnosis("database", "ok", Message("数据库可用，版本相符：{url}", url=database.url.render_as_string()))

    def _examine_machine(self, database: Database) -> Iterator[Diagnosis]:
        """Yield what a running server looks at every five seconds: disks, rights to write, signing keys."""
        board = FaultBoard()
        FaultWatch(database, self._published, self._settings, board).check_machine()
        for fault in board.list_faults():
            state: State = "warning" if fault.code == "storage_low" else "wrong"
            yield Diagnosis(fault.code, state, FixedText(fault.zh, fault.en))
        if not board.list_faults():
            free = min(health.read_free_space(self._settings).values(), default=0) >> 20
            yield Diagnosis("storage", "ok", Message("磁盘可写，剩余 {free:,} MiB；签名密钥是本日志的", free=free))

    def _examine_clock(self, database: Database) -> Iterator[Diagnosis]:
        if (fault := self._published.clock.find_fault(database)) is not None:
            yield Diagnosis("clock", "wrong", fault.message)
        elif not clock_check.is_synchronised():
            message = Message("时钟与已知的时间相符，但系统没有与时间服务同步。请启用 chrony 或 systemd-timesyncd。")
            yield Diagnosis("clock", "warning", message)
        else:
            yield Diagnosis("clock", "ok", Message("时钟与已知的时间相符，并与时间服务同步"))

    def _examine_log(self, database: Database) -> Iterator[Diagnosis]:
        with database.reading() as connection:
            self._published.require_published_prefix(connection)
            size = store.read_head(connection).size
        last = self._published.find_checkpoint()
        signed = last.checkpoint.size if last else 0
        if signed < size:
            message = Message(
                "日志{size}条，已签发{signed}条。请运行 registry log checkpoint，或启动服务。", size=size, signed=signed
            )
            yield Diagnosis("log", "warning", message)
        elif last is None:
            message = Message("日志是空的。请加载名录：registry seed，或导入：registry import。")
            yield Diagnosis("log", "warning", message)
        else:
            message = Message("日志{size}条，全部已签发，与已公布的一致。逐条核对：registry log check", size=size)
            yield Diagnosis("log", "ok", message)

    def _examine_views(self, database: Database) -> Iterator[Diagnosis]:
        with database.reading() as connection:
            behind = {name: number for name, number in views.measure_lag(connection).items() if number}
        for name, number in behind.items():
            message = Message("视图 {name} 落后{number}条。请运行：registry rebuild {name}", name=name, number=number)
            yield Diagnosis("views", "wrong", message)
        if not behind:
            yield Diagnosis("views", "ok", Message("各视图与日志同步"))

    def _examine_secrets(self, database: Database) -> Iterator[Diagnosis]:
        with database.reading() as connection:
            factors.require_key(connection, Vault(self._settings.get_secrets_file()))
        yield Diagnosis("secrets_key", "ok", Message("验证器密钥可用"))

    def _examine_search(self, database: Database) -> Iterator[Diagnosis]:
        if not self._settings.search_url:
            yield Diagnosis("search", "ok", Message("内嵌搜索"))
            return
        outside = OutsideSearch(database, self._settings.search_url, self._settings.search_key)
        with database.reading() as connection:
            size = store.read_head(connection).size
        try:
            position = outside.find_position()
        except EngineUnavailable as error:
            message = Message(
                "站外搜索引擎没有回答（{reason}），暂用内嵌搜索。请检查 REGISTRY_SEARCH_URL 和密钥。", reason=error
            )
            yield Diagnosis("search", "warning", message)
            return
        if position != size:
            message = Message("站外搜索引擎的索引不完整。服务运行时会自动跟上；或运行：registry rebuild search")
            yield Diagnosis("search", "warning", message)
        else:
            yield Diagnosis("search", "ok", Message("站外搜索引擎可用，索引完整"))

    def _examine_public_address(self) -> Iterator[Diagnosis]:
        """Yield whether the public address leads to this log: it is asked as a stranger would ask it."""
        address = self._settings.public_url
        try:
            with RemoteLog(address, timeout=PATIENCE) as remote:
                note.verify_note(remote.read_checkpoint(), self._published.list_verifiers(retired=True))
        except RegistryError as error:
            message = Message(
                "从本机访问 {url} 未见本日志：{reason} 服务没有运行时请先启动；网址由代理转发时请检查代理。",
                url=address,
                reason=error.message,
            )
            yield Diagnosis("public_answer", "warning", message)
        else:
            yield Diagnosis("public_answer", "ok", Message("{url} 提供的正是本日志", url=address))


def _examine_people(database: Database) -> Iterator[Diagnosis]:
    """Yield whether four eyes are possible: proposals need two people, and so do accounts."""
    with database.reading() as connection:
        if replication.is_mirror(connection):
            yield Diagnosis("people", "ok", Message("镜像不设账号"))
            return
        active = [account for account in accounts.list_accounts(connection) if not account.disabled]
    editors, approvers, administrators = (
        {one.name for one in active if role in one.roles} for role in ("editor", "approver", "administrator")
    )
    if not editors or not approvers or len(editors | approvers) < 2:
        message = Message("提案和审批须由两人分别担任。请添加：registry user add 姓名 --role editor（或 approver）")
        yield Diagnosis("people", "warning", message)
    if len(administrators) < 2:
        message = Message(
            "账号的变更须由两名管理员经手，现有{count}名。请添加：registry user add 姓名 --role administrator",
            count=len(administrators),
        )
        yield Diagnosis("administrators", "warning", message)
    without = sorted(one.name for one in active if not one.has_second and not one.external)
    if without:
        message = Message("还没有第二验证因素的账号：{names}。首次登录时设置。", names="、".join(without[:5]))
        yield Diagnosis("second_factors", "warning", message)


def _translate(examine: Callable[[], Iterator[Diagnosis]], code: str) -> Iterator[Diagnosis]:
    """Yield what an examination finds; a refusal is what is wrong, in its own words."""
    try:
        yield from examine()
    except RegistryError as error:
        yield Diagnosis(error.code or code, "wrong", error.message)


def silence_logger() -> None:
    """Keep the faults that are looked for out of the log of this process: they are printed as findings."""
    logging.getLogger("registry").addHandler(logging.NullHandler())
