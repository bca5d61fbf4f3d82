"""The editions of one running register: which there are, and their files, made when somebody first asks for them."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TookLong
from pathlib import Path

import msgspec

from registry.domain import regions
from registry.editions import content, edition, manifest, queries, store
from registry.editions.content import ListContent
from registry.editions.difference import EditionDifference
from registry.editions.edition import Edition
from registry.editions.integrity import IntegrityChecker
from registry.errors import CannotAnswer, CannotSign, NotFound, RegistryError, find_storage_fault
from registry.log import mirror_mark, signing_keys
from registry.log.publish import PublishedLog
from registry.receipts.jwks import PublicKey
from registry.records import asof
from registry.settings import Settings
from registry.storage.database import Database

#: Seconds a request waits for files that are being made; then it is told to come again.
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
        """Every edition, also withdrawn ones and those to come, newest first."""
        with self.database.reading() as connection:
            return queries.list_editions(connection)

    def list_public(self) -> list[Edition]:
        """Those the public knows of now, newest first."""
        every, now = self._read_all_now()
        return edition.select_public(every, now)

    def get_public(self, said: str) -> Edition:
        """The public edition of an id, or of ``find_latest``; NotFound."""
        every, now = self._read_all_now()
        return edition.get_public(every, said, now)

    def find_latest(self) -> Edition | None:
        """The public edition that counts now; None while there is none."""
        try:
            return self.get_public(edition.LATEST)
        except NotFound:
            return None

    def list_states(self) -> list[tuple[Edition, edition.State]]:
        """Every edition with what it is now, newest first."""
        every, now = self._read_all_now()
        return [(one, one.get_state(now)) for one in every]

    def _read_all_now(self) -> tuple[list[Edition], dt.datetime]:
        with self.database.reading() as connection:
            return queries.list_editions(connection), asof.find_now(connection)

    # --- their files -------------------------------------------------------------------------------------------------

    def get_file(self, said: Edition, name: str) -> Path:
        """One file of an edition. NotFound for a name that none has; Gone for a withdrawn edition; CannotAnswer while
        the files are being made; CannotSign where the signature cannot be made here."""
        if name not in manifest.FILES:
            raise NotFound(
                f"名录没有文件“{name[:40]}”；有：{'、'.join(manifest.FILES)}。",
                f"An edition has no file “{name[:40]}”; it has {', '.join(manifest.FILES)}.",
            )
        edition.check_not_withdrawn(said)
        folder = self.get_folder(said)
        return self.get_signature(folder) if name == manifest.SIGNED else folder / name

    def get_folder(self, said: Edition) -> Path:
        """The folder of an edition's files, made by one thread while the others wait a little."""
        if self._is_intact(said, place := self.files.locate_folder(said)):
            return place
        with self._lock:
            making = self._making.get(said.id)
            if making is None:
                making = self._making[said.id] = Future()
                threading.Thread(
                    target=self._run_make, args=(said, making), name=f"edition-{said.id}", daemon=True
                ).start()
        try:
            return making.result(timeout=PATIENCE)
        except TookLong as error:
            raise CannotAnswer(
                f"第{said.id}期名录的文件正在生成，请稍后再试。",
                f"The files of edition {said.id} are being made; try again in a moment.",
                retry_after=10,
            ) from error

    def _run_make(self, said: Edition, making: Future[Path]) -> None:
        try:
            making.set_result(self.make_folder(said))
        except BaseException as error:
            fault = find_storage_fault(error)
            if fault is None and not isinstance(error, RegistryError):
                _log.error("the files of edition %s cannot be made", said.id, exc_info=error)
            making.set_exception(fault or error)
        finally:
            with self._lock:
                self._making.pop(said.id, None)

    def make_folder(self, said: Edition, progress: store.Progress = store.ignore_progress) -> Path:
        """The same at once, in this thread."""
        before = edition.find_predecessor(said, self.list_all())

        def fill_folder(folder: Path) -> None:
            store.write_files(folder, self.database, said, before, self.log.get_origin(), progress)
            self._sign_folder(folder)

        return self.files.make_folder(said, fill_folder, lambda folder: self._is_intact(said, folder))

    def _is_intact(self, said: Edition, folder: Path) -> bool:
        def list_public_keys() -> list[PublicKey]:
            return [PublicKey(public=key.public, retired=key.is_retired) for key in self._list_keys()]

        return self._intact.is_intact(folder, said, list_public_keys)

    def _sign_folder(self, folder: Path) -> None:
        if any(not key.is_retired for key in self._list_keys()):
            self.get_signature(folder)

    def get_signature(self, folder: Path) -> Path:
        """The signature of a folder, made with its files: EdDSA signs the same bytes the same way each time. CannotSign
        where there is no key."""
        path = folder / manifest.SIGNED
        if not path.exists():
            aside = path.with_name(f".{path.name}.{threading.get_ident()}")
            aside.write_text(
                manifest.sign_manifest((folder / manifest.MANIFEST).read_bytes(), self._get_signing_key()), "ascii"
            )
            aside.replace(path)
        return path

    def _get_signing_key(self) -> signing_keys.Key:
        """The oldest key in use, which most verifiers have."""
        keys = [key for key in self._list_keys() if not key.is_retired]
        if not keys:
            raise CannotSign(
                "本机没有签名密钥，不能签署名录；请向公布名录的网站索取签名。",
                "This machine has no signing key and cannot sign editions; ask whoever published it.",
            )
        return keys[0]

    def _list_keys(self) -> list[signing_keys.Key]:
        with self.database.reading() as connection:
            is_mirror = mirror_mark.is_mirror(connection)
        return [] if is_mirror else self.log.load_keys()

    # --- what they hold ----------------------------------------------------------------------------------------------

    def read_manifest(self, said: Edition) -> manifest.Manifest:
        """Files with sizes and checksums."""
        return manifest.decode_manifest((self.get_folder(said) / manifest.MANIFEST).read_bytes())

    def read_difference(self, said: Edition) -> EditionDifference:
        """What changed since the edition before."""
        return msgspec.json.decode((self.get_folder(said) / manifest.DIFFERENCE).read_bytes(), type=EditionDifference)

    def list_institutions(self, said: Edition, province: str) -> list[content.EditionInstitution]:
        """The institutions of one province, by its code or NOWHERE, as the list prints them."""
        inside = province != manifest.NOWHERE and province.startswith(regions.get_prefix(said.scope))
        wide = said.scope == edition.NATIONAL and province != manifest.NOWHERE
        with ListContent(self.database, said.asof, province if wide or inside else said.scope) as found:
            return [one for one in found.read_list() if bool(one.province) == (province != manifest.NOWHERE)]
