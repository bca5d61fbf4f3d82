"""The OpenAPI document is true: every operation it shows exists, and answers its own example as the example says."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import png
import pytest
import qrcode

from registry.api import openapi_refusals
from tests.running import Cli, Server

METHODS = ("get", "post", "delete")
EXPECTED = {
    ("get", "/api/v1/institutions"),
    ("get", "/api/v1/institutions/{code}"),
    ("get", "/api/v1/institutions/{code}/history"),
    ("get", "/api/v1/institutions/{code}/practitioners"),
    ("get", "/api/v1/institutions/{code}/supervision"),
    ("get", "/api/v1/sanctions"),
    ("get", "/api/v1/suggest"),
    ("get", "/api/v1/stats"),
    ("get", "/api/v1/changes"),
    ("get", "/api/v1/snapshot"),
    ("get", "/api/v1/editions"),
    ("get", "/api/v1/editions/{edition}"),
    ("get", "/api/v1/editions/{edition}/{file}"),
    ("get", "/api/v1/verify"),
    ("post", "/api/v1/verify"),
    ("post", "/api/v1/receipts/check"),
    ("post", "/api/v1/verify/batch"),
    *(("get", f"/api/v1/{path}") for path in ("key", "key/checks", "watches", "watches/changes")),
    ("post", "/api/v1/leads"),
    ("get", "/api/v1/leads/{number}"),
    ("post", "/api/v1/watches"),
    ("delete", "/api/v1/watches/{watch}"),
    *((method, "/api/v1/subscriptions") for method in ("get", "post")),
    *((method, "/api/v1/subscriptions/{subscription}") for method in ("get", "delete")),
    *(("post", f"/api/v1/subscriptions/{{subscription}}/{word}") for word in ("replay", "pause", "resume")),
}


def document_of(server: Server) -> dict[str, Any]:
    return dict(server.api("/openapi.json"))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method, path, methods[method]


def walked(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walked(item)
    elif isinstance(value, list):
        for item in value:
            yield from walked(item)


def test_the_document_is_a_sound_openapi_document(server: Server) -> None:
    document = document_of(server)
    assert re.fullmatch(r"3\.[01]\.\d+", document["openapi"])
    assert document["info"]["title"]
    assert document["info"]["version"]
    assert document["servers"] == [{"url": "https://register.example"}]
    for node in walked(document):
        reference = node.get("$ref")
        if isinstance(reference, str):
            target: Any = document
            for part in reference.removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
    identifiers = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(identifiers)) == len(identifiers)
    for _, path, operation in operations(document):
        parameters = operation.get("parameters", [])
        assert all({"name", "in", "schema"} <= parameter.keys() for parameter in parameters)
        in_path = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert all(parameter["required"] for parameter in parameters if parameter["in"] == "path")
        names = [(parameter["name"], parameter["in"]) for parameter in parameters]
        assert len(set(names)) == len(names)
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert answer["description"]


def test_the_document_has_every_operation_and_no_other(server: Server) -> None:
    assert {(method, path) for method, path, _ in operations(document_of(server))} == EXPECTED


def test_every_operation_says_what_it_refuses(server: Server) -> None:
    for _, path, operation in operations(document_of(server)):
        for status in ("400", "401", "403", "429", "503", *(["404"] if "{" in path else [])):
            content = operation["responses"][status]["content"]
            example = content["application/problem+json"]["example"]
            assert example["status"] == int(status)
            assert example.keys() >= {"type", "title", "status", "detail", "code"}


def test_every_operation_has_every_common_refusal_with_its_headers(server: Server) -> None:
    for method, path, operation in operations(document_of(server)):
        shown = operation["responses"]
        assert shown.keys() >= openapi_refusals.COMMON.keys(), path
        assert {"413", "415"} <= shown.keys() or method != "post", path
        for status, refusal in openapi_refusals.COMMON.items():
            assert shown[status].get("headers", {}).keys() == (refusal.headers or {}).keys()


def test_requests_hold_no_other_fields_than_those_shown(server: Server) -> None:
    schemas = document_of(server)["components"]["schemas"]
    for shape in ("Claim", "Provider", "Person", "ReceiptText"):
        assert schemas[shape]["additionalProperties"] is False


def test_no_shape_is_one_or_another_which_generators_make_types_without_fields_of(server: Server) -> None:
    schemas = document_of(server)["components"]["schemas"]
    assert not any(part.keys() & {"anyOf", "allOf"} for part in walked(schemas))
    choices = [part["oneOf"] for part in walked(schemas) if "oneOf" in part]
    assert all(len(choice) == 1 or {"type": "null"} in choice for choice in choices)
    assert schemas["Provider"]["required"] == []
    for name in ("name", "uscc", "practice_licence_no", "code", "domain"):
        assert f"`{name}`" in schemas["Provider"]["description"]


def test_a_path_says_all_its_methods(server: Server) -> None:
    shown: dict[str, set[str]] = {}
    for method, path, _ in operations(document_of(server)):
        shown.setdefault(path, {"OPTIONS"}).update({"GET", "HEAD"} if method == "get" else {method.upper()})
    for path, methods in shown.items():
        answer = server.client.request(
            "OPTIONS", path.replace("{code}", "7HV2-JKMV").replace("{watch}", "1").replace("{subscription}", "1")
        )
        assert answer.status_code == 204, path
        assert set(answer.headers["allow"].split(", ")) == methods, path


def asked(server: Server, method: str, path: str, operation: dict[str, Any]) -> Any:
    """What the server answers to an operation's own example."""
    given = {item["name"]: item["example"] for item in operation.get("parameters", []) if "example" in item}
    where = {item["name"]: item["in"] for item in operation.get("parameters", [])}
    address = path
    for name, value in given.items():
        address = address.replace("{" + name + "}", str(value))
    query = {name: value for name, value in given.items() if where[name] == "query"}
    body = None
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]["example"]
    answer = server.client.request(method.upper(), address, params=query or None, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def unlike(shown: Any, found: Any, at: str) -> Iterator[str]:
    """Where two JSON values differ in shape; null may stand for anything, an empty list for any list."""
    if shown is None or found is None:
        return
    if isinstance(shown, dict) and isinstance(found, dict):
        if shown.keys() != found.keys():
            yield f"{at}: {sorted(shown.keys() ^ found.keys())}"
        for name in shown.keys() & found.keys():
            yield from unlike(shown[name], found[name], f"{at}.{name}")
    elif isinstance(shown, list) and isinstance(found, list):
        if shown and found:
            for item in found:
                yield from unlike(shown[0], item, f"{at}[]")
    elif type(shown) is not type(found) and at.rsplit(".", 1)[-1] not in ("from", "to"):
        yield f"{at}: {shown!r} and {found!r}"


#: Operations about people and penalties, which only the fictional city has.
OF_THE_FICTIONAL_CITY = {"listPractitioners", "getSupervision", "findSanctions"}


def test_every_example_has_the_shape_of_what_the_server_answers_to_it(server: Server) -> None:
    for method, path, operation in operations(document_of(server)):
        if operation["operationId"] in OF_THE_FICTIONAL_CITY | {"getEdition", "getEditionFile", "getLead"}:
            continue  # and nothing was published or reported here: other tests ask these
        if {} not in operation["security"]:
            continue  # so does another one, with a key
        shown = operation["responses"]["200"]["content"]["application/json"]["example"]
        assert not list(unlike(shown, asked(server, method, path, operation), path))


def test_every_operation_shows_a_request_that_can_be_sent(server: Server) -> None:
    for _, path, operation in operations(document_of(server)):
        shown = [item for item in operation["parameters"] if "example" in item]
        assert shown or "requestBody" in operation or path in ("/api/v1/key", "/api/v1/subscriptions"), (
            path
        )  # the key says it all


def test_the_list_and_verify_examples_are_the_servers_very_words(server: Server) -> None:
    shown = {
        operation["operationId"]: (method, path, operation)
        for method, path, operation in operations(document_of(server))
    }
    moving = {"log_size", "entry", "known_at", "log", "basis", "techniques"}
    for name in ("getInstitution", "verify"):
        method, path, operation = shown[name]
        example = operation["responses"]["200"]["content"]["application/json"]["example"]
        found = asked(server, method, path, operation)
        assert {k: v for k, v in found.items() if k not in moving} == {
            k: v for k, v in example.items() if k not in moving
        }


def test_the_practitioner_example_has_the_shape_of_a_practitioner(seeded: Cli, start: Callable[..., Server]) -> None:
    seeded.ok("seed", "--demo")
    server = start(seeded.data_dir)
    document = document_of(server)
    operation = document["paths"]["/api/v1/institutions/{code}/practitioners"]["get"]
    shown = operation["responses"]["200"]["content"]["application/json"]["example"]
    code = server.api("/institutions", q="示例市第一示例医院")["items"][0]["code"]
    found = server.api(f"/institutions/{code}/practitioners")
    assert found["items"]
    assert asked(server, "get", "/api/v1/institutions/{code}/practitioners", operation) == found
    assert not list(unlike(shown, found, "practitioners"))
    assert all("示例" in item["name"] for item in found["items"])
    for path in ("/api/v1/institutions/{code}/supervision", "/api/v1/sanctions"):
        operation = document["paths"][path]["get"]
        shown = operation["responses"]["200"]["content"]["application/json"]["example"]
        assert not list(unlike(shown, asked(server, "get", path, operation), path))
    assert not any("certificate_masked" in item for item in found["items"])


def test_the_examples_of_what_needs_a_key_have_the_shape_of_what_the_server_answers_to_it(
    seeded: Cli, start: Callable[..., Server]
) -> None:
    scopes = ("--scope", "verify", "--scope", "watch")
    key = seeded.ok("key", "add", "示例市市场监督管理局", *scopes, "--record", "--json").json["key"]
    server = start(seeded.data_dir)
    server.client.headers["Authorization"] = f"Bearer {key}"
    shown = {operation["operationId"]: parts for parts in operations(document_of(server)) for operation in [parts[2]]}
    example = lambda name: shown[name][2]["responses"]["200"]["content"]["application/json"]["example"]  # noqa: E731
    asked(server, *shown["verify"])
    since = asked(server, *shown["addWatches"])["since"]
    for name in ("getKey", "getRecordedChecks", "addWatches", "listWatches", "addSubscription", "listSubscriptions"):
        method, path, operation = shown[name]
        found = asked(server, method, path, operation)
        assert not list(unlike(example(name), found, path))
        if "items" in found:
            assert found["items"]
    changes = server.client.get("/api/v1/watches/changes", params={"since": since})
    assert changes.json().keys() == example("getWatchChanges").keys()
    number = asked(server, *shown["listWatches"])["items"][0]["watch"]
    assert server.client.delete(f"/api/v1/watches/{number}").status_code == 204


# --- QR images -------------------------------------------------------------------------------------------------------


def matrices(text: str) -> list[list[list[bool]]]:
    """The modules of a text at every level of error correction, without the quiet zone."""
    found = []
    for level in (
        qrcode.constants.ERROR_CORRECT_L,
        qrcode.constants.ERROR_CORRECT_M,
        qrcode.constants.ERROR_CORRECT_Q,
        qrcode.constants.ERROR_CORRECT_H,
    ):
        code = qrcode.QRCode(error_correction=level, border=0)
        code.add_data(text)
        code.make(fit=True)
        found.append([[bool(module) for module in row] for row in code.get_matrix()])
    return found


def modules_of_png(data: bytes) -> tuple[list[list[bool]], int, int]:
    """(modules, quiet modules around them, pixels a module) of a PNG."""
    width, height, pixels, _ = png.Reader(io.BytesIO(data)).asRGB8()
    dark = [[row[3 * x] < 128 for x in range(width)] for row in pixels]
    assert width == height
    quiet = next(y for y, row in enumerate(dark) if any(row))
    box = next(x for x, on in enumerate(dark[quiet][quiet:]) if not on) // 7  # the finder pattern is seven modules
    inner = (width - 2 * quiet) // box
    middle = [quiet + box * index + box // 2 for index in range(inner)]
    return [[dark[y][x] for x in middle] for y in middle], quiet // box, box


def modules_of_svg(data: bytes) -> tuple[list[list[bool]], int]:
    """(modules, quiet modules around them) of an SVG that draws each module as a square of one unit."""
    root = ElementTree.fromstring(data)
    side = int(root.attrib["viewBox"].split()[2])
    path = next(element for element in root.iter() if element.tag.endswith("path")).attrib["d"]
    on = {(int(x), int(y)) for x, y in re.findall(r"M(\d+),(\d+)", path)}
    quiet = min(y for _, y in on)
    inside = range(quiet, side - quiet)
    return [[(x, y) in on for x in inside] for y in inside], quiet


def test_qr_images_carry_the_public_address_of_the_landing_page(server: Server) -> None:
    code = server.api("/institutions", region="210300")["items"][0]["code"]
    known = matrices(f"https://register.example/q/{code}")
    picture, vector = server.get(f"/i/{code}/qr.png"), server.get(f"/i/{code}/qr.svg")
    assert (picture.headers["content-type"], vector.headers["content-type"]) == ("image/png", "image/svg+xml")
    modules, quiet, box = modules_of_png(picture.content)
    assert modules in known
    assert quiet >= 4
    assert box >= 8
    assert modules_of_svg(vector.content) == (modules, quiet)
    assert b'fill="#fff"' in vector.content  # a white ground of its own, so that it reads on a dark page
    assert server.get(f"/i/{code.lower().replace('-', '')}/qr.png").content == picture.content


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_there_is_no_qr_image_of_what_is_not_on_the_list(server: Server, kind: str) -> None:
    assert server.get(f"/i/7HV2-JKMW/qr.{kind}").status_code == 400
    assert server.get(f"/i/13NZ-C7GD/qr.{kind}").status_code == 404
