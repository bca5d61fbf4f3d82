"""What an edition lists: its institutions in order, each with the approvals that count on its day.

Read once, page by page, into a temporary file that the writers of every format go through: 100,000 institutions fit.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from types import TracebackType

import msgspec

from registry.domain.model import Approval, Institution, Struct
from registry.domain.techniques import LAWFUL_STAGES, TECHNIQUES, Stage, TechniqueCode
from registry.editions.edition import NATIONAL
from registry.records import lookup, selection
from registry.records.asof import AsOf
from registry.storage.database import Database
from registry.verification.approvals_on_day import apply_rules_on_day, list_effective_approvals

Progress = Callable[[int], None]
PAGE = 500
BANK: TechniqueCode = "SPERM_BANK"
#: Stages that lists print; what was revoked or has lapsed is no approval any more.
PRINTED: frozenset[str] = LAWFUL_STAGES | {"suspended", "preparing"}
_STANDING: frozenset[str] = LAWFUL_STAGES | {"suspended"}
_encode = msgspec.msgpack.Encoder().encode
_WIDTH = 4  # bytes that say how long a record of the temporary file is


class ApprovalLine(Struct, frozen=True, array_like=True, gc=False):
    """One approval as lists print it; ``note``: what the source says of a stage it does not settle."""

    technique: TechniqueCode
    stage: Stage
    note: str | None = None


class EditionInstitution(Struct, frozen=True, array_like=True, gc=False):
    """One institution as lists print it. ``lines`` are in the order of the technique table; ``region`` is a code of
    GB/T 2260. Where nobody stated a place, ``province`` and ``region`` are empty."""

    code: str
    name: str
    address: str
    province: str
    region: str
    ownership: str | None
    level: str | None
    lines: tuple[ApprovalLine, ...]

    @property
    def centre_lines(self) -> tuple[ApprovalLine, ...]:
        """What it does beside keeping a sperm bank."""
        return tuple(line for line in self.lines if line.technique != BANK)

    @property
    def bank_lines(self) -> tuple[ApprovalLine, ...]:
        """Its sperm bank, if it has one."""
        return tuple(line for line in self.lines if line.technique == BANK)


class Totals(Struct, frozen=True):
    """Figures of a content. ``provinces``: (name, centres, institutions) in the order listed; ``placeless``: centres
    of no province, which are not among ``centres``."""

    institutions: int
    centres: int
    placeless: int
    banks: int
    techniques: dict[TechniqueCode, int]
    provinces: tuple[tuple[str, int, int], ...]


class ListContent:
    """The institutions of an edition, to be gone through any number of times; close it, or use it as a context."""

    def __init__(self, database: Database, asof: AsOf, scope: str, progress: Progress | None = None) -> None:
        """Read them all."""
        #: Recorded as listed, but with no approval that counts on the day.
        self.left_out: list[str] = []
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        techniques = Counter[str]()
        provinces: dict[str, list[int]] = {}
        total = banks = 0
        try:
            for institution in read_institutions_on_day(database, asof, scope):
                if not any(approval.stage in _STANDING for approval in institution.approvals):
                    self.left_out.append(institution.name)
                    continue
                one = make_edition_institution(institution)
                body = _encode((one, institution))
                self._file.write(len(body).to_bytes(_WIDTH) + body)
                techniques.update({line.technique for line in one.lines if line.stage in _STANDING})
                counts = provinces.setdefault(one.province, [0, 0])
                counts[0] += bool(one.centre_lines)
                counts[1] += 1
                total, banks = total + 1, banks + bool(one.bank_lines)
                if progress and total % PAGE == 0:
                    progress(total)
        except BaseException:
            self.close()
            raise
        self.totals = Totals(
            institutions=total,
            centres=sum(both[0] for name, both in provinces.items() if name),
            placeless=provinces.get("", [0])[0],
            banks=banks,
            techniques={t.code: techniques[t.code] for t in TECHNIQUES if techniques[t.code]},
            provinces=tuple((name, both[0], both[1]) for name, both in provinces.items()),
        )

    def __enter__(self) -> ListContent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the temporary file back."""
        self._file.close()

    def read_list(self) -> Iterator[EditionInstitution]:
        """Every institution as lists print it, by province, place and code."""
        decode = msgspec.msgpack.Decoder(tuple[EditionInstitution, msgspec.Raw]).decode
        return (decode(body)[0] for body in self._read_bodies())

    def read_institutions(self) -> Iterator[Institution]:
        """The same as records."""
        decode = msgspec.msgpack.Decoder(tuple[msgspec.Raw, Institution]).decode
        return (decode(body)[1] for body in self._read_bodies())

    def _read_bodies(self) -> Iterator[bytes]:
        self._file.seek(0)
        while head := self._file.read(_WIDTH):
            yield self._file.read(int.from_bytes(head))


def read_institutions_on_day(database: Database, asof: AsOf, scope: str) -> Iterator[Institution]:
    """The institutions recorded as listed, each with its approvals as they count on the day; by region, then code."""
    wanted = selection.InstitutionFilter(regions=() if scope == NATIONAL else (scope,))
    after: tuple[str, str] | None = None
    while True:
        with database.reading() as connection:
            keys = selection.list_institutions(connection, wanted, asof, PAGE, after)
            found = lookup.read_institutions(connection, [subject for _, subject in keys], asof)
        if not keys:
            return
        for one in found:
            counted = apply_rules_on_day(one, asof.valid_on)
            yield msgspec.structs.replace(counted, approvals=list_effective_approvals(counted))
        after = keys[-1]


def make_edition_institution(institution: Institution) -> EditionInstitution:
    """One institution as lists print it."""
    place = institution.region
    return EditionInstitution(
        code=institution.code,
        name=institution.name,
        address=institution.address,
        province=place.province or "",
        region=place.code or "",
        ownership=institution.ownership,
        level=institution.level,
        lines=tuple(_make_line(approval) for approval in institution.approvals if approval.stage in PRINTED),
    )


def _make_line(approval: Approval) -> ApprovalLine:
    return ApprovalLine(approval.technique, approval.stage, approval.note)
