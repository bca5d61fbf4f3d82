"""The content of an edition: its institutions in order, each with the approvals that count on its day.

Read once, page by page, into a temporary file that the writers of every format go through: 100,000 institutions fit.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from registry.domain.fields import IN_EDITIONS, format_cell
from registry.domain.model import Approval, Institution, Struct
from registry.domain.techniques import BANK, LAWFUL_STAGES, TECHNIQUES, Stage, TechniqueCode
from registry.editions.edition import NATIONAL
from registry.records import lookup, selection
from registry.records.asof import AsOf
from registry.records.standing import find_lapse_day, list_effective_approvals
from registry.storage.database import Database

#: Called with how many institutions or rows are done.
Progress = Callable[[int], None]
PAGE = 500
#: Stages that lists print; what was revoked or has lapsed is no approval any more.
PRINTED: frozenset[str] = LAWFUL_STAGES | {"suspended", "preparing"}
#: Fields that editions have had from the first on: their files stay the same to the last byte.
_IN_FIRST_EDITIONS = ("ownership", "level")
_STANDING: frozenset[str] = LAWFUL_STAGES | {"suspended"}
_encode = msgspec.msgpack.Encoder().encode
_LENGTH_BYTES = 4  # before each record of the temporary file


class ApprovalLine(Struct, frozen=True, array_like=True, gc=False):
    """One approval as lists print it; ``note``: what the source says of a stage it does not settle."""

    technique: TechniqueCode
    stage: Stage
    note: str | None = None


class _EditionPlace(Struct, frozen=True, array_like=True, gc=False):
    """Who and where an institution is."""

    code: str
    name: str
    address: str
    province: str
    region: str


if TYPE_CHECKING:
    _EditionFields = _EditionPlace
else:
    #: The fields that editions print besides.
    _EditionFields = msgspec.defstruct(
        "_EditionFields",
        [(f.name, str | None) for f in IN_EDITIONS],
        bases=(_EditionPlace,),
        module=__name__,
        frozen=True,
        array_like=True,
        gc=False,
    )


class EditionInstitution(_EditionFields, frozen=True, array_like=True, gc=False):
    """One institution as lists print it; with a text, or None, for each of ``fields.IN_EDITIONS``.

    ``lines`` are in the order of the technique table; ``region`` is a code of GB/T 2260. Where nobody stated a place,
    ``province`` and ``region`` are empty.
    """

    lines: tuple[ApprovalLine, ...]

    @property
    def centre_lines(self) -> tuple[ApprovalLine, ...]:
        """Its approvals but for a sperm bank."""
        return tuple(line for line in self.lines if line.technique != BANK)

    @property
    def bank_lines(self) -> tuple[ApprovalLine, ...]:
        """Its sperm bank, if it has one."""
        return tuple(line for line in self.lines if line.technique == BANK)


class Totals(Struct, frozen=True):
    """Figures of a content.

    ``provinces``: (name, centres, institutions) in the order listed; ``placeless``: centres of no province, which are
    not among ``centres``.
    """

    institutions: int
    centres: int
    placeless: int
    banks: int
    techniques: dict[TechniqueCode, int]
    provinces: tuple[tuple[str, int, int], ...]


class ListContent:
    """The institutions of an edition, to be read any number of times; close it, or use it as a context."""

    def __init__(self, database: Database, asof: AsOf, scope: str, progress: Progress | None = None) -> None:
        """Read all institutions into the temporary file; ``progress`` hears how many."""
        #: Recorded as listed, but with no approval that counts on the day.
        self.left_out: list[str] = []
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        techniques = Counter[str]()
        provinces: dict[str, list[int]] = {}
        total = banks = 0
        recorded = set(_IN_FIRST_EDITIONS)
        try:
            for institution in read_institutions_on_day(database, asof, scope):
                if not any(approval.stage in _STANDING for approval in institution.approvals):
                    if institution.standing == "lapsed":  # nobody said so: it was due
                        self.left_out.append(institution.name)
                    continue
                listed = make_edition_institution(institution)
                body = _encode((listed, institution))
                self._file.write(len(body).to_bytes(_LENGTH_BYTES) + body)
                recorded.update(field.name for field in IN_EDITIONS if getattr(listed, field.name))
                techniques.update({line.technique for line in listed.lines if line.stage in _STANDING})
                counts = provinces.setdefault(listed.province, [0, 0])
                counts[0] += bool(listed.centre_lines)
                counts[1] += 1
                total, banks = total + 1, banks + bool(listed.bank_lines)
                if progress and total % PAGE == 0:
                    progress(total)
        except BaseException:
            self.close()
            raise
        #: What it prints of each besides: a field that editions gained later only where one states it.
        self.fields = tuple(field for field in IN_EDITIONS if field.name in recorded)
        self.totals = Totals(
            institutions=total,
            centres=sum(centres for name, (centres, _) in provinces.items() if name),
            placeless=provinces.get("", [0])[0],
            banks=banks,
            techniques={t.code: techniques[t.code] for t in TECHNIQUES if techniques[t.code]},
            provinces=tuple((name, centres, count) for name, (centres, count) in provinces.items()),
        )

    def __enter__(self) -> ListContent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def read_list(self) -> Iterator[EditionInstitution]:
        """Read every institution as lists print it, by province, place and code."""
        decode = msgspec.msgpack.Decoder(tuple[EditionInstitution, msgspec.Raw]).decode
        return (decode(body)[0] for body in self._read_bodies())

    def read_institutions(self) -> Iterator[Institution]:
        """Read the same institutions as records."""
        decode = msgspec.msgpack.Decoder(tuple[msgspec.Raw, Institution]).decode
        return (decode(body)[1] for body in self._read_bodies())

    def read_centres(self, *, placeless: bool = False) -> Iterator[tuple[EditionInstitution, tuple[ApprovalLine, ...]]]:
        """Read the centres of the provinces, or those of no province, with their approvals."""
        centres = ((one, one.centre_lines) for one in self.read_list() if bool(one.province) != placeless)
        return ((one, lines) for one, lines in centres if lines)

    def read_banks(self) -> Iterator[tuple[EditionInstitution, tuple[ApprovalLine, ...]]]:
        """Read the sperm banks, also of institutions that are centres as well."""
        return ((one, one.bank_lines) for one in self.read_list() if one.bank_lines)

    def _read_bodies(self) -> Iterator[bytes]:
        self._file.seek(0)
        while head := self._file.read(_LENGTH_BYTES):
            yield self._file.read(int.from_bytes(head))


def read_institutions_on_day(database: Database, asof: AsOf, scope: str) -> Iterator[Institution]:
    """Read the institutions listed, with the approvals that count on the day; by region, then code."""
    region_filter = selection.InstitutionFilter(
        regions=() if scope == NATIONAL else (scope,), statuses=("listed", "suspended"), standings=()
    )
    after: tuple[str, str] | None = None
    while True:
        with database.reading() as connection:
            keys = selection.list_institutions(connection, region_filter, asof, PAGE, after)
            subjects = [subject for _, subject in keys]
            institutions = lookup.read_institutions(connection, subjects, asof, own_source=True)
        if not keys:
            return
        for institution in institutions:
            yield msgspec.structs.replace(institution, approvals=_list_printed_approvals(institution))
        after = keys[-1]


def _list_printed_approvals(institution: Institution) -> list[Approval]:
    """List the approvals as they count on the day, in the form that editions have had from the first on.

    One that lapsed bears the day it did, one that only a suspension of the whole institution stops nothing else.
    """
    recorded = {approval.technique: approval for approval in institution.approvals}
    printed = []
    for approval in list_effective_approvals(institution):
        before = recorded[approval.technique]
        if before.stage in LAWFUL_STAGES and approval.stage == "lapsed":
            printed.append(msgspec.structs.replace(approval, valid_from=find_lapse_day(before)))
        elif before.stage in LAWFUL_STAGES and approval.stage == "suspended":
            bare = {field: getattr(approval, field) for field in ("technique", "name", "stage", "standing")}
            printed.append(Approval(**bare))
        else:
            printed.append(approval)
    return printed


def make_edition_institution(institution: Institution) -> EditionInstitution:
    """Make the line of an institution as lists print it."""
    place = institution.region
    return EditionInstitution(
        code=institution.code,
        name=institution.name,
        address=institution.address,
        province=place.province or "",
        region=place.code or "",
        lines=tuple(ApprovalLine(a.technique, a.stage, a.note) for a in institution.approvals if a.stage in PRINTED),
        **{field.name: format_cell(field, institution) for field in IN_EDITIONS},
    )
