"""Writing an edition's files with signature and proof into a folder of the caller's own, and checking such a folder."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from registry.domain.model import Struct
from registry.editions import manifest, store
from registry.editions.edition import Edition, find_predecessor
from registry.editions.manifest import File, check_files, read_file
from registry.editions.service import Editions
from registry.errors import CannotAnswer, CannotSign, InvalidInput, NotFound
from registry.log import entry_proofs
from registry.receipts.jws import PublicKey
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
    further = [name for name in manifest.SUPERVISION if (source / name).exists()]
    names, unsigned, unproven = [*manifest.MADE, *further], False, False
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


class FolderCheck(Struct, frozen=True):
    """A folder that is genuine: its edition, the key that signed it, and the files that were compared."""

    edition: Edition
    key: str
    files: list[File]

    def describe(self, lang: str) -> str:
        """Describe the outcome in a sentence."""
        edition = self.edition
        return Message(
            "真实：第{edition}期，截至{as_of}，{institutions}家机构；签名、{files}个文件的校验值与日志均相符{withdrawn}",
            edition=edition.id,
            as_of=edition.as_of,
            institutions=edition.institutions,
            files=len(self.files),
            withdrawn=Message("；此后已撤回：{reason}", reason=edition.withdrawn.reason) if edition.withdrawn else "",
        ).to_text(lang)


def check_folder(
    editions: Editions, keys: Sequence[PublicKey], path: Path, progress: store.FileProgress = store.ignore_progress
) -> FolderCheck:
    """Check a folder; InvalidInput naming the first thing that is not as it was published.

    The lists are made again from the log as it was at the edition's size, whatever lies in this machine's own folder.
    """
    raw, token = read_file(path, manifest.MANIFEST), read_file(path, manifest.SIGNED)
    kid = manifest.verify_signature(token.decode("ascii", "replace"), raw, keys)
    published = manifest.decode_manifest(raw)
    files = check_files(path, published)
    known = editions.list_all()
    edition = next((one for one in known if one.id == published.edition.get("id")), None)
    if edition is None or manifest.make_head(edition) != published.edition or edition.log != published.log:
        raise InvalidInput(Message("{manifest} 所说的这一期与日志所记的不符。", manifest=manifest.MANIFEST))
    with tempfile.TemporaryDirectory() as aside:
        before = find_predecessor(edition, known)
        store.write_files(Path(aside), editions.database, edition, before, editions.log.get_origin(), progress)
        remade = manifest.decode_manifest((Path(aside) / manifest.MANIFEST).read_bytes())
    for new, file in zip(remade.files, published.files, strict=True):
        if new != file:
            raise InvalidInput(Message("{file_name} 与按日志重新生成的不一致。", file_name=file.name))
    return FolderCheck(edition=edition, key=kid, files=files)
