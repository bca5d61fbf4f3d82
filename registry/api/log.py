"""The published log: static files after C2SP tlog-tiles under /log, and proofs for those who do not read tiles."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Annotated, Any

from litestar import HttpMethod, Request, Response, route
from litestar.params import FromPath, QueryParameter

from registry.api.guards import get_register
from registry.api.shapes import ConsistencyProof, InclusionProof
from registry.errors import InvalidInput, NotFound
from registry.log import entry_proofs, proofs, tiles
from registry.log.folder import VKEY

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, no-cache"
_TEXT = "text/plain"
AnyRequest = Request[Any, Any, Any]
Size = Annotated[int | None, QueryParameter(ge=1, le=2**62)]
Handler = Callable[..., Response[Any]]


def _route_file(path: str) -> Callable[[Handler], Any]:
    return route(path, http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False, sync_to_thread=True)


def _make_text_response(content: bytes, **more: str) -> Response[bytes]:
    return Response(content=content, media_type=_TEXT, headers={"Cache-Control": _ASK_AGAIN, **more})


@_route_file("/log/checkpoint")
def get_checkpoint(request: AnyRequest) -> Response[bytes]:
    """The last signed checkpoint."""
    return _make_text_response(get_register(request).log.get_checkpoint().note)


@_route_file("/log/vkey")
def get_vkey(request: AnyRequest) -> Response[bytes]:
    """The verifier keys in use, one a line, the oldest first."""
    log = get_register(request).log
    log.get_checkpoint()
    return _make_text_response(log.folder.find_file(VKEY) or b"")


@_route_file("/log/tile/{path:path}")
def get_tile(request: AnyRequest, path: FromPath[str]) -> Response[bytes]:
    """A tile of hashes, or a bundle of entries; never changes."""
    try:
        asked = tiles.parse_path(path.lstrip("/"))
    except InvalidInput as error:
        raise NotFound(error.zh, error.en) from error
    content = get_register(request).log.folder.read_tile(asked)
    headers = {"Cache-Control": _FOR_EVER}
    if asked.level is None:  # hashes do not compress, entries do
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = gzip.compress(content, compresslevel=6, mtime=0), "gzip"
    return Response(content=content, media_type="application/octet-stream", headers=headers)


@_route_file("/log/proof/inclusion")
def get_inclusion_proof(
    request: AnyRequest, entry: Annotated[int, QueryParameter(ge=1, le=2**62)], size: Size = None
) -> Response[InclusionProof]:
    """That an entry is in the log of a size: by default that of the last checkpoint."""
    log = get_register(request).log
    proved = entry_proofs.prove_entry(log, entry, size)
    body = InclusionProof(
        entry=entry,
        index=entry - 1,
        size=proved.size,
        leaf=proved.leaf.hex(),
        root=proved.root.hex(),
        proof=[one.hex() for one in proved.proof],
        checkpoint=proved.checkpoint,
    )
    return Response(content=body, headers={"Cache-Control": _ASK_AGAIN})


@_route_file("/log/proof/consistency")
def get_consistency_proof(
    request: AnyRequest,
    from_: Annotated[int, QueryParameter(name="from", ge=1, le=2**62)],
    to: Size = None,
) -> Response[ConsistencyProof]:
    """That the log of one size is the beginning of the log of a later one: by default the last checkpoint's."""
    log = get_register(request).log
    size = entry_proofs.get_proof_size(log.get_checkpoint(), to)
    tree = log.folder.make_tree(size)
    body = ConsistencyProof(
        from_=from_,
        to=size,
        from_root=proofs.compute_root(tree, from_).hex() if from_ <= size else "",
        to_root=proofs.compute_root(tree, size).hex(),
        proof=[one.hex() for one in proofs.prove_consistency(tree, from_, size)],
    )
    return Response(content=body, headers={"Cache-Control": _ASK_AGAIN})


@_route_file("/log/proof/{name:str}")
def get_proof_file(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """``{entry}.tlog-proof``: a proof that can be kept and checked without us, with the last checkpoint in it."""
    number, dot, kind = name.partition(".")
    if not (number.isascii() and number.isdigit() and dot and kind == "tlog-proof") or len(number) > 18:
        raise NotFound("此地址没有内容；证明在 /log/proof/编号.tlog-proof。", "Proofs are at /log/proof/N.tlog-proof.")
    content = entry_proofs.make_proof_file(get_register(request).log, int(number))
    return _make_text_response(content, **{"Content-Disposition": f'attachment; filename="entry-{number}.tlog-proof"'})


handlers = [get_checkpoint, get_vkey, get_tile, get_inclusion_proof, get_consistency_proof, get_proof_file]
