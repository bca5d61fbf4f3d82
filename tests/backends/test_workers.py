"""Several workers over one database, SQLite and PostgreSQL: each follows the log by itself, and says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from registry.log import signing_keys
from registry.storage.database import Database
from tests.factories import DAY, a_change, a_source, an_institution, enter
from tests.running import Server, find_delay

HOSPITAL = "鞍山市示例医院"
CLAIM = {"provider": {"name": HOSPITAL}, "techniques": ["IVF"]}
#: Connections of their own, so that both workers are asked.
ASKED = 24


def answers(server: Server) -> list[tuple[int, str]]:
    """(log size, verdict) as both workers say them."""
    found = []
    for _ in range(ASKED):
        with server.fresh() as client:
            told = client.post("/api/v1/verify", json=CLAIM).json()
            found.append((told["log"]["size"], told["verdict"]))
    return found


def test_a_change_is_in_every_worker_within_a_second_and_each_answer_says_its_log_size(
    database: Database, start: Callable[..., Server], tmp_path: Path
) -> None:
    hospital = an_institution(HOSPITAL)
    enter(database, a_source(), hospital)
    data_dir = tmp_path / "served"
    data_dir.mkdir()
    signing_keys.create_key_file(data_dir / "signing.key")
    url = database.url.render_as_string(hide_password=False)
    server = start(data_dir, workers=2, REGISTRY_DATABASE_URL=url, REGISTRY_ANONYMOUS_LIMIT="0")
    assert set(answers(server)) == {(2, "licensed")}
    for before, now in (((2, "licensed"), (3, "suspended")), ((3, "suspended"), (4, "revoked"))):
        enter(database, a_change(hospital, DAY, {"approvals.IVF": {"stage": now[1]}}, reason="更正"))

        def is_everywhere(before: tuple[int, str] = before, now: tuple[int, str] = now) -> bool:
            found = set(answers(server))
            assert found <= {before, now}  # meanwhile either is true, and says which log it rests on
            return found == {now}

        late, asking = find_delay(is_everywhere)
        assert late < max(1.0, 5 * asking)
        assert is_everywhere()
