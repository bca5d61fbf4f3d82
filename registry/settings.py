"""Every setting once: its environment variable, meaning and default. ``registry settings`` prints this table."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, get_type_hints
from urllib.parse import urlsplit

import msgspec

from registry.errors import InvalidInput
from registry.texts import Message


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process; read once at the start."""

    data_dir: Annotated[Path, "Folder of the database, the signing key and other state."] = Path("var")
    database_url: Annotated[str, "SQLAlchemy URL. Empty: SQLite in the data folder. Or postgresql+psycopg://..."] = ""
    public_url: Annotated[str, "Address the public reaches this register at; QR codes carry it."] = (
        "http://127.0.0.1:8000"
    )
    operator: Annotated[str, "主办单位: the authority that runs this register, shown in every page's footer."] = ""
    signing_key: Annotated[str, "File of the Ed25519 signing key. Empty: signing.key in the data folder."] = ""
    secrets_key: Annotated[
        str,
        "File of the key that encrypts second factors and leads. Empty: secrets.key beside the signing key.",
    ] = ""
    log_dir: Annotated[str, "Folder of the published log: last checkpoint, tiles. Empty: log in the data folder."] = ""
    log_origin: Annotated[str, "Name of the log in its checkpoints; kept for ever. Empty: from the public URL."] = ""

    witness_dir: Annotated[
        str,
        "Folder with a folder (checkpoint, vkey) of each witness, for letters. Empty: witnesses in the data folder.",
    ] = ""
    time_source: Annotated[
        str, "Address of a web server whose Date is trusted when the clock is checked. Empty: none is asked."
    ] = ""
    hosts: Annotated[
        str, "Further host names it is reached by, by commas; *: any. Empty: that of the public URL, if one is set."
    ] = ""
    security_contact: Annotated[
        str, "Whom to tell of a weakness, by commas: an e-mail or https address, for /.well-known/security.txt."
    ] = ""
    security_policy: Annotated[str, "https address of how such reports are handled. Empty: none."] = ""

    anonymous_limit: Annotated[int, "Requests a minute from one address without a key; 0: no limit."] = 1_200
    people_limit: Annotated[
        int, "Institutions whose people one address, or key, may look at in a day; 0: no limit."
    ] = 60
    people_limit_keys: Annotated[int, "The same for a key with scope people; 0: no limit."] = 1_000
    leads_limit: Annotated[int, "Leads an hour from one address, thirty times as many from all; 0: no limit."] = 20
    leads_days: Annotated[int, "Days after its closing until a lead's texts, contact and pictures are erased."] = 180
    audit_days: Annotated[int, "Days that checks are kept for keys that have them recorded."] = 400
    trusted_proxies: Annotated[
        str, "Addresses of reverse proxies, by commas, whose X-Forwarded-For says who asks. Empty: nobody's."
    ] = ""

    state_limit: Annotated[
        int, "Seconds for which questions are answered from the last verified state while the database is out of reach."
    ] = 600
    storage_low: Annotated[int, "MiB of free disk below which /readyz and /metrics warn (storage_low)."] = 1024
    storage_reserve: Annotated[int, "MiB of free disk below which nothing is appended: room to finish and sign."] = 64
    max_connections: Annotated[int, "Connections that one process of the server has open at the same time."] = 1_000
    address_connections: Annotated[
        int, "Of these, connections from one address, unless it is that of a trusted proxy; 0: no limit."
    ] = 100

    staff_idle: Annotated[int, "Minutes without use after which staff are signed out; 30 at most."] = 30
    staff_absolute: Annotated[int, "Minutes after which staff sign in again whatever they did."] = 600

    oidc_issuer: Annotated[str, "Address of an OpenID Connect provider staff may sign in by. Empty: none."] = ""
    oidc_client_id: Annotated[str, "The name this register has there."] = ""
    oidc_client_secret: Annotated[str, "Its secret there."] = ""
    oidc_name: Annotated[str, "What the provider is called on the button."] = "统一身份认证"
    oidc_second: Annotated[
        bool, "Whether whoever signs in by it shows this register's second factor too; 0 where it asks for one itself."
    ] = True

    smtp_url: Annotated[str, "Mail server for notices: smtp://user:password@host:port or smtps://. Empty: none."] = ""
    mail_from: Annotated[str, "Sender of mail. Empty: register@ and the host of the public URL."] = ""
    notices_private: Annotated[bool, "Whether web hooks may go to private addresses and by plain http."] = False
    notices_retry: Annotated[int, "Seconds before the second attempt of a notice; further ones wait longer."] = 5
    notices_days: Annotated[int, "Days after which a subscriber that does not answer is paused."] = 5

    search_url: Annotated[str, "Address of a Meilisearch server (1.21). Empty: the embedded search alone."] = ""
    search_key: Annotated[str, "Its key: one that may do everything with the indexes institutions-*."] = ""

    def get_database_url(self) -> str:
        """The URL of the database."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'register.sqlite').absolute()}"

    def find_database_file(self) -> Path | None:
        """The file of an SQLite database; None for a database on a server of its own."""
        kind, _, rest = self.get_database_url().partition(":///")
        return Path(rest.partition("?")[0]) if kind.startswith("sqlite") and rest else None

    def get_key_file(self) -> Path:
        """The file of the signing key."""
        return Path(self.signing_key) if self.signing_key else self.data_dir / "signing.key"

    def get_secrets_file(self) -> Path:
        """The file of the key of second factors."""
        return Path(self.secrets_key) if self.secrets_key else self.get_key_file().with_name("secrets.key")

    def get_log_folder(self) -> Path:
        """The folder of the published log."""
        return Path(self.log_dir) if self.log_dir else self.data_dir / "log"

    def get_mail_from(self) -> str:
        """The sender of mail."""
        return self.mail_from or f"register@{urlsplit(self.public_url).hostname}"

    def get_witness_folder(self) -> Path:
        """The folder of what witnesses cosigned."""
        return Path(self.witness_dir) if self.witness_dir else self.data_dir / "witnesses"

    def get_log_origin(self) -> str:
        """The name of the log in its first checkpoint: by default the address it is published at."""
        return self.log_origin or f"{self.public_url.split('://', 1)[1].rstrip('/')}/log"


def get_variable_name(field: str) -> str:
    """The environment variable of a setting: ``data_dir`` -> ``REGISTRY_DATA_DIR``."""
    return f"REGISTRY_{field.upper()}"


def make_environment(settings: Settings) -> dict[str, str]:
    """The environment of a child process that is to have exactly these settings."""
    variables = {get_variable_name(field): str(getattr(settings, field)) for field in Settings.__struct_fields__}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    return {**inherited, **{name: value for name, value in variables.items() if value}}


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Load the settings from the environment; InvalidInput naming the variable that cannot be used."""
    environ = os.environ if environ is None else environ
    values = {f: environ[get_variable_name(f)] for f in Settings.__struct_fields__ if environ.get(get_variable_name(f))}
    try:
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise InvalidInput(Message("环境变量设置有误：{error}", error=error)) from error
    _check_public_url(settings.public_url)
    if settings.time_source and not settings.time_source.startswith(("http://", "https://")):
        raise InvalidInput(
            Message(
                "REGISTRY_TIME_SOURCE 须以 http:// 或 https:// 开头，现为 {time_source}",
                time_source=settings.time_source,
            )
        )
    if settings.leads_limit < 0 or settings.leads_days < 1:
        raise InvalidInput(Message("REGISTRY_LEADS_LIMIT 不得小于0，REGISTRY_LEADS_DAYS 不得小于1。"))
    limits = (settings.anonymous_limit, settings.people_limit, settings.people_limit_keys)
    if min(limits) < 0 or settings.audit_days < 1:
        raise InvalidInput(
            Message(
                "REGISTRY_ANONYMOUS_LIMIT、REGISTRY_PEOPLE_LIMIT、REGISTRY_PEOPLE_LIMIT_KEYS 不得小于0，"
                "REGISTRY_AUDIT_DAYS 不得小于1。"
            )
        )
    if settings.state_limit < 1 or not 0 <= settings.storage_reserve <= settings.storage_low:
        raise InvalidInput(
            Message(
                "REGISTRY_STATE_LIMIT 不得小于1；REGISTRY_STORAGE_RESERVE 不得小于0，也不得大于 REGISTRY_STORAGE_LOW。"
            )
        )
    _check_security_contact(settings)
    _check_notices(settings)
    if settings.max_connections < 1 or settings.address_connections < 0:
        raise InvalidInput(Message("REGISTRY_MAX_CONNECTIONS 不得小于1，REGISTRY_ADDRESS_CONNECTIONS 不得小于0。"))
    if not (1 <= settings.staff_idle <= 30 and settings.staff_idle <= settings.staff_absolute <= 1440):
        raise InvalidInput(
            Message("REGISTRY_STAFF_IDLE 应为1至30，REGISTRY_STAFF_ABSOLUTE 不得小于它，最多1440（分钟）。")
        )
    if settings.oidc_issuer and not (settings.oidc_client_id and settings.oidc_client_secret):
        raise InvalidInput(
            Message("设置了 REGISTRY_OIDC_ISSUER，还须设置 REGISTRY_OIDC_CLIENT_ID 和 REGISTRY_OIDC_CLIENT_SECRET。")
        )
    return settings


