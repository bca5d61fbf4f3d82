"""The closed lists: what may be chosen for a field, once for forms, for files that are imported, and for their checks.

Techniques and stages have tables of their own (``techniques``), since they carry every way they are written.
"""

from __future__ import annotations

from typing import Literal, get_args

from registry.domain.model import InspectionKind, SanctionKind, Status, SupervisionKind, SupervisionResult
from registry.domain.techniques import STAGES, TECHNIQUES

ChoiceList = Literal[
    "technique",
    "stage",
    "status",
    "role",
    "certificate_kind",
    "sanction_kind",
    "supervision_kind",
    "inspection_kind",
    "supervision_result",
]
#: What a record holds for each choice, in the order in which it is offered.
CHOICES: dict[ChoiceList, tuple[str, ...]] = {
    "technique": tuple(technique.code for technique in TECHNIQUES),
    "stage": tuple(STAGES),
    "status": get_args(Status),
    "role": ("临床医师", "男科医师", "实验室技术人员", "护士", "遗传咨询人员", "精子库工作人员", "管理人员"),
    # A doctor's qualification is not among them: its number holds the identity number of its holder.
    "certificate_kind": ("医师执业证书", "护士执业证书", "卫生专业技术资格证书", "母婴保健技术考核合格证书"),
    "sanction_kind": get_args(SanctionKind),
    "supervision_kind": get_args(SupervisionKind),
    "inspection_kind": get_args(InspectionKind),
    "supervision_result": get_args(SupervisionResult),
}
