"""The credentials of one running register: which there are, their tokens and status lists, and what a scan means."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from registry.credentials import entry_token, status, status_list
from registry.credentials.bundle import BUNDLE_FILE, Bundle, parse_bundle
from registry.credentials.credential import LIST_SIZE, Credential, read_credentials
from registry.credentials.placard import Placard
from registry.credentials.scan import Scan, parse_scan
from registry.credentials.status import Fault
from registry.credentials.verifier import ScanAnswer, check_scan, compare_with_register
from registry.domain import regions
from registry.domain.identifiers import format_code
from registry.errors import CannotSign, InvalidInput, NotFound
from registry.receipts.issuer import Issuer
from registry.receipts.jws import PublicKey
from registry.records.asof import AsOf, to_day
from registry.settings import Settings
from registry.storage.database import Database
from registry.texts import Message
from registry.verification.answer import take_moment
from registry.verification.institution_card import find_institution
from registry.verification.view import VerificationView

#: Seconds for which a signed list stays the same where nothing changes: far less than its ``ttl``.
_PERIOD = 60


class _Known(NamedTuple):
    size: int
    by_number: dict[int, Credential]


class Credentials:
    """Reads only: credentials come into being as entries of the log. All methods may be called from any thread."""

    def __init__(self, database: Database, issuer: Issuer, view: VerificationView, settings: Settings) -> None:
        self._database = database
        self._issuer = issuer
        self._view = view
        self._settings = settings
        self._known = _Known(0, {})
        self._lock = threading.Lock()
        self._lists: dict[int, tuple[object, str]] = {}

    # --- which there are ---------------------------------------------------------------------------------------------

    def list_all(self) -> list[Credential]:
        """List every credential of the log as the verification view follows it, oldest first."""
        return list(self._read_known().by_number.values())

    def list_of(self, code: str) -> list[Credential]:
        """List those of an institution (compact code), oldest first."""
        return [one for one in self.list_all() if one.institution == code]

    def find_current(self, code: str) -> Credential | None:
        """Find the newest credential of an institution that holds now; None without one."""
        held = [one for one, fault in self.list_faults(self.list_of(code)) if fault is None]
        return held[-1] if held else None

    def list_holders(self, region: str | None = None) -> list[str]:
        """List the institutions (compact codes, by region) that have a credential that holds now."""
        prefix = regions.get_prefix(region) if region else ""
        held = {one.institution for one, fault in self.list_faults(self.list_all()) if fault is None}
        asof = AsOf(valid_on=self._view.find_today(), size=self._view.size)
        with self._view.lock:
            places = {code: site.region or "" for code in held if (site := self._view.find_site(code, asof))}
        return sorted(
            (code for code in places if places[code].startswith(prefix)), key=lambda code: (places[code], code)
        )

    def list_faults(self, credentials: Iterable[Credential]) -> list[tuple[Credential, Fault | None]]:
        """Pair credentials with why each does not hold now."""
        now, cutoff = self._view.find_now(), status.find_cutoff(self.list_keys())
        with self._view.lock:
            asof = AsOf(valid_on=to_day(now), size=self._view.size)
            return [(one, status.find_fault(self._view, one, now, cutoff, asof)) for one in credentials]

    def _read_known(self) -> _Known:
        """Read what entries after those read before are about; from memory while nothing was appended."""
        known, size = self._known, self._view.size
        if known.size != size:
            with self._database.reading() as connection:
                changed = {one.number: one for one in read_credentials(connection, known.size, size)}
            known = self._known = _Known(size, dict(sorted({**known.by_number, **changed}.items())))
        return known

    # --- tokens ------------------------------------------------------------------------------------------------------

    def sign_token(self, credential: Credential) -> str:
        """Sign the token of a credential; CannotSign where there is no key."""
        issuer, key = self._issuer.get_signer()
        return entry_token.sign_entry(entry_token.make_token(credential, issuer, self._settings.public_url), key)

    def make_scan_text(self, credential: Credential, *, short: bool = False) -> str:
        """Return the text of a credential's QR code; ``short``: the address alone, for small prints."""
        token = None if short else self.sign_token(credential)
        return entry_token.make_scan_text(self._settings.public_url, credential.code, token)

    def list_placards(self, codes: Iterable[str], *, short: bool = False) -> list[Placard]:
        """List what is to be printed of institutions (compact codes): their newest credential that holds.

        NotFound for one that has none.
        """
        newest = {one.institution: one for one, fault in self.list_faults(self.list_all()) if fault is None}
        placards = []
        for code in codes:
            credential = newest.get(code)
            if credential is None:
                message = Message("{code} 没有有效的二维码，请先签发。", code=format_code(code))
                raise NotFound(message)
            text = self.make_scan_text(credential, short=short)
            placards.append(Placard(credential=credential, text=text, level="Q" if short else "M"))
        return placards

    # --- status lists ------------------------------------------------------------------------------------------------

    def count_lists(self) -> int:
        """Count the status lists; there is one from the beginning."""
        return max(self._read_known().by_number, default=1) // (LIST_SIZE + 1) + 1

    def list_uris(self) -> list[str]:
        """List the addresses of the status lists."""
        return [entry_token.make_list_uri(self.get_address(), n) for n in range(self.count_lists())]

    def get_address(self) -> str:
        """Return where the codes of this register lead: on a mirror, to the one that it follows."""
        bundle = self.read_bundle()
        return bundle.address if bundle else self._settings.public_url.rstrip("/")

    def get_list(self, number: int) -> str:
        """Return the status list token of a number: NotFound beyond the last; CannotSign; StateTooOld, as for a claim.

        It says what the verification view says now, and is the same text for a minute while nothing changes.
        """
        moment = take_moment(self._view)
        if not 0 <= number < self.count_lists():
            raise NotFound(Message("没有第{number}号状态列表。", number=number))
        uri = self.list_uris()[number]
        try:
            _, key = self._issuer.get_signer()
        except CannotSign:
            bundle = self.read_bundle()
            if bundle is None or uri not in bundle.lists:
                raise
            return bundle.lists[uri]
        now = int(self._view.find_now().timestamp())
        at = max(now // _PERIOD * _PERIOD, self._view.get_recording_time(moment.size) // 1000)
        state = (self._view.size, moment.day, at, self.list_keys())
        with self._lock:
            cached = self._lists.get(number)
        if cached is None or cached[0] != state:
            places = {
                one.index % LIST_SIZE: status.to_status(fault)
                for one, fault in self.list_faults(self.list_all())
                if one.list_number == number
            }
            cached = (state, status_list.sign_list(uri, status_list.encode_statuses(places), at, key))
            with self._lock:
                self._lists[number] = cached
        return cached[1]

    # --- keys and bundles --------------------------------------------------------------------------------------------

    def list_keys(self) -> list[PublicKey]:
        """List every key of this register, oldest first."""
        return self._issuer.list_keys()

    def read_bundle(self) -> Bundle | None:
        """Read what a mirror took over from its register; None elsewhere."""
        path = self._locate_bundle()
        return parse_bundle(path.read_bytes()) if path.exists() else None

    def _locate_bundle(self) -> Path:
        return self._settings.data_dir / BUNDLE_FILE

    def make_bundle(self) -> Bundle:
        """Make what a verifier needs while it has no connection; CannotSign as for a list."""
        lists = {uri: self.get_list(number) for number, uri in enumerate(self.list_uris())}
        return self.read_bundle() or self._make_bundle_of(lists)

    def find_bundle(self) -> Bundle | None:
        """Find what a verifier needs; None where there is no key to sign lists with."""
        try:
            return self.make_bundle()
        except CannotSign:
            return None

    def _make_bundle_of(self, lists: dict[str, str]) -> Bundle:
        return Bundle(
            issuer=self._issuer.find_origin() or "",
            address=self.get_address(),
            saved_at=self._view.find_now().replace(second=0, microsecond=0),
            keys=self._issuer.make_key_set(),
            lists=lists,
        )

    # --- scans -------------------------------------------------------------------------------------------------------

    def check_text(self, text: str) -> ScanAnswer:
        """Check the text of a QR code against the register as it is now."""
        take_moment(self._view)
        scan = parse_scan(text, self.get_address())
        bundle = self._make_bundle_of(self._find_lists(scan.find_list_uri()))
        answer = check_scan(scan, bundle, self._view.find_now())
        return self._add_register(scan, answer)

    def _find_lists(self, uri: str | None) -> dict[str, str]:
        uris = self.list_uris()
        if uri not in uris:
            return {}
        try:
            return {uri: self.get_list(uris.index(uri))}
        except CannotSign:
            return {}

    def _add_register(self, scan: Scan, answer: ScanAnswer) -> ScanAnswer:
        """Add what the register says now of the institution; a genuine scan may be older than it."""
        if scan.code is None or answer.word == "other_host":
            return answer
        moment = take_moment(self._view)
        asof = AsOf(valid_on=moment.day, size=moment.size)
        institution = find_institution(self._view, scan.code, asof)
        fault: Fault | None = None
        if answer.token is not None and answer.token.status.status_list.uri in (uris := self.list_uris()):
            place = answer.token.status.status_list
            number = uris.index(place.uri) * LIST_SIZE + place.idx + 1
            credential = self._read_known().by_number.get(number)
            if credential is not None and answer.word in ("revoked", "suspended"):
                fault = self.list_faults([credential])[0][1]
        return compare_with_register(answer, institution, fault)


def load_bundle(path: Path) -> Bundle:
    """Load a saved bundle; InvalidInput when it is none."""
    try:
        return parse_bundle(path.read_bytes())
    except OSError as error:
        raise InvalidInput(Message("离线核验文件 {path} 无法读取。", path=path)) from error
