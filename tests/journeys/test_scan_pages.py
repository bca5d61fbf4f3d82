"""The page that checks codes, in a browser: every case of the table typed in, and a code held before the camera."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from registry.credentials import images
from registry.credentials.scan import parse_scan
from registry.credentials.verifier import check_scan
from tests.conftest import BROWSER_ARGS, find_browser
from tests.running import Server, serving
from tests.scanning import PUBLIC_URL
from tests.scans import CASES, World

#: Checks the text in the field and says which word is shown then.
_CHECK = """async () => {
  const words = Array.from(document.querySelectorAll("#offline [data-word]"));
  words.forEach((one) => { one.hidden = true; });
  document.querySelector("[data-part=check]").click();
  for (let wait = 0; wait < 500 && words.every((one) => one.hidden); wait += 1) {
    await new Promise((done) => setTimeout(done, 10));
  }
  return words.filter((one) => !one.hidden).map((one) => one.dataset.word);
}"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.register.database.close()


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Server]:
    with serving(world.register.settings.data_dir, REGISTRY_PUBLIC_URL=PUBLIC_URL) as started:
        yield started


def open_page(page: Page, server: Server, bundle: str) -> None:
    """The page with keys and lists that somebody else chose."""
    page.unroute_all()
    page.route("**/status-lists/bundle.json", lambda route: route.fulfill(body=bundle))
    page.goto(f"{server.url}/verify-offline")
    expect(page.locator("[data-part=age], [data-part=missing]").locator("visible=true")).to_have_count(1)


def test_the_page_says_of_every_scan_what_the_command_says(world: World, server: Server, browser: Browser) -> None:
    context = browser.new_context(service_workers="block", viewport={"width": 390, "height": 844})
    page, opened, found, expected = context.new_page(), "", {}, {}
    for name, case in sorted(CASES.items(), key=lambda pair: pair[1].offline is not None):
        bundle = case.bundle(world)
        text = msgspec.json.encode(bundle).decode()
        if text != opened:
            open_page(page, server, opened := text)
        scanned = case.scan(world)
        page.evaluate("text => { document.getElementById('scan-text').value = text }", scanned)
        found[name] = page.evaluate(_CHECK)
        expected[name] = [check_scan(parse_scan(scanned, bundle.address), bundle, world.register.find_now()).word]
    context.close()
    assert len(found) >= 60
    assert found == expected


def film(path: Path, text: str) -> None:
    """What a camera sees that looks at a printed code: frames of 640 by 480 in grey, as a video without compression."""
    code = Image.open(io.BytesIO(images.render_png(text, "M", 430))).convert("L")
    frame = Image.new("L", (640, 480), 225)
    frame.paste(code.rotate(7, Image.Resampling.BICUBIC, expand=True, fillcolor=225), (80, 5))
    grey = frame.tobytes() + bytes([128]) * (640 * 480 // 2)
    path.write_bytes(b"YUV4MPEG2 W640 H480 F5:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + grey) * 5)


@pytest.mark.parametrize("name", ["plain", "suspended"])
def test_a_code_held_before_the_camera_is_read_and_checked(
    world: World, server: Server, browser: Browser, tmp_path: Path, name: str
) -> None:
    film(tmp_path / "code.y4m", world.code(name))
    camera = [
        *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
        f"--use-file-for-fake-video-capture={tmp_path / 'code.y4m'}",
    ]
    filmed = browser.browser_type.launch(executable_path=find_browser(), args=[*BROWSER_ARGS, *camera])
    page = filmed.new_context(viewport={"width": 390, "height": 844}, permissions=["camera"]).new_page()
    page.goto(f"{server.url}/verify-offline")
    page.locator("[data-part=camera] button").click()
    word = {"plain": "genuine"}.get(name, name)
    expect(page.locator(f"#offline [data-word={word}]")).to_be_visible()
    expect(page.locator("[data-part=token]")).to_contain_text(world.printed[name].name)
    assert page.locator("[data-part=video]").is_hidden()  # the camera is off once a code was read
    page.screenshot(path=tmp_path / f"camera-{name}.png", full_page=True)
    filmed.close()
