"""The published log: static files after C2SP tlog-tiles under /log, and proofs for those who do not read tiles."""

from __future__ import annotations

import gzip
from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import FromPath, QueryParameter

from registry.api.requests import AnyRequest, get_register
from registry.domain.model import Struct
from registry.errors import InvalidInput, NotFound
from registry.log import entry_proofs, merkle, tiles
from registry.log.folder import VKEY
from registry.texts import Message
from registry.web.routes import route_get

_FOR_EVER = "public, max-age=31536000, immutable"
_REVALIDATED = {"Cache-Control": "public, no-cache"}
Size = Annotated[int | None, QueryParameter(ge=1, le=2**62)]


class InclusionProof(Struct, frozen=True):
    """RFC 6962 proof that an entry is in the log; hashes are hex, the leaf's sibling first. ``index`` counts from 0."""

    entry: int
    index: int
    size: int
    leaf: str
    root: str
    proof: list[str]
    checkpoint: str | None


class ConsistencyProof(Struct, frozen=True):
    """RFC 6962 proof that the log of size ``from`` is the beginning of the log of size ``to``; hashes are hex."""

    from_: int = msgspec.field(name="from")
    to: int
    from_root: str
    to_root: str
    proof: list[str]


def _make_text_response(content: bytes, **headers: str) -> Response[bytes]:
    return Response(content=content, media_type="text/plain", headers={**_REVALIDATED, **headers})


@route_get("/log/checkpoint", "checkpoint")
def get_checkpoint(request: AnyRequest) -> Response[bytes]:
    """Return the last signed checkpoint."""
    return _make_text_response(get_register(request).log.get_checkpoint().note)


@route_get("/log/vkey", "vkey")
def get_vkey(request: AnyRequest) -> Response[bytes]:
    """Return the verifier keys in use, one a line, the oldest first."""
    log = get_register(request).log
    log.get_checkpoint()
    return _make_text_response(log.folder.find_file(VKEY) or b"")


@route_get("/log/tile/{path:path}", "tile")
def get_tile(request: AnyRequest, path: FromPath[str]) -> Response[bytes]:
    """Return a tile of hashes, or a bundle of entries; it never changes."""
    try:
        tile = tiles.parse_path(path.lstrip("/"))
    except InvalidInput as error:
        raise NotFound(error.message) from error
    content = get_register(request).log.folder.read_tile(tile)
    headers = {"Cache-Control": _FOR_EVER}
    if tile.level is None:  # hashes do not compress, entries do
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = gzip.compress(content, compresslevel=6, mtime=0), "gzip"
    return Response(content=content, media_type="application/octet-stream", headers=headers)


@route_get("/log/proof/inclusion", "inclusion")
def get_inclusion_proof(
    request: AnyRequest, entry: Annotated[int, QueryParameter(ge=1, le=2**62)], size: Size = None
) -> Response[InclusionProof]:
    """Prove that an entry is in the log of a size: by default that of the last checkpoint."""
    log = get_register(request).log
    proved = entry_proofs.prove_entry(log, entry, size)
    body = InclusionProof(
        entry=entry,
        index=entry - 1,
        size=proved.size,
        leaf=proved.leaf.hex(),
        root=proved.root.hex(),
        proof=[node.hex() for node in proved.proof],
        checkpoint=proved.checkpoint,
    )
    return Response(content=body, headers=_REVALIDATED)


@route_get("/log/proof/consistency", "consistency")
def get_consistency_proof(
    request: AnyRequest,
    from_: Annotated[int, QueryParameter(name="from", ge=1, le=2**62)],
    to: Size = None,
) -> Response[ConsistencyProof]:
    """Prove that the log of one size is the beginning of that of a later one: by default the last checkpoint's."""
    log = get_register(request).log
    size = entry_proofs.get_proof_size(log.get_checkpoint(), to)
    tree = log.folder.make_tree(size)
    body = ConsistencyProof(
        from_=from_,
        to=size,
        from_root=merkle.compute_root(tree, from_).hex() if from_ <= size else "",
        to_root=merkle.compute_root(tree, size).hex(),
        proof=[node.hex() for node in merkle.prove_consistency(tree, from_, size)],
    )
    return Response(content=body, headers=_REVALIDATED)


@route_get("/log/proof/{name:str}", "proof_file")
def get_proof_file(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Return ``{entry}.tlog-proof``: a proof to be stored and checked without us, the last checkpoint in it."""
    number, dot, kind = name.partition(".")
    if not (number.isascii() and number.isdigit() and dot and kind == "tlog-proof") or len(number) > 18:
        raise NotFound(Message("此地址没有内容；证明在 /log/proof/编号.tlog-proof。"))
    content = entry_proofs.make_proof_file(get_register(request).log, int(number))
    return _make_text_response(content, **{"Content-Disposition": f'attachment; filename="entry-{number}.tlog-proof"'})


handlers = [get_checkpoint, get_vkey, get_tile, get_inclusion_proof, get_consistency_proof, get_proof_file]
