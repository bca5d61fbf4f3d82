"""The baseline: routes that take and give what the register's do, and do nothing between. Run as a process."""
# ruff: noqa: ARG001 - what an empty route is given it reads and forgets

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import uvicorn
from litestar import Litestar, get, post
from litestar.params import JSONBody, QueryParameter

from registry.api.institutions import InstitutionList, SuggestionList
from registry.domain.answers import Answer, Claim

#: JSON answers of a real register, by operation: what the routes answer to everything.
ANSWERS = Path(sys.argv[1]) if __name__ == "__main__" else None


def create_app(answers: Path) -> Litestar:
    """The application that answers every question with the same answer."""
    answer = msgspec.json.decode((answers / "verify.json").read_bytes(), type=Answer)
    found = msgspec.json.decode((answers / "institutions.json").read_bytes(), type=InstitutionList)
    suggested = msgspec.json.decode((answers / "suggest.json").read_bytes(), type=SuggestionList)

    @post("/api/v1/verify", status_code=200)
    async def verify(data: JSONBody[Claim]) -> Answer:
        """A constant answer."""
        return answer

    @get("/api/v1/institutions")
    async def institutions(q: Annotated[str, QueryParameter(max_length=200)] = "") -> InstitutionList:
        """A constant page."""
        return found

    @get("/api/v1/suggest")
    async def suggest(q: Annotated[str, QueryParameter(max_length=200)] = "") -> SuggestionList:
        """Constant suggestions."""
        return suggested

    return Litestar([verify, institutions, suggest], openapi_config=None, logging_config=None)


class AnnouncingServer(uvicorn.Server):
    async def startup(self, sockets: list[object] | None = None) -> None:
        await super().startup(sockets)  # type: ignore[arg-type]
        print(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", flush=True)


if __name__ == "__main__":
    assert ANSWERS is not None
    config = uvicorn.Config(
        create_app(ANSWERS), host="127.0.0.1", port=0, log_level="warning", access_log=False, server_header=False
    )
    AnnouncingServer(config).run()
