"""Writing an edition's files into a folder of the caller's own, with the signature and the proof that the log holds
it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from registry.domain.model import Struct
from registry.editions import manifest, store
from registry.editions.edition import Edition
from registry.editions.manifest import File
from registry.editions.service import Editions
from registry.errors import CannotAnswer, CannotSign, InvalidInput, NotFound
from registry.log import entry_proofs
from registry.storage import rights
from registry.texts import Message

#: The proof that the edition's entry is in the signed log (C2SP tlog-proof).
PROOF = "edition.tlog-proof"


class ExportResult(Struct, frozen=True):
    """What was written where; ``unsigned``: this machine could not sign; ``unproven``: the log is not signed so far."""

    edition: Edition
    folder: str
    files: list[File]
    unsigned: bool
    unproven: bool

    def describe(self, lang: str) -> str:
        """Describe the result in a sentence."""
        edition, count = self.edition, len(self.files)
        sentence = Message(
            "第{edition}期（截至{as_of}）：{institutions}家机构，{count}个文件，写入 {folder}",
            edition=edition.id,
            as_of=edition.as_of,
            institutions=edition.institutions,
            count=count,
            folder=self.folder,
        ).to_text(lang)
        lacks = []
        if self.unsigned:
            lacks.append(Message("没有签名（本机没有密钥）").to_text(lang))
        if self.unproven:
            lacks.append(Message("没有日志证明（尚未签发检查点）").to_text(lang))
        return f"{sentence} ({'; '.join(lacks)})" if lacks else sentence


def export_edition(
    editions: Editions, identifier: str, out: Path, progress: store.FileProgress = store.ignore_progress
) -> ExportResult:
    """Write every file of an edition, also of one that is still to come or was withdrawn; NotFound, InvalidInput."""
    edition = next((one for one in editions.list_all() if one.id == identifier), None) or editions.get_public(
        identifier
    )
    source = editions.make_folder(edition, progress)
    names, unsigned, unproven = list(manifest.MADE), False, False
    try:
        editions.get_signature(source)
        names.append(manifest.SIGNED)
    except CannotSign:
        unsigned = True
    try:
        with rights.use_callers_umask():  # they are made to be published
            out.mkdir(parents=True, exist_ok=True)
            for name in names:
                progress(name, 0)
                shutil.copyfile(source / name, out / name)
            try:
                (out / PROOF).write_bytes(entry_proofs.make_proof_file(editions.log, edition.entry))
                names.append(PROOF)
            except (NotFound, CannotAnswer):
                unproven = True
    except OSError as error:
        raise InvalidInput(Message("不能写入文件夹 {out}：{strerror}。", out=out, strerror=error.strerror)) from error
    files = [manifest.measure_file(out / name) for name in names]
    return ExportResult(edition=edition, folder=str(out), files=files, unsigned=unsigned, unproven=unproven)
