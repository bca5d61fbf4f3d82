"""Whether a folder holds an edition as it was published: signature, checksums, the log, and every row made again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from registry.domain.model import Struct
from registry.editions import edition as editions_
from registry.editions import jsons, manifest, store
from registry.editions.edition import Edition
from registry.editions.manifest import File, Manifest
from registry.editions.service import Editions
from registry.errors import InvalidInput
from registry.receipts.jwks import PublicKey


class FolderCheck(Struct, frozen=True):
    """A folder that held: its edition, the key that signed it, and the files that were compared."""

    edition: Edition
    key: str
    files: list[File]

    def describe(self, lang: str) -> str:
        """The same in a sentence."""
        one, count = self.edition, len(self.files)
        if lang.startswith("en"):
            gone = f"; withdrawn since: {one.withdrawn.reason}" if one.withdrawn else ""
            return (
                f"genuine: edition {one.id} as of {one.as_of}, {one.institutions} institutions; signature, {count} "
                f"checksums and the log agree{gone}"
            )
        gone = f"；此后已撤回：{one.withdrawn.reason}" if one.withdrawn else ""
        figure = f"第{one.id}期，截至{one.as_of}，{one.institutions}家机构"
        return f"真实：{figure}；签名、{count}个文件的校验值与日志均相符{gone}"


def check_folder(
    editions: Editions, keys: Sequence[PublicKey], path: Path, progress: store.Progress = store.ignore_progress
) -> FolderCheck:
    """InvalidInput naming the first thing that is not as it was published.

    The lists are made again from the log as it was at the edition's size, whatever lies in this machine's own folder.
    """
    raw, token = _read_file(path, manifest.MANIFEST), _read_file(path, manifest.SIGNED)
    kid = manifest.verify_signature(token.decode("ascii", "replace"), raw, keys)
    told = manifest.decode_manifest(raw)
    files = _check_files(path, told)
    known = editions.list_all()
    found = next((one for one in known if one.id == told.edition.get("id")), None)
    if found is None or jsons.make_head(found) != told.edition or found.log != told.log:
        raise InvalidInput(
            f"{manifest.MANIFEST} 所说的这一期与日志所记的不符。",
            f"The edition {manifest.MANIFEST} speaks of is not the one in the log.",
        )
    with tempfile.TemporaryDirectory() as aside:
        before = editions_.find_predecessor(found, known)
        store.write_files(Path(aside), editions.database, found, before, editions.log.get_origin(), progress)
        again = manifest.decode_manifest((Path(aside) / manifest.MANIFEST).read_bytes())
    for mine, theirs in zip(again.files, told.files, strict=True):
        if mine != theirs:
            raise InvalidInput(
                f"{theirs.name} 与按日志重新生成的不一致。", f"{theirs.name} is not what the log gives when made again."
            )
    return FolderCheck(edition=found, key=kid, files=files)


def _check_files(path: Path, told: Manifest) -> list[File]:
    """The files of the manifest, each there and as it says."""
    names = [one.name for one in told.files]
    if names != [*manifest.LISTS, manifest.DIFFERENCE]:
        raise InvalidInput(
            f"{manifest.MANIFEST} 列出的文件不全。", f"{manifest.MANIFEST} does not list every file of an edition."
        )
    for one in told.files:
        _read_file(path, one.name, read=False)
        if manifest.measure_file(path / one.name) != one:
            raise InvalidInput(
                f"{one.name} 与 {manifest.MANIFEST} 所记的校验值不符，文件被改动过。",
                f"{one.name} does not have the checksum of {manifest.MANIFEST}: it was altered.",
            )
    every = [*told.files, manifest.measure_file(path / manifest.MANIFEST)]
    if _read_file(path, manifest.SUMS) != manifest.format_checksums(every):
        raise InvalidInput(f"{manifest.SUMS} 与文件不符。", f"{manifest.SUMS} does not fit the files.")
    return every


def _read_file(path: Path, name: str, *, read: bool = True) -> bytes:
    try:
        if read:
            return (path / name).read_bytes()
        if (path / name).is_file():
            return b""
    except OSError:
        pass
    raise InvalidInput(f"文件夹 {path} 中没有 {name}。", f"There is no {name} in the folder {path}.")
