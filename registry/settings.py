"""Every setting once: its environment variable, meaning and default. ``registry settings`` prints this table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, get_type_hints

import msgspec

from registry.errors import InvalidInput


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process; read once at the start."""

    data_dir: Annotated[Path, "Folder of the database, the signing key and other state."] = Path("var")
    database_url: Annotated[str, "SQLAlchemy URL. Empty: SQLite in the data folder. Or postgresql+psycopg://..."] = ""
    public_url: Annotated[str, "Address the public reaches this register at; QR codes carry it."] = (
        "http://127.0.0.1:8000"
    )
    operator: Annotated[str, "主办单位: the authority that runs this register, shown in every page's footer."] = ""
    signing_key: Annotated[str, "File of the Ed25519 signing key. Empty: signing.key in the data folder."] = ""
    log_dir: Annotated[str, "Folder of the published log: last checkpoint, tiles. Empty: log in the data folder."] = ""
    log_origin: Annotated[str, "Name of the log in its checkpoints; kept for ever. Empty: from the public URL."] = ""

    anonymous_limit: Annotated[int, "Requests a minute from one address without a key; 0: no limit."] = 1_200
    audit_days: Annotated[int, "Days that checks are kept for keys that have them recorded."] = 400
    trusted_proxies: Annotated[
        str, "Addresses of reverse proxies, by commas, whose X-Forwarded-For says who asks. Empty: nobody's."
    ] = ""

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

    search_url: Annotated[str, "Address of a Meilisearch server (1.21). Empty: the embedded search alone."] = ""
    search_key: Annotated[str, "Its key: one that may do everything with the indexes institutions-*."] = ""

    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'register.sqlite').absolute()}"

    def key_file(self) -> Path:
        """The signing key's file in force."""
        return Path(self.signing_key) if self.signing_key else self.data_dir / "signing.key"

    def log_folder(self) -> Path:
        """The folder of the published log in force."""
        return Path(self.log_dir) if self.log_dir else self.data_dir / "log"

    def origin(self) -> str:
        """What the log would be called in its first checkpoint: the address it is published at, without the scheme."""
        return self.log_origin or f"{self.public_url.split('://', 1)[1].rstrip('/')}/log"


def variable(field: str) -> str:
    """The environment variable of a setting: ``data_dir`` -> ``REGISTRY_DATA_DIR``."""
    return f"REGISTRY_{field.upper()}"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment; raise InvalidInput naming the variable that cannot be used."""
    environ = os.environ if environ is None else environ
    given = {f: environ[variable(f)] for f in Settings.__struct_fields__ if environ.get(variable(f))}
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        raise InvalidInput(f"环境变量设置有误：{error}", f"A REGISTRY_ setting cannot be used: {error}") from error
    if not settings.public_url.startswith(("http://", "https://")):
        raise InvalidInput(
            f"REGISTRY_PUBLIC_URL 须以 http:// 或 https:// 开头，现为 {settings.public_url}",
            f"REGISTRY_PUBLIC_URL must start with http:// or https://, not {settings.public_url}",
        )
    if settings.anonymous_limit < 0 or settings.audit_days < 1:
        raise InvalidInput(
            "REGISTRY_ANONYMOUS_LIMIT 不得小于0，REGISTRY_AUDIT_DAYS 不得小于1。",
            "REGISTRY_ANONYMOUS_LIMIT must not be below 0, nor REGISTRY_AUDIT_DAYS below 1.",
        )
    if settings.max_connections < 1 or settings.address_connections < 0:
        raise InvalidInput(
            "REGISTRY_MAX_CONNECTIONS 不得小于1，REGISTRY_ADDRESS_CONNECTIONS 不得小于0。",
            "REGISTRY_MAX_CONNECTIONS must not be below 1, nor REGISTRY_ADDRESS_CONNECTIONS below 0.",
        )
    if not (1 <= settings.staff_idle <= 30 and settings.staff_idle <= settings.staff_absolute <= 1440):
        raise InvalidInput(
            "REGISTRY_STAFF_IDLE 应为1至30，REGISTRY_STAFF_ABSOLUTE 不得小于它，最多1440（分钟）。",
            "REGISTRY_STAFF_IDLE is 1 to 30 and REGISTRY_STAFF_ABSOLUTE no less, 1440 at most (minutes).",
        )
    if settings.oidc_issuer and not (settings.oidc_client_id and settings.oidc_client_secret):
        raise InvalidInput(
            "设置了 REGISTRY_OIDC_ISSUER，还须设置 REGISTRY_OIDC_CLIENT_ID 和 REGISTRY_OIDC_CLIENT_SECRET。",
            "REGISTRY_OIDC_ISSUER also needs REGISTRY_OIDC_CLIENT_ID and REGISTRY_OIDC_CLIENT_SECRET.",
        )
    return settings


def described() -> list[tuple[str, str, str]]:
    """(variable, default, meaning) of every setting, for the CLI and the docs test."""
    hints = get_type_hints(Settings, include_extras=True)
    defaults = Settings()
    return [(variable(f), str(getattr(defaults, f)), hints[f].__metadata__[0]) for f in Settings.__struct_fields__]
