"""What journeys share: a seeded folder made once, servers, a real browser."""

from __future__ import annotations

import gc
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest
from httpx._transports import default
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.hashing import hash_cheaply
from tests.independent.program import Program, build
from tests.running import PATIENCE, Cli, Server, serving
from tests.sharing import find_folder, share_once
from tests.thoroughness import count_examples

#: A folder in memory, and bytes of room that it must have.
MEMORY, ROOM = "/dev/shm", 6 << 30


def choose_scratch() -> None:
    """Keep what tests write in memory, where there is room: nothing of it has to outlive a run."""
    if "TMPDIR" in os.environ or not Path(MEMORY).is_dir():
        return
    found = os.statvfs(MEMORY)
    if found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & (os.ST_NOEXEC | os.ST_RDONLY):
        os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


gc.disable()
choose_scratch()
find_folder()  # before there is more than one process
# No property hangs on speed: on a busy machine an example may take as long as it likes.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=count_examples(100)
)
settings.load_profile("unhurried")
hash_cheaply()
_make_context, _make_context_once = default.create_ssl_context, cache(default.create_ssl_context)  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """What was collected is there to the end: the garbage collector need not look at it again and again."""
    gc.freeze()
    gc.enable()


def make_context(**told: Any) -> ssl.SSLContext:
    """Read the certificates of the world once, and not for each client: that takes longer than a question."""
    return (_make_context if "SSL_CERT_FILE" in os.environ else _make_context_once)(**told)


default.create_ssl_context = make_context  # type: ignore[attr-defined]
#: What Playwright reads of a page at once. A click ends when the next page begins: they would see that one empty.
UNWAITING: dict[type, tuple[str, ...]] = {
    Locator: ("all", "all_inner_texts", "all_text_contents", "count", "evaluate_all", "is_hidden", "is_visible"),
    Page: ("content", "evaluate", "title"),
}
#: Chromium without windows takes a third less of the processor than the whole one without a window open.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def seed_dir() -> Path:
    """A data folder after `registry init` and `registry seed`: made once, to be copied, never written to."""

    def seed(folder: Path) -> None:
        cli = Cli(folder, inside=True)
        cli.ok("init")
        cli.ok("seed")

    return share_once("seed", seed)


@pytest.fixture
def script(tmp_path: Path) -> Cli:
    """The console script in new interpreters over a folder in which nothing is yet."""
    return Cli(tmp_path / "var", new=True)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The command over a folder in which nothing is yet."""
    return Cli(tmp_path / "var", inside=True)


@pytest.fixture
def seeded(seed_dir: Path, tmp_path: Path) -> Cli:
    """The command over a copy of the seeded register."""
    shutil.copytree(seed_dir, tmp_path / "var")
    return Cli(tmp_path / "var", inside=True)


@pytest.fixture(scope="session")
def reading(seed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command over one copy of the seeded register, for tests that only ask."""
    data_dir = tmp_path_factory.mktemp("asked") / "var"
    shutil.copytree(seed_dir, data_dir)
    return Cli(data_dir, inside=True)


@pytest.fixture(scope="session")
def staffed_dir(seed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seeded data folder with an editor and an approver: made once, to be copied."""
    data_dir = tmp_path_factory.mktemp("staffed") / "var"
    shutil.copytree(seed_dir, data_dir)
    Cli(data_dir, inside=True).staff()
    return data_dir


@pytest.fixture
def staffed(staffed_dir: Path, tmp_path: Path) -> Cli:
    """The command over a copy of the seeded register that has an editor and an approver."""
    shutil.copytree(staffed_dir, tmp_path / "var")
    return Cli(tmp_path / "var", inside=True)


@pytest.fixture(scope="session")
def server(seed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over the seeded register that nobody changes."""
    data_dir = tmp_path_factory.mktemp("served") / "var"
    shutil.copytree(seed_dir, data_dir)
    with serving(data_dir, REGISTRY_PUBLIC_URL="https://register.example") as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that the test may break; all are stopped after it."""
    running: list[Server] = []

    def started(data_dir: Path, workers: int = 1, port: int = 0, **env: str) -> Server:
        running.append(Server(data_dir, workers, port, **env))
        return running[-1]

    yield started
    for one in running:
        one.end()


def after_loading(read: Callable[..., Any]) -> Callable[..., Any]:
    """The same read, of a page that was loaded to its end."""

    @wraps(read)
    def waiting(where: Locator | Page, *args: Any, **more: Any) -> Any:
        (where.page if isinstance(where, Locator) else where).wait_for_load_state()
        return read(where, *args, **more)

    return waiting


def with_patience(open_context: Callable[..., BrowserContext]) -> Callable[..., BrowserContext]:
    """Opens contexts whose pages wait until something hangs."""

    @wraps(open_context)
    def opening(*args: Any, **more: Any) -> BrowserContext:
        context = open_context(*args, **more)
        context.set_default_timeout(1000 * PATIENCE)
        return context

    return opening


def find_browser() -> str | None:
    """The browser of the tests."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    return path if path is not None and Path(path).exists() else None


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium. Fails where there is none; REGISTRY_TESTS_WITHOUT_BROWSER=1 skips instead, visibly."""
    if os.environ.get("REGISTRY_TESTS_WITHOUT_BROWSER") == "1":
        pytest.skip("REGISTRY_TESTS_WITHOUT_BROWSER=1: browser tests were left out")
    path = find_browser()
    if path is None:
        pytest.fail(
            "没有浏览器 / no browser: apt-get install chromium fonts-noto-cjk, or CHROMIUM=path of one; "
            "REGISTRY_TESTS_WITHOUT_BROWSER=1 leaves these tests out",
            pytrace=False,
        )
    expect.set_options(timeout=1000 * PATIENCE)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        for kind, names in UNWAITING.items():
            for name in names:
                patch.setattr(kind, name, after_loading(getattr(kind, name)))
        patch.setattr(Browser, "new_context", with_patience(Browser.new_context))
        chromium = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def independent(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A verifier of logs that others wrote. Fails where it cannot be built; REGISTRY_TESTS_WITHOUT_GO=1 skips."""
    if os.environ.get("REGISTRY_TESTS_WITHOUT_GO") == "1":
        pytest.skip("REGISTRY_TESTS_WITHOUT_GO=1: tests with the independent verifier were left out")
    return build(tmp_path_factory.mktemp("independent"))