def _check_notices(settings: Settings) -> None:
    """Raise InvalidInput for a mail server that is none, or for delays that are none."""
    parts = urlsplit(settings.smtp_url)
    if settings.smtp_url and not (parts.scheme in ("smtp", "smtps") and parts.hostname):
        raise InvalidInput(Message("REGISTRY_SMTP_URL 须为 smtp://主机:端口 或 smtps://主机:端口。"))
    if settings.notices_retry < 1 or settings.notices_days < 1:
        raise InvalidInput(Message("REGISTRY_NOTICES_RETRY、REGISTRY_NOTICES_DAYS 不得小于1。"))


def _check_public_url(address: str) -> None:
    """Raise InvalidInput for what is no address of a whole host: pages, codes and proofs are served from its root."""
    if not address.startswith(("http://", "https://")):
        raise InvalidInput(
            Message("REGISTRY_PUBLIC_URL 须以 http:// 或 https:// 开头，现为 {public_url}", public_url=address)
        )
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc and address.isascii()
    except ValueError:
        named = False
    if not named:
        raise InvalidInput(
            Message(
                "REGISTRY_PUBLIC_URL 须为主机名或 IP 地址，可加端口，如 https://art.example:8443，现为 {public_url}；"
                "中文域名请写成 xn-- 形式。",
                public_url=address,
            )
        )
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidInput(
            Message(
                "REGISTRY_PUBLIC_URL 不能带路径，现为 {public_url}：二维码、日志和接口的地址都从根目录算起。"
                "请给名录一个自己的主机名或端口，如 {root}。",
                public_url=address,
                root=f"{parts.scheme}://{parts.netloc}",
            )
        )


def _check_security_contact(settings: Settings) -> None:
    """Raise InvalidInput for a contact that security.txt cannot hold."""
    for contact in filter(None, (contact.strip() for contact in settings.security_contact.split(","))):
        mail = contact.removeprefix("mailto:")
        if not contact.startswith(("https://", "tel:")) and ("@" not in mail or " " in mail):
            raise InvalidInput(
                Message("REGISTRY_SECURITY_CONTACT 须为电子邮箱或 https:// 网址，现为 {contact}", contact=contact)
            )
    if settings.security_policy and not settings.security_policy.startswith("https://"):
        message = Message(
            "REGISTRY_SECURITY_POLICY 须以 https:// 开头，现为 {security_policy}",
            security_policy=settings.security_policy,
        )
        raise InvalidInput(message)


def list_settings() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting."""
    hints = get_type_hints(Settings, include_extras=True)
    defaults = Settings()
    return [
        (get_variable_name(f), str(getattr(defaults, f)), hints[f].__metadata__[0]) for f in Settings.__struct_fields__
    ]
