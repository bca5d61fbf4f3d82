"""A disk that fills up, and one that stops writing: reading goes on, nothing is half written, and it is said which."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry import proposals
from registry.accounts import audit_log
from registry.errors import StorageFull, StorageReadOnly
from registry.storage import attachments
from registry.storage.database import Database
from tests.backends.conftest import Postgres
from tests.broken import TO_READERS, Broken
from tests.factories import a_database, a_source, an_institution, enter, hash_of, propose
from tests.mounts import MIB, failing_disk, read_only, small_disk
from tests.running import PASSWORD

LOW, RESERVE = 12, 6  # MiB


def test_a_disk_is_noticed_before_it_is_full_and_appends_stop_while_there_is_room_to_finish(
    broken: Callable[..., Broken], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 32 * MIB) as disk:
        one = broken(disk.folder / "var", storage_low=LOW, storage_reserve=RESERVE)
        server = one.serve()
        assert one.faults(server) == set()
        disk.fill(leave=(LOW - 1) * MIB)
        one.begins(server, "storage_low")
        free = [line for line in server.metrics().splitlines() if 'free_bytes{folder="data"}' in line]
        assert 0 < float(free[0].split()[-1]) < LOW * MIB
        one.require_reads(server)
        disk.fill(leave=(RESERVE - 1) * MIB)
        one.begins(server, "storage_full")
        said = one.approve()
        assert said.code == 1 and said.err.count("\n") == 1 and "(storage_full)" in said.err
        assert "磁盘空间不足" in said.err and TO_READERS not in said.err
        one.require_untouched()
        one.require_reads(server)
        assert one.run("log", "checkpoint").code == 0  # what was begun is finished: there is room for that
        disk.empty()
        one.ends(server, "storage_full")
        one.ends(server, "storage_low")
        one.require_whole()
        server.end()


@pytest.mark.parametrize("what", ["data", "log"])
def test_a_full_disk_stops_writing_with_a_sentence_of_its_own_and_reading_goes_on(
    broken: Callable[..., Broken], tmp_path: Path, what: str
) -> None:
    with small_disk(tmp_path / "disk", 24 * MIB) as disk:
        settings = {"log_dir": disk.folder / "log"} if what == "log" else {}
        data_dir = disk.folder / "var" if what == "data" else tmp_path / "var"
        one = broken(data_dir, storage_low=0, storage_reserve=0, **settings)
        server = one.serve(REGISTRY_ANONYMOUS_LIMIT="100000")
        one.require_reads(server)
        disk.fill()
        one.begins(server, "storage_full")
        said = one.approve()
        assert said.code == 1 and "(storage_full)" in said.err and TO_READERS not in said.err
        one.require_untouched()
        one.require_reads(server)  # and the file in which requests are counted cannot be written either
        with server.fresh() as stranger:
            assert all(stranger.get("/api/v1/stats").status_code == 200 for _ in range(20))
        disk.empty()
        one.ends(server, "storage_full")
        one.require_whole()
        server.end()


def test_an_approval_that_fills_the_disk_leaves_the_proposal_and_the_log_as_they_were(tmp_path: Path) -> None:
    """SQLITE_FULL in the middle of an append, behind every check that was made before it."""
    with small_disk(tmp_path / "disk", 16 * MIB) as disk:
        database = a_database(disk.folder)
        enter(database, a_source())
        many = propose(database, *(an_institution(f"鞍山市示例{n}医院") for n in range(2_000)))
        disk.fill(leave=256 * 1024)
        with pytest.raises(StorageFull) as found:
            proposals.approve(database, many, by="approver.a", seen=hash_of(database, many))
        assert "磁盘已满" in found.value.zh and TO_READERS not in found.value.zh
        scan = io.BytesIO(bytes(MIB))
        with pytest.raises(StorageFull), database.writing() as connection:  # a document somebody sends meanwhile
            attachments.add_attachment(connection, scan, name="scan.pdf", media_type="application/pdf", by="editor.a")
        with database.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM entries").scalar() == 1
            assert proposals.get_proposal(connection, many).state == "pending"
        disk.empty()
        assert proposals.approve(database, many, by="approver.a", seen=hash_of(database, many)) == (2, 2_001)
        database.close()


def test_postgresql_whose_disk_is_full_says_the_same(postgres: Postgres) -> None:
    with tempfile.TemporaryDirectory(prefix="disk-") as folder, small_disk(Path(folder) / "disk", 48 * MIB) as disk:
        Path(folder).chmod(0o755)  # the database's own account has to get in
        url = postgres.on_disk(disk.folder / "space")
        database = Database(url)
        enter(database, a_source())
        disk.fill(leave=256 * 1024)
        with pytest.raises(StorageFull) as found:
            propose(database, *(an_institution(f"鞍山市示例{n}医院") for n in range(5_000)))
        assert "磁盘已满" in found.value.zh and TO_READERS not in found.value.zh
        with database.reading() as connection:
            assert (
                proposals.list_proposals(connection, None)[0].state == "approved"
            )  # the first alone; nothing of the other
        disk.empty()
        propose(database, an_institution("鞍山市示例医院"))
        database.close()
        postgres.drop(url)


def test_the_files_of_an_edition_that_find_no_room_are_503_and_say_nothing_of_any_institution(
    broken: Callable[..., Broken], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 24 * MIB) as disk:
        one = broken(disk.folder / "var", storage_low=0, storage_reserve=0)
        one.run("reject", one.proposal, "--by", "approver.a", "--reason", "先公布")
        assert one.run("user", "add", "publisher.a", "--role", "publisher", given=PASSWORD).code == 0
        made = one.run("publish", "--title", "示例名录", "--by", "publisher.a", "--json")
        assert one.run("approve", made.json["proposal"], "--by", "approver.a").code == 0
        server = one.serve()
        disk.fill()
        answer = server.get("/api/v1/editions/1/list.csv")
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_full"), answer.text
        page = server.client.get("/editions/1", headers={"accept": "text/html"})
        assert page.status_code == 503 and TO_READERS in page.text
        assert "Traceback" not in server.errors.read_text()
        disk.empty()
        assert server.get_made("/api/v1/editions/1/list.csv").status_code == 200
        server.end()


def test_a_disk_that_stops_writing_is_said_while_the_server_runs_and_reading_goes_on(tmp_path: Path) -> None:
    with failing_disk(tmp_path / "disk", tmp_path / "image") as disk:
        with Broken(disk.folder / "var", storage_low=0, storage_reserve=0) as one:
            server = one.serve()
            one.require_reads(server)
            disk.stop_writing()
            one.begins(server, "storage_read_only")
            said = one.approve()
            assert said.code == 1 and "(storage_read_only)" in said.err and TO_READERS not in said.err
            one.require_reads(server)
            # A form of the staff is a write too: the page says what happened, not that nobody is licensed.
            with server.fresh() as client:
                page = client.get("/staff/sign-in")
                sent = client.post("/staff/sign-in", data={"name": "editor.a", "password": "x" * 20})
            assert page.status_code == 200
            # A wrong password is told so: what strangers type writes nothing into the database.
            assert sent.status_code == 400 and TO_READERS not in sent.text
            one.require_untouched()
            errors = server.errors
            server.stop()
            assert "Traceback" not in errors.read_text(), errors.read_text()
            one.servers.clear()
        disk.write_again()
        again = Broken.__new__(Broken)
        again.__dict__.update(one.__dict__)
        again.require_whole()


def test_a_log_folder_that_is_read_only_stops_appends_and_nothing_else(broken: Callable[..., Broken]) -> None:
    one = broken()
    server = one.serve()
    with read_only(one.log.folder.path):
        one.begins(server, "storage_read_only")
        said = one.approve()
        assert said.code == 1 and "(storage_read_only)" in said.err
        one.require_untouched()
        one.require_reads(server)
    one.ends(server, "storage_read_only")
    one.require_whole()


def test_postgresql_that_takes_no_writes_says_the_same(postgres: Postgres) -> None:
    database = postgres.fresh()
    name = database.url.database
    admin = sa.create_engine(database.url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database.close()
    with pytest.raises(StorageReadOnly), database.writing() as connection:
        audit_log.record_event(connection, "editor.a", "tried", "nothing", "-")
    with database.reading() as connection:
        assert proposals.list_proposals(connection, None) == []
    with admin.connect() as connection:
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    database.close()
    propose(database, an_institution("鞍山市示例医院"))
    admin.dispose()
    database.close()


def test_a_server_that_starts_on_a_read_only_folder_says_why_in_one_line(tmp_path: Path) -> None:
    with Broken(tmp_path / "var") as one, read_only(one.data_dir):
        said = one.refused("serve", "--port", "0")
        assert "(storage_read_only)" in said and TO_READERS not in said
