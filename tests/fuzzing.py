"""Every operation of the API tried with what its own document says, and with what it forbids, by Schemathesis.

`python -m tests.fuzzing --seconds 600` makes a register and tries it for so long; the test suite does it for a minute.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from registry.clients.keys import SCOPES
from registry.domain.techniques import STAGES, TECHNIQUES
from tests.explained import OTHER_USCC, UNUSED_USCC, USCC
from tests.running import PASSWORD, Cli, Server, serving
from tests.thoroughness import THOROUGH

FOLDER = Path(__file__).with_name("schemathesis")
PROGRAM = FOLDER / ".venv" / "bin" / "schemathesis"
PHASES = "examples,coverage,fuzzing"
#: Test cases of an operation in each phase of generated data; with the seed they are the same every time.
EXAMPLES, SEED = 40 if THOROUGH else 16, 20250630
NAMES = ("鞍山市妇儿医院", "沈阳市妇幼保健院", "辽宁省妇幼保健院", "示例市第一示例医院", "查无此院")


def samples(server: Server) -> dict[str, list[str]]:
    """Values of every format that the document names, from the register that will be tried."""
    items = server.api("/institutions", limit=20)["items"]
    cursor = server.api("/institutions", limit=5)["next"]
    claim: dict[str, Any] = {"provider": {"name": NAMES[0]}, "techniques": ["IVF"], "receipt": True}
    asked = [
        {**claim, "on": "2025-07-01"},
        {**claim, "text": "试管婴儿包成功"},
        {**claim, "practitioner": {"name": "示例员"}},
    ]
    return {
        "names": list(NAMES),
        "art-code": [*(item["code"] for item in items), "13NZ-C7GD"],
        "uscc": [USCC, OTHER_USCC, UNUSED_USCC],
        "domain": ["hospital.example", "www.hospital.example", "示例医院.example"],
        "region-code": ["210000", "210300", "210303", "310000"],
        "stage": list(STAGES),
        "cursor": ["", *([cursor] if cursor else [])],
        "art-receipt": [server.verify(**one)["receipt"] for one in asked],
        "watch-place": [f"{server.api('/stats')['log_size']}.2025-06-30"],
        "edition": ["latest", "1", "99", "latest-210000"],
        "lead-number": ["7K2M-9QX4-0000-000W", "7k2m9qx40000000w"],
        "report": ["朋友圈广告称包成功", "a report", "示例  线索 的内容"],
        "picture-base64": [a_picture()],
        "account": ["微信公众号:示例助孕", "weibo:nobody", "抖音：示例账号"],
        "technique": [word for one in TECHNIQUES for word in (one.code, one.plain_zh, *one.said[:2])],
    }


def a_picture() -> str:
    """A small picture as JSON holds it."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def a_key(cli: Cli) -> str:
    """A key that may do everything, as often as it likes."""
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    limits = ("--per-minute", 10**9, "--per-day", 10**9)
    return str(cli.ok("key", "add", "示例市市场监督管理局", *scopes, *limits, "--record", "--json").json["key"])


def publish(cli: Cli) -> None:
    """One edition of the list, so that there is something at the addresses of editions."""
    for role in ("publisher", "approver"):
        cli.ok("user", "add", f"fuzz.{role}", "--role", role, input=PASSWORD)
    made = cli.ok("publish", "--title", "示例名单", "--by", "fuzz.publisher", "--json").json["proposal"]
    cli.ok("approve", made, "--by", "fuzz.approver")


def run(server: Server, key: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Try a server with a key; what Schemathesis said, and its exit status: 0 when nothing was found.

    One thread: with several the order of requests differs, and CPython 3.11 compiles wrongly now and then.
    """
    with tempfile.TemporaryDirectory() as scratch:
        held = Path(scratch) / "samples.json"
        held.write_text(json.dumps(samples(server), ensure_ascii=False), "utf-8")
        command = [
            *(str(PROGRAM), "--config-file", str(FOLDER / "schemathesis.toml"), "run"),
            *(f"{server.url}/api/v1/openapi.json", "--url", server.url, "--workers", "1"),
            *("--header", f"Authorization: Bearer {key}"),
            *("--phases", PHASES, "--seed", str(SEED), *arguments),
        ]
        env = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": scratch,
            "SAMPLES": str(held),
            "PYTHONPATH": str(FOLDER),
        }
        return subprocess.run(command, cwd=scratch, env=env, capture_output=True, text=True, check=False)


def found(done: subprocess.CompletedProcess[str]) -> str | None:
    """What speaks against a run: something found, or something that was not tried; None when nothing does."""
    told = f"{done.stdout}\n{done.stderr}"
    tried = re.search(r"Selected: (\d+)/(\d+)\s+Tested: (\d+)", told)
    ran = set(re.findall(r"^ +✅ (Examples|Coverage|Fuzzing)$", told, re.MULTILINE))
    whole = tried is not None and len(set(tried.groups())) == 1 and len(ran) == len(PHASES.split(","))
    return None if done.returncode == 0 and whole and "Traceback" not in told else told


def main() -> int:
    """The longer run for people."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="how long to try (default: 600)")
    parser.add_argument("--seed", type=int, help="another seed than the suite's")
    given = parser.parse_args()
    more = [] if given.seed is None else ["--seed", str(given.seed)]
    with tempfile.TemporaryDirectory() as folder:
        cli = Cli(Path(folder) / "var")
        cli.ok("init")
        cli.ok("seed", "--demo")
        publish(cli)
        key = a_key(cli)
        with serving(cli.data_dir, REGISTRY_ANONYMOUS_LIMIT="0") as server:
            done = run(server, key, "--max-time", str(given.seconds), "--max-examples", "100000", *more)
    print(done.stdout, done.stderr, sep="\n")
    return 0 if found(done) is None else 1


if __name__ == "__main__":
    sys.exit(main())
