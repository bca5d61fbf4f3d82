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


class FolderCheck(Struct, frozen=True):
    """A folder that is genuine: its edition, the key that signed it, and the files that were compared."""

    edition: Edition
    key: str
    files: list[File]

    def describe(self, lang: str) -> str:
        """Describe the outcome in a sentence."""
        edition, count = self.edition, len(self.files)
        if lang.startswith("en"):
            withdrawal = f"; withdrawn since: {edition.withdrawn.reason}" if edition.withdrawn else ""
            return (
                f"genuine: edition {edition.id} as of {edition.as_of}, {edition.institutions} institutions; "
                f"signature, {count} checksums and the log agree{withdrawal}"
            )
        withdrawal = f"；此后已撤回：{edition.withdrawn.reason}" if edition.withdrawn else ""
        figure = f"第{edition.id}期，截至{edition.as_of}，{edition.institutions}家机构"
        return f"真实：{figure}；签名、{count}个文件的校验值与日志均相符{withdrawal}"


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
        raise InvalidInput(
            f"{manifest.MANIFEST} 所说的这一期与日志所记的不符。",
            f"The edition {manifest.MANIFEST} speaks of is not the one in the log.",
        )
    with tempfile.TemporaryDirectory() as aside:
        before = find_predecessor(edition, known)
        store.write_files(Path(aside), editions.database, edition, before, editions.log.get_origin(), progress)
        remade = manifest.decode_manifest((Path(aside) / manifest.MANIFEST).read_bytes())
    for new, file in zip(remade.files, published.files, strict=True):
        if new != file:
            raise InvalidInput(
                f"{file.name} 与按日志重新生成的不一致。", f"{file.name} is not what the log gives when made again."
            )
    return FolderCheck(edition=edition, key=kid, files=files)
