"""The first ten minutes of the READMEs, as somebody with a fresh copy has them: every command, in their order.

That both READMEs have the same commands is tested in ``tests/rules/test_docs.py``.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
from pathlib import Path

from tests.copies import REGISTRY
from tests.running import PASSWORD, PATIENCE, environment, free_port

ROOT = Path(__file__).parents[2]
#: What each command must say, by its beginning; what is not here only has to succeed.
SAYS = {
    ".venv/bin/registry search": "盛京医院",
    ".venv/bin/registry verify 沈阳": "technique_not_licensed: ",
    ".venv/bin/registry verify 鞍山": "unknown: ",
    ".venv/bin/registry log check": "intact",
}


def examples() -> list[str]:
    lines = re.findall(r"^ {4}(\S.*)$", (ROOT / "README.md").read_text("utf-8"), re.M)
    return [re.split(r"\s+#", line)[0].strip() for line in lines]


def test_every_command_of_the_readme_does_what_it_says(tmp_path: Path) -> None:
    first, *commands = examples()
    assert first == "make run"  # which is `registry serve --setup` in a folder where nothing is yet
    env = environment(tmp_path / "var")
    port = free_port()
    server = subprocess.Popen(
        [REGISTRY, "serve", "--setup", "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    )
    try:
        assert server.stdout is not None
        line = ""
        while "http://" not in line:
            line = server.stdout.readline().decode()
            assert line, "make run ended"
        ran = {}
        for command in commands:
            text = command.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{port}")
            text = text.replace("var/register.backup", str(tmp_path / "register.backup"))
            program, *arguments = shlex.split(text)
            done = subprocess.run(
                [REGISTRY if program == ".venv/bin/registry" else program, *arguments],
                input=PASSWORD * 2,
                capture_output=True,
                text=True,
                env=env,
                check=False,
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            ran[command] = done.stdout
        for start, word in SAYS.items():
            assert any(word in out for command, out in ran.items() if command.startswith(start)), (start, ran)
        (asked,) = [out for command, out in ran.items() if command.startswith("curl")]
        assert json.loads(asked)["verdict"] == "licensed"
        assert (tmp_path / "register.backup").stat().st_size > 0
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=PATIENCE)
        server.stdout.close()
