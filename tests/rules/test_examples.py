"""Examples in docstrings are what the code really answers."""

from __future__ import annotations

import doctest
import importlib.util
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import public_site
import registry


def modules() -> Iterator[str]:
    for package in (registry, public_site):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." not in found.name and not found.name.endswith("__main__"):
                yield found.name


def list_examples() -> Iterator[str]:
    """The modules that hold examples."""
    for name in modules():
        found = importlib.util.find_spec(name)
        if found and found.origin and ">>> " in Path(found.origin).read_text("utf-8"):
            yield name


@pytest.mark.parametrize("name", list(list_examples()))
def test_every_example_in_a_docstring_is_true(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert failed == 0, f"{failed} of {tried} examples of {name}"


def test_there_are_examples_at_all() -> None:
    finder = doctest.DocTestFinder()
    examples = [
        test for name in list_examples() for test in finder.find(importlib.import_module(name)) if test.examples
    ]
    assert len(examples) > 20
