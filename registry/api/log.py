"""The published log: static files after C2SP tlog-tiles under /log, and proofs for those who do not read tiles."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Annotated, Any

from litestar import HttpMethod, Request, Response, route
from litestar.params import FromPath, QueryParameter

from registry.api.guards import register_of
from registry.api.shapes import ConsistencyProof, InclusionProof
from registry.errors import InvalidInput, NotFound
from registry.log import proofs, prove, tiles
from registry.log.folder import VKEY

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, no-cache"
_TEXT = "text/plain"
AnyRequest = Request[Any, Any, Any]
Size = Annotated[int | None, QueryParameter(ge=1, le=2**62)]
Handler = Callable[..., Response[Any]]


def _file(path: str) -> Callable[[Handler], Any]:
    return route(path, http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False, sync_to_thread=True)


def _text(content: bytes, **more: str) -> Response[bytes]:
    return Response(content=content, media_type=_TEXT, headers={"Cache-Control": _ASK_AGAIN, **more})


@_file("/log/checkpoint")
def checkpoint(request: AnyRequest) -> Response[bytes]:
    """The last signed checkpoint."""
    return _text(register_of(request).log.latest().note)


@_file("/log/vkey")
def vkey(request: AnyRequest) -> Response[bytes]:
    """The verifier keys in use, one a line, the oldest first."""
    log = register_of(request).log
    log.latest()
    return _text(log.folder.get(VKEY) or b"")


@_file("/log/tile/{path:path}")
def tile(request: AnyRequest, path: FromPath[str]) -> Response[bytes]:
    """A tile of hashes, or a bundle of entries; never changes."""
    try:
        asked = tiles.parse(path.lstrip("/"))
    except InvalidInput as error:
        raise NotFound(error.zh, error.en) from error
    content = register_of(request).log.folder.read(asked)
    headers = {"Cache-Control": _FOR_EVER}
    if asked.level is None:  # hashes do not compress, entries do
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = gzip.compress(content, compresslevel=6, mtime=0), "gzip"
    return Response(content=content, media_type="application/octet-stream", headers=headers)


@_file("/log/proof/inclusion")
def inclusion(
    request: AnyRequest, entry: Annotated[int, QueryParameter(ge=1, le=2**62)], size: Size = None
) -> Response[InclusionProof]:
    """That an entry is in the log of a size: by default that of the last checkpoint."""
    log = register_of(request).log
    proved = prove.inclusion(log, entry, size)
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


@_file("/log/proof/consistency")
def consistency(
    request: AnyRequest,
    from_: Annotated[int, QueryParameter(name="from", ge=1, le=2**62)],
    to: Size = None,
) -> Response[ConsistencyProof]:
    """That the log of one size is the beginning of the log of a later one: by default the last checkpoint's."""
    log = register_of(request).log
    size = prove.within(log.latest(), to)
    tree = log.folder.tree(size)
    body = ConsistencyProof(
        from_=from_,
        to=size,
        from_root=proofs.root(tree, from_).hex() if from_ <= size else "",
        to_root=proofs.root(tree, size).hex(),
        proof=[one.hex() for one in proofs.consistency(tree, from_, size)],
    )
    return Response(content=body, headers={"Cache-Control": _ASK_AGAIN})


@_file("/log/proof/{name:str}")
def proof_file(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """``{entry}.tlog-proof``: a proof that can be kept and checked without us, with the last checkpoint in it."""
    number, dot, kind = name.partition(".")
    if not (number.isascii() and number.isdigit() and dot and kind == "tlog-proof") or len(number) > 18:
        raise NotFound("此地址没有内容；证明在 /log/proof/编号.tlog-proof。", "Proofs are at /log/proof/N.tlog-proof.")
    content = prove.file(register_of(request).log, int(number))
    return _text(content, **{"Content-Disposition": f'attachment; filename="entry-{number}.tlog-proof"'})


handlers = [checkpoint, vkey, tile, inclusion, consistency, proof_file]
