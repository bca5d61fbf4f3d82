"""A field of an institution is a row of one table, and so is a technique: added to a copy of the source, both work.

What the copy then shows is printed by ``tests/new_rows.py``, in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.domain import fields, techniques
from registry.domain.model import Institution

ROOT = Path(__file__).parents[2]
#: What is added for a field: by file, the line before which it is written, and the text.
FIELD: dict[str, tuple[str, str]] = {
    "registry/domain/fields.py": (
        ")\nBY_NAME:",
        """    Field(
        name="website_icp",
        headings=("ICP备案号", "website_icp"),
        edition=True,
        column=Column(message=Message("备案号"), meaning=Message("网站备案号")),
    ),
""",
    ),
    "registry/domain/model.py": (
        "\n\nclass Practitioner(",
        "    website_icp: str | None = None\n",
    ),
    "registry/texts/zh_CN.po": (
        'msgid "institution.domains"',
        'msgid "institution.website_icp"\nmsgstr "网站备案号"\n\n',
    ),
    "registry/texts/en.po": (
        'msgctxt "institution.domains"',
        'msgctxt "institution.website_icp"\nmsgid "网站备案号"\nmsgstr "Website registration number"\n\n',
    ),
}
#: The same for a technique.
TECHNIQUE: dict[str, tuple[str, str]] = {
    "registry/domain/techniques.py": (
        ")\nif TYPE_CHECKING:",
        """    Technique(
        "IVM",
        "未成熟卵体外成熟培养",
        "in vitro maturation",
        "体外成熟培养",
        "in vitro maturation (IVM)",
        "090399",
        ("未成熟卵体外成熟培养", "未成熟卵体外成熟培养技术"),
        ("体外成熟",),
    ),
""",
    ),
}
MOST_FILES = 4
IGNORED = shutil.ignore_patterns(".venv", "node_modules")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the changed copy shows."""
    copy = tmp_path_factory.mktemp("copy")
    for package in ("registry", "public_site", "tests", "seed_data"):
        shutil.copytree(ROOT / package, copy / package, ignore=IGNORED)
    for name, (before, text) in [*FIELD.items(), *TECHNIQUE.items()]:
        path = copy / name
        source = path.read_text("utf-8")
        assert source.count(before) == 1, f"{name} has no one place for a row"
        path.write_text(source.replace(before, text + before), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "tests.new_rows", str(copy / "var")],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


def test_a_field_takes_few_files_and_a_technique_one_row() -> None:
    assert len(FIELD) <= MOST_FILES and len(TECHNIQUE) == 1


def test_the_new_field_is_imported_and_answered(shown: dict[str, Any]) -> None:
    assert shown["institution"]["website_icp"] == "辽ICP备00000000号"


def test_the_new_field_stands_on_the_page(shown: dict[str, Any]) -> None:
    assert "<dt>网站备案号</dt><dd>辽ICP备00000000号</dd>" in shown["page"]
    assert "<dt>Website registration number</dt>" in shown["english"]


def test_the_new_field_is_asked_for_by_the_form(shown: dict[str, Any]) -> None:
    assert '<label for="website_icp">网站备案号</label>' in shown["form"]
    assert 'name="website_icp" value="辽ICP备00000000号"' in shown["form"]
    assert 'name="website_icp" value=""' in shown["new_form"]
    assert all(text in shown["check"] for text in ("网站备案号", "辽ICP备00000000号", "辽ICP备11111111号"))


def test_the_new_field_has_a_name_in_imports(shown: dict[str, Any]) -> None:
    assert (shown["use"], shown["difference"]) == ("网站备案号", "Website registration number")


def test_the_new_field_is_a_column_of_editions_and_a_property(shown: dict[str, Any]) -> None:
    assert shown["edition"]["ICP备案号"] == "辽ICP备00000000号"
    assert shown["property"] == [{"str": "辽ICP备00000000号"}]


def test_the_new_technique_is_found_and_judged(shown: dict[str, Any]) -> None:
    assert [approval["technique"] for approval in shown["institution"]["approvals"]] == ["IVM"]
    assert "鞍山市示例医院" in shown["searched"] and "大连市示例医院" not in shown["searched"]
    assert (shown["verdict"], shown["other_verdict"]) == ("licensed", "technique_not_licensed")


def test_the_new_technique_is_offered_counted_and_documented(shown: dict[str, Any]) -> None:
    assert 'name="stage.IVM"' in shown["new_form"]
    assert 'name="also" value="IVM"' in shown["approval_form"]
    assert "未成熟卵体外成熟培养" in shown["template"]
    assert {one["technique"]: one["count"] for one in shown["stats"]["by_technique"]}["IVM"] == 1
    assert "IVM" in shown["document"]["properties"]["technique"]["enum"]


def test_the_table_has_the_fields_that_the_public_sees() -> None:
    of_the_record = {"code", "standing", "former_names", "approvals", "source", "entry", "log_size"}
    names = {field.name for field in msgspec.structs.fields(Institution)} - of_the_record
    assert {field.name for field in fields.PUBLIC} == names
    assert len(fields.BY_NAME) == len(fields.FIELDS)


def test_the_stages_of_every_technique_have_a_bit_of_their_own() -> None:
    assert len(techniques.TECHNIQUES) * len(techniques.STAGES) < 64  # of a signed integer of 64 bits


def test_every_narrower_technique_is_within_one_that_has_broad_words() -> None:
    wider = {technique.within for technique in techniques.TECHNIQUES} - {None}
    assert wider == {technique.code for technique in techniques.TECHNIQUES if technique.broad}
