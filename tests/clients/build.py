"""Clients of the API in five languages, generated from its document and compiled together with a program that asks.

The result is cached in ``.build`` by what it was made from: nothing is generated while the document stays the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock

FOLDER = Path(__file__).parent
PROGRAMS = FOLDER / "programs"
_BUILD = FOLDER / ".build"
_BIN = FOLDER / ".venv" / "bin"
_NODE = FOLDER / "node_modules" / ".bin"
#: Name of the client -> options of openapi-generator beside those of all.
_GENERATED: dict[str, dict[str, object]] = {
    "python": {"generatorName": "python", "additionalProperties": {"packageName": "art_register"}},
    "java": {
        "generatorName": "java",
        "library": "native",
        "additionalProperties": {"openApiNullable": "false", "documentationProvider": "none"},
    },
    "go": {"generatorName": "go", "additionalProperties": {"packageName": "client", "withGoMod": "false"}},
    "typescript-fetch": {"generatorName": "typescript-fetch"},
}
CLIENTS = (*_GENERATED, "openapi-python-client", "openapi-typescript")
#: Seconds after which a generator or compiler hangs.
_TIMEOUT = 300


def find_missing_tools() -> list[str]:
    """The programs that are not there and that `bash tests/setup.sh clients` installs."""
    programs = [str(_BIN / "openapi-python-client"), str(_NODE / "tsc"), "java", "javac", "go", "node"]
    return [program for program in programs if shutil.which(program) is None]


def build_clients(document: bytes) -> dict[str, list[str]]:
    """Build every client of CLIENTS for this OpenAPI document; return the command of each, to run with ADDRESS CLAIMS.

    RuntimeError with the last words of a generator or compiler that failed.
    """
    folder = _BUILD / _hash_sources(document)
    with FileLock(_BIN.parent / "clients.lock"):  # one of several processes that test builds, the others wait for it
        if not (folder / "done").exists():
            _build_in(folder, document)
    python, java = str(_BIN / "python"), f"{folder / 'java' / 'classes'}{os.pathsep}{_find_jar()}"
    return {
        "python": [python, str(folder / "python" / "generator_python.py")],
        "java": ["java", "-cp", java, "Ask"],
        "go": [str(folder / "go" / "ask")],
        "typescript-fetch": ["node", str(folder / "typescript" / "ask_fetch.js")],
        "openapi-python-client": [python, str(folder / "python" / "typed_python.py")],
        "openapi-typescript": ["node", str(folder / "typescript" / "ask_types.js")],
    }


def _build_in(folder: Path, document: bytes) -> None:
    shutil.rmtree(_BUILD, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "openapi.json").write_bytes(document)
    generate = (_generate_by_openapi_generator, _generate_python_client, _generate_types)
    compile_sources = (_compile_java, _compile_go, _compile_typescript)
    for steps in (generate, compile_sources):
        _run_steps(folder, steps)
    (folder / "done").touch()


def _hash_sources(document: bytes) -> str:
    """The hash of everything that the clients are made from."""
    state = hashlib.sha256(document)
    for path in sorted([*FOLDER.glob("*.*"), *PROGRAMS.iterdir()]):
        if path.is_file():
            state.update(path.name.encode() + b"\0" + path.read_bytes())
    return state.hexdigest()[:16]


def _run_steps(folder: Path, steps: tuple[Callable[[Path], None], ...]) -> None:
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(step, folder) for step in steps]:
            done.result()


def _run(command: list[object], folder: Path, **env: str) -> None:
    path = f"{_BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**os.environ, "PATH": path, **env},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} -> {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")


def _find_jar() -> Path:
    """The generator itself, which also holds the JSON library that the Java client wants."""
    return next((FOLDER / ".venv").glob("lib/*/site-packages/openapi_generator_cli/openapi-generator.jar"))


def _generate_by_openapi_generator(folder: Path) -> None:
    places = {"python": "python", "java": "java", "go": "go/client", "typescript-fetch": "typescript/client"}
    configurations = []
    for name, options in _GENERATED.items():
        configuration = folder / f"{name}.json"
        output = {"inputSpec": str(folder / "openapi.json"), "outputDir": str(folder / places[name])}
        configuration.write_text(json.dumps({**options, **output}))
        configurations.append(configuration)
    _run(["java", "-jar", _find_jar(), "batch", "--fail-fast", *configurations], folder)
    shutil.copy(PROGRAMS / "generator_python.py", folder / "python")


def _generate_python_client(folder: Path) -> None:
    package = folder / "python" / "art_register_client"
    package.parent.mkdir(exist_ok=True)
    options = ["--meta", "none", "--output-path", package]
    _run(["openapi-python-client", "generate", "--path", "openapi.json", *options], folder)
    shutil.copy(PROGRAMS / "typed_python.py", folder / "python")


def _generate_types(folder: Path) -> None:
    (folder / "typescript").mkdir(exist_ok=True)
    _run([_NODE / "openapi-typescript", "openapi.json", "-o", "typescript/register.ts"], folder)


def _compile_java(folder: Path) -> None:
    sources = [*(folder / "java" / "src" / "main").rglob("*.java"), *PROGRAMS.glob("*.java")]
    _run(["javac", "-nowarn", "-proc:none", "-cp", _find_jar(), "-d", "java/classes", *sources], folder)


def _compile_go(folder: Path) -> None:
    module = folder / "go"
    (module / "go.mod").write_text("module example.invalid/register\n\ngo 1.18\n")
    shutil.copy(PROGRAMS / "ask.go", module)
    # Nothing but the standard library: what is missing must fail here and not be looked for elsewhere.
    _run(["go", "build", "-o", "ask", "ask.go"], module, GOPROXY="off", GOFLAGS="-mod=mod", GO111MODULE="on")


def _compile_typescript(folder: Path) -> None:
    place = folder / "typescript"
    for name in ("ask_fetch.ts", "ask_types.ts"):
        shutil.copy(PROGRAMS / name, place)
    shutil.copy(FOLDER / "tsconfig.json", place)
    _run([_NODE / "tsc", "-p", "."], place)
