"""The documents cover every setting, command, operation and dependency; the lock files; nothing of any one machine."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from registry import settings
from registry.api.openapi import load_examples
from registry.cli import main
from registry.server.app import build_app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "seed_data").glob("*.md")),
]
READMES = ("README.md", "README.zh-CN.md")
LOCKS = ("requirements.lock", "requirements-dev.lock")
#: What names one machine, one mirror, or somebody's way of working; none of it belongs into a product.
FOREIGN = re.compile(
    r"/(?:work|home|root|Users)/\w|--(?:extra-)?index-url|--find-links|(?:index|trusted)-(?:url|host)\s*="
)


def documents() -> str:
    return "\n".join(path.read_text("utf-8") for path in DOCUMENTS)


def commands(group: click.Group = main, before: str = "registry") -> list[str]:
    found = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command, path = group.get_command(context, name), f"{before} {name}"
        assert command is not None, path
        found += commands(command, path) if isinstance(command, click.Group) else [path]
    return found


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("variable", [variable for variable, _, _ in settings.list_settings()])
def test_every_setting_is_documented(variable: str) -> None:
    assert f"`{variable}`" in documents()


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    assert command in documents()


def test_no_document_names_a_command_that_does_not_exist() -> None:
    groups = {command.split()[1] for command in commands() if len(command.split()) > 2}
    for said in re.findall(r"`registry ((?:[a-z][a-z-]* ?)+)", documents()):
        words = said.split()
        known = f"registry {' '.join(words[:2] if words[0] in groups and len(words) > 1 else words[:1])}"
        assert any(f"{command} ".startswith(f"{known} ") for command in commands()), said


def operations() -> list[tuple[str, str, str]]:
    schema = build_app(settings.Settings()).openapi_schema.to_schema()
    return [
        (method.upper(), path, operation["operationId"])
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "post", "delete")
    ]


@pytest.mark.parametrize(("method", "path", "identifier"), operations())
def test_every_operation_is_documented_and_has_an_example(method: str, path: str, identifier: str) -> None:
    short = path.removeprefix("/api/v1")
    assert re.search(rf"{method}[`\s]+(?:/api/v1)?{re.escape(short)}(?![/\w])", documents())
    assert identifier in load_examples()


def test_no_example_is_of_an_operation_that_does_not_exist() -> None:
    assert {identifier for _, _, identifier in operations()} == set(load_examples())


def test_links_between_documents_lead_somewhere() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


# --- the two READMEs -------------------------------------------------------------------------------------------------


def examples(readme: str) -> list[str]:
    """The commands of a README: its indented lines, without what is said of them."""
    lines = re.findall(r"^ {4}(\S.*)$", (ROOT / readme).read_text("utf-8"), re.M)
    return [re.split(r"\s+#", line)[0].strip() for line in lines]


def test_both_readmes_have_the_same_commands_and_links() -> None:
    links = [
        sorted(set(re.findall(r"\]\(([^)]+)\)", (ROOT / readme).read_text("utf-8"))) - set(READMES))
        for readme in READMES
    ]
    assert links[0] == links[1]
    assert examples(READMES[0]) == examples(READMES[1]) != []


@pytest.mark.parametrize("line", sorted({line for readme in READMES for line in examples(readme)}))
def test_a_command_of_a_readme_exists_with_its_options(line: str) -> None:
    program, *arguments = shlex.split(line)
    if program == "make":
        assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text("utf-8"), re.M)
        return
    if program == "curl":
        return
    assert program == ".venv/bin/registry"
    command: click.Command = main
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments.pop(0))
        assert found is not None, line
        command = found
    parser = command.make_parser(click.Context(command))
    parser.parse_args(arguments)  # raises where an option or an argument is none of the command's


# --- dependencies ----------------------------------------------------------------------------------------------------


def test_every_dependency_is_in_the_table_with_what_it_is_for() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = told["dependency-groups"].values()
    named = [*told["project"]["dependencies"], *(one for group in groups for one in group)]
    wanted = {re.split(r"[\s<>=\[;]", one)[0].lower() for one in named}
    rows = re.findall(r"^\| ([\w.-]+) \|(.*)\|$", (ROOT / "docs" / "dependencies.md").read_text("utf-8"), re.M)
    table = {
        name: [cell.strip() for cell in cells.split("|")] for name, cells in rows if name not in ("package", "what")
    }
    assert wanted - set(table) == set()
    assert set(table) - wanted - {"advisories"} == set()
    assert all(all(cells) for cells in table.values())


# --- lock files ------------------------------------------------------------------------------------------------------


def requirements(lock: str) -> dict[str, str]:
    """name -> its lines, of every requirement of a lock file."""
    text = (ROOT / lock).read_text("utf-8")
    found = re.findall(r"^([A-Za-z0-9][^\s=]*)==([^\\]+(?:\\\n[^\n]*)*)", text, re.M)
    return {name.split("[")[0].lower(): lines for name, lines in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_and_hashes_everything_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, re.M)
    pinned = requirements(lock)
    named = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    assert len(named) == len(pinned) > 20
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", lines) for lines in pinned.values())


def test_every_dependency_is_in_a_lock_file() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    def names(wanted: list[str]) -> set[str]:
        return {re.split(r"[\s<>=\[;]", one)[0].lower() for one in wanted}

    groups = told["dependency-groups"]
    assert names([*told["project"]["dependencies"], *groups["build"]]) <= requirements("requirements.lock").keys()
    assert names(groups["dev"]) <= requirements("requirements-dev.lock").keys()


def test_the_two_lock_files_agree() -> None:
    run, dev = (requirements(lock) for lock in LOCKS)
    assert {name: run[name].split()[0] for name in run.keys() & dev.keys()} == {
        name: dev[name].split()[0] for name in run.keys() & dev.keys()
    }


# --- nothing of any one machine --------------------------------------------------------------------------------------


def test_no_file_names_a_machine_or_an_index() -> None:
    found = []
    for path in tracked():
        if path.name == Path(__file__).name or path.suffix in (".png", ".docx", ".xlsx"):
            continue
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1):
            if FOREIGN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []
