"""Names as a stranger reads them: functions say what they do, classes and modules are nouns of the field."""

from __future__ import annotations

import ast
import pkgutil
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import registry

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for package in ("registry", "public_site")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]
#: What a function may begin with: verbs in their base form, questions that are answered by yes or no, and to/from/on.
VERBS = """
    accept act add admit allow amend answer append apply approve ask assign batch begin bind blur build can cancel
    capture catch change check choose classify clean clear close collect comment compact compare compile complete
    compose compute confirm connect contains continue convert copy correct cosign count create cut decide decode
    delay delete delist derive describe detect digest discard download drain draw drop encode end enrol ensure enter
    erase escape examine exchange expand explain export extend extract fail feed fetch fill find finish fit flatten
    flush fold follow forget format free from get give group guard handle has hash hold ignore import index inflate
    inherit insert inspect install is issue iterate join judge keep kill leave limit linger link list load locate
    lock log lower make map mark mask match may measure mend merge migrate mirror move name narrow needs normalise
    note observe on open order overlap pace pair parse patch perform pin ping plan pluralise preload prepare prepend
    preview print propose prove publish purge put quote raise rank read reap rebuild receive recognise record
    recreate redirect reduce refill refresh refuse reject release remove render renew reopen replace report require
    reread reset resolve restart restore retire return review revoke rewrite rotate route run save scan score seal
    search select send serve set share shorten show sign silence simplify skip slice sort spell spend split start
    stop store stream strip submit suggest summarise suspend swap switch take terminate thin tidy tighten to
    translate try tune understand unregister update upsert use vacuum verify wait walk warm warn watch withdraw
    witness wrap write
    pause replay resume subscribe unsubscribe
"""
#: Words that were riddles: no function, class, module or argument of a function may be called by them.
BANNED = {
    *("told", "tell", "said", "say", "spoken", "spelt", "heard", "hear", "hearing", "voice", "kept", "made", "asked"),
    *("judged", "ruled", "stated", "matched", "deed", "deeds", "beside", "aside", "alike", "likenesses", "blanks"),
    *("trail", "territory", "foreseen", "settle", "settled", "essence", "packed", "parted", "begun"),
}
#: Of these, what no local variable is called either.
BANNED_LOCALLY = {"told", "said", "kept", "made", "judged", "stated", "deed", "beside"}
#: Nouns that end like participles: a data set, a list of changes, the art of setting type, an order, a legal state, the
#: parts of a message; and adjectives in names of the field: a signing key, a trusted key, an embedded engine.
NOUNS = {"feed", "ranking", "standing", "signing", "trusted", "embedded"}
#: Names that a library, the server's configuration or the shell calls; ``Database.reading`` and ``.writing`` are words
#: of the product.
PROMISED = {
    *("data_received", "connection_made", "connection_lost", "capture_signals", "startup", "shutdown"),
    *(
        "addObjects",
        "body",
        "dump_bytecode",
        "fileno",
        "filter",
        "getall",
        "invoke",
        "json",
        "main",
        "reading",
        "writing",
    ),
}
LONGEST_SHARE_OF_ONE_WORD = 0.10


class Function(NamedTuple):
    """A function of the product, where it stands, and its arguments; properties and commands of the shell are nouns."""

    place: str
    name: str
    arguments: tuple[str, ...]
    is_verb: bool


@cache
def list_nodes(path: Path) -> list[ast.AST]:
    """Every node of a file, which no test changes."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def list_functions() -> Iterator[Function]:
    for path in SOURCES:
        place = str(path.relative_to(ROOT))
        for node in list_nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__"):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                decorators = [ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list]
                is_verb = not any(re.search("property$|[.](?:setter|command|group)$", name) for name in decorators)
                yield Function(place, node.name, tuple(one.arg for one in arguments), is_verb)


def list_classes() -> Iterator[tuple[str, str]]:
    for path in SOURCES:
        for node in list_nodes(path):
            if isinstance(node, ast.ClassDef):
                yield str(path.relative_to(ROOT)), node.name


def test_functions_begin_with_a_verb() -> None:
    verbs = set(VERBS.split())
    others = [
        f"{one.place}: {one.name}"
        for one in list_functions()
        if one.is_verb and one.name not in PROMISED and one.name.strip("_").split("_")[0] not in verbs
    ]
    assert others == []


def test_only_what_is_there_is_promised() -> None:
    assert PROMISED - {one.name for one in list_functions()} == set()


def test_few_functions_are_called_by_one_word() -> None:
    names = [one.name for one in list_functions()]
    short = [name for name in names if "_" not in name.strip("_")]
    assert len(short) / len(names) < LONGEST_SHARE_OF_ONE_WORD


def test_no_name_is_a_riddle() -> None:
    functions = [one for one in list_functions() if one.name not in PROMISED]
    names = [(one.place, part) for one in functions for part in one.name.split("_")]
    names += [(place, part.lower()) for place, name in list_classes() for part in re.findall("[A-Z][a-z]*", name)]
    names += [(str(path), part) for path in SOURCES for part in path.stem.split("_")]
    assert [f"{place}: {part}" for place, part in names if part in BANNED] == []


def test_arguments_say_what_they_hold() -> None:
    found = [f"{one.place}: {one.name}({argument})" for one in list_functions() for argument in one.arguments]
    assert [line for line in found if line.rsplit("(", 1)[1].rstrip(")") in BANNED] == []


def list_local_names() -> Iterator[tuple[str, str]]:
    """Names that functions and modules assign to; those of a class are its fields."""
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        fields = {id(line.target) for node in classes for line in node.body if isinstance(line, ast.AnnAssign)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in fields:
                yield str(path.relative_to(ROOT)), node.id


def test_local_variables_say_what_they_hold() -> None:
    assert [f"{place}: {name}" for place, name in list_local_names() if name in BANNED_LOCALLY] == []


def test_no_module_is_named_by_a_participle() -> None:
    names = [part for path in SOURCES for part in path.stem.split("_")]
    assert [name for name in names if re.search("(?:ed|ing)$", name) and name not in NOUNS] == []
    assert NOUNS - set(names) == set()


def test_few_classes_share_a_name() -> None:
    counts = Counter(name for _, name in list_classes())
    assert [name for name, count in counts.items() if count > 2] == []
    assert len([name for name, count in counts.items() if count > 1]) <= 8


def test_the_root_has_few_names_and_the_layers_are_packages() -> None:
    names = [module.name for module in pkgutil.iter_modules(registry.__path__)]
    assert len(names) <= 27
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    assert len(layers) <= 14
    modules = [name for contract in contracts for name in contract.get("source_modules", [])]
    assert [name for name in modules if name.count(".") > 1] == []


def test_nothing_lies_deeper_than_two_packages() -> None:
    packages = [path.parent.relative_to(ROOT) for path in SOURCES if path.name == "__init__.py"]
    assert [str(one) for one in packages if len(one.parts) > 3] == []
