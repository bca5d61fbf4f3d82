"""The reconciliation client py-reconciliation-service-api in an environment of its own, made once by tests/setup.sh."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
MISSING = (
    "没有对账客户端 / no reconciliation client: bash tests/setup.sh reconciliation (needs the package registry); "
    "REGISTRY_TESTS_WITHOUT_RECONCILIATION_CLIENT=1 leaves these tests out"
)


def asked_by_client(address: str, questions: list[dict[str, Any]]) -> dict[str, Any]:
    """What the client understood of a service and of its answers to some queries."""
    if not (HERE / ".venv" / ".done").exists():
        subprocess.run(["bash", HERE.parent / "setup.sh", "reconciliation"], check=False, timeout=300)
    if not PYTHON.exists():
        pytest.fail(MISSING, pytrace=False)
    done = subprocess.run(
        [PYTHON, HERE / "client.py", address],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={"PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
