"""The API does what its document says, whatever is sent: no 5xx, no answer that the document does not have.

Schemathesis makes requests from the document, right ones and wrong ones, and compares the answers with it.
REGISTRY_FUZZ_SECONDS=600 tries for that long; without it the same requests are made every time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from tests import fuzzing
from tests.running import Cli, Server

SECONDS = os.environ.get("REGISTRY_FUZZ_SECONDS", "")


@pytest.mark.skipif(os.environ.get("REGISTRY_TESTS_WITHOUT_SCHEMATHESIS") == "1", reason="asked for")
def test_the_api_answers_as_its_document_says_to_whatever_is_sent(seeded: Cli, start: Callable[..., Server]) -> None:
    assert fuzzing.PROGRAM.exists(), "Schemathesis is not installed: bash tests/setup.sh schemathesis"
    seeded.ok("seed", "--demo")
    fuzzing.publish(seeded)
    key = fuzzing.a_key(seeded)
    server = start(seeded.data_dir, REGISTRY_ANONYMOUS_LIMIT="0")
    bounds = ("--max-time", SECONDS) if SECONDS else ("--max-examples", str(fuzzing.EXAMPLES))
    done = fuzzing.run(server, key, *bounds)
    assert fuzzing.found(done) is None, fuzzing.found(done)
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated and int(generated[1]) > 30 * fuzzing.EXAMPLES, done.stdout
    assert "error" not in server.errors.read_text().lower()


def test_a_run_that_left_something_out_does_not_pass() -> None:
    told = " Selected: 2/2\n Tested: 2\n  ✅ Examples\n  ✅ Coverage\n  {} Fuzzing\n"
    for status, mark, error in ((0, "⏭ ", ""), (1, "✅", ""), (0, "✅", "Traceback"), (0, "❌", "")):
        assert fuzzing.found(CompletedProcess([], status, told.format(mark), error)) is not None
    assert fuzzing.found(CompletedProcess([], 0, told.format("✅").replace("Tested: 2", "Tested: 1"), "")) is not None
    assert fuzzing.found(CompletedProcess([], 0, told.format("✅"), "")) is None
