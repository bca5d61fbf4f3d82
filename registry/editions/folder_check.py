"""Whether a folder holds an edition as it was published: signature, checksums, the log, and every row made again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from registry.domain.model import Struct
from registry.editions import jsons, manifest, store
from registry.editions.edition import Edition, find_predecessor
from registry.editions.integrity import check_files, read_file
from registry.editions.manifest import File
from registry.editions.service import Editions
from registry.errors import InvalidInput
from registry.receipts.jwks import PublicKey
from registry.texts import Message


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
    if edition is None or jsons.make_head(edition) != published.edition or edition.log != published.log:
        raise InvalidInput(Message("{manifest} 所说的这一期与日志所记的不符。", manifest=manifest.MANIFEST))
    with tempfile.TemporaryDirectory() as aside:
        before = find_predecessor(edition, known)
        store.write_files(Path(aside), editions.database, edition, before, editions.log.get_origin(), progress)
        remade = manifest.decode_manifest((Path(aside) / manifest.MANIFEST).read_bytes())
    for new, file in zip(remade.files, published.files, strict=True):
        if new != file:
            raise InvalidInput(Message("{file_name} 与按日志重新生成的不一致。", file_name=file.name))
    return FolderCheck(edition=edition, key=kid, files=files)
