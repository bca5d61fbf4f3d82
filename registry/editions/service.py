"""The editions of one running register: which there are, and their files, made when somebody first asks for them."""

import datetime as dt
import logging
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookLong
from pathlib import Path

import msgspec

from registry.domain import regions
from registry.editions import content, manifest, store
from registry.editions import edition as rules
from registry.editions.content import ListContent
from registry.editions.difference import EditionDifference
from registry.editions.edition import Edition, State
from registry.editions.manifest import IntegrityChecker
from registry.errors import CannotAnswer, CannotSign, NotFound, RegistryError, find_storage_fault
from registry.log import replication, signing_keys
from registry.log.publish import PublishedLog
from registry.receipts import jws
from registry.receipts.jws import PublicKey
from registry.records import asof
from registry.settings import Settings
from registry.storage.database import Database
from registry.texts import Listing, Message

#: Seconds a request waits for files that are being made before it is refused for now.
PATIENCE = 8.0
_log = logging.getLogger("registry")


class Editions:
    """Reads only: editions come into being as entries of the log. All methods may be called from any thread."""

    def __init__(self, database: Database, published: PublishedLog, settings: Settings) -> None:
        self.database = database
        self.log = published
        self._settings = settings
        self.files = store.EditionFiles(settings.data_dir / "editions")
        self._lock = threading.Lock()
        self._making: dict[str, Future[Path]] = {}
        self._intact = IntegrityChecker()

    # --- which there are ---------------------------------------------------------------------------------------------

    def list_all(self) -> list[Edition]:
        """List every edition, also withdrawn and future ones, newest first."""
        with self.database.reading() as connection:
            return rules.list_editions(connection)

    def list_public(self) -> list[Edition]:
        """List those the public knows of now, newest first."""
        every, now = self._read_all_now()
        return rules.select_public(every, now)

    def get_public(self, identifier: str) -> Edition:
        """Return the public edition of an id, or of ``latest``; NotFound."""
        every, now = self._read_all_now()
        return rules.get_public(every, identifier, now)

    def find_latest(self) -> Edition | None:
        """Find the public edition that counts now; None while there is none."""
        try:
            return self.get_public(rules.LATEST)
        except NotFound:
            return None

    def list_states(self) -> list[tuple[Edition, State]]:
        """List every edition with its state now, newest first."""
        every, now = self._read_all_now()
        return [(edition, edition.get_state(now)) for edition in every]

    def _read_all_now(self) -> tuple[list[Edition], dt.datetime]:
        with self.database.reading() as connection:
            return rules.list_editions(connection), asof.find_now(connection)

    # --- their files -------------------------------------------------------------------------------------------------

    def get_file(self, edition: Edition, name: str) -> Path:
        """Return one file of an edition.

        NotFound for a name that none has; Gone for a withdrawn edition; CannotAnswer while the files are being made;
        CannotSign where the signature cannot be made here.
        """
        if name not in manifest.FILES and not (edition.supervision and name in manifest.SUPERVISION):
            raise NotFound(
                Message("名录没有文件“{name}”；有：{files}。", name=name[:40], files=Listing(manifest.FILES))
            )
        rules.check_not_withdrawn(edition)
        folder = self.get_folder(edition)
        return self.get_signature(folder) if name == manifest.SIGNED else folder / name

    def get_folder(self, edition: Edition) -> Path:
        """Return the folder of an edition's files, made by one thread while the others wait a little."""
        if self._is_intact(edition, folder := self.files.locate_folder(edition)):
            return folder
        with self._lock:
            making = self._making.get(edition.id)
            if making is None:
                making = self._making[edition.id] = Future()
                threading.Thread(
                    target=self._run_make, args=(edition, making), name=f"edition-{edition.id}", daemon=True
                ).start()
        try:
            return making.result(timeout=PATIENCE)
        except TookLong as error:
            raise CannotAnswer(
                Message("第{edition}期名录的文件正在生成，请稍后再试。", edition=edition.id), retry_after=10
            ) from error

    def _run_make(self, edition: Edition, making: Future[Path]) -> None:
        try:
            making.set_result(self.make_folder(edition))
        except BaseException as error:
            fault = find_storage_fault(error)
            if fault is None and not isinstance(error, RegistryError):
                _log.error("the files of edition %s cannot be made", edition.id, exc_info=error)
            making.set_exception(fault or error)
        finally:
            with self._lock:
                self._making.pop(edition.id, None)

    def make_folder(self, edition: Edition, progress: store.FileProgress = store.ignore_progress) -> Path:
        """Make the folder at once, in this thread."""
        before = rules.find_predecessor(edition, self.list_all())

        def fill_folder(folder: Path) -> None:
            store.write_files(folder, self.database, edition, before, self.log.get_origin(), progress)
            if any(not key.is_retired for key in self._list_keys()):
                self.get_signature(folder)

        return self.files.make_folder(edition, fill_folder, lambda folder: self._is_intact(edition, folder))

    def _is_intact(self, edition: Edition, folder: Path) -> bool:
        def list_public_keys() -> list[PublicKey]:
            return [PublicKey(public=key.public, retired=key.is_retired) for key in self._list_keys()]

        return self._intact.is_intact(folder, edition, list_public_keys)

    def get_signature(self, folder: Path) -> Path:
        """Return the signature of a folder, made when missing: EdDSA signs the same bytes the same way each time.

        CannotSign where there is no key.
        """
        path = folder / manifest.SIGNED
        if not path.exists():
            aside = path.with_name(f".{path.name}.{threading.get_ident()}")
            raw = (folder / manifest.MANIFEST).read_bytes()
            aside.write_text(jws.sign_token(manifest.TYPE, raw, self._get_signing_key()), "ascii")
            aside.replace(path)
        return path

    def _get_signing_key(self) -> signing_keys.Key:
        """Return the oldest key in use, which most verifiers have."""
        keys = [key for key in self._list_keys() if not key.is_retired]
        if not keys:
            raise CannotSign(Message("本机没有签名密钥，不能签署名录；请向公布名录的网站索取签名。"))
        return keys[0]

    def _list_keys(self) -> list[signing_keys.Key]:
        with self.database.reading() as connection:
            is_mirror = replication.is_mirror(connection)
        return [] if is_mirror else self.log.load_keys()

    # --- what they hold ----------------------------------------------------------------------------------------------

    def read_manifest(self, edition: Edition) -> manifest.Manifest:
        """Read the files with sizes and checksums."""
        return manifest.decode_manifest((self.get_folder(edition) / manifest.MANIFEST).read_bytes())

    def read_difference(self, edition: Edition) -> EditionDifference:
        """Read what changed since the edition before."""
        raw = (self.get_folder(edition) / manifest.DIFFERENCE).read_bytes()
        return msgspec.json.decode(raw, type=EditionDifference)

    def list_institutions(self, edition: Edition, province: str) -> list[content.EditionInstitution]:
        """List the institutions of one province, by its code or NOWHERE, as the list prints them."""
        has_place = province != manifest.NOWHERE
        is_inside = edition.scope == rules.NATIONAL or province.startswith(regions.get_prefix(edition.scope))
        scope = province if has_place and is_inside else edition.scope
        with ListContent(self.database, edition.asof, scope) as institutions:
            return [one for one in institutions.read_list() if bool(one.province) == has_place]
