"""The checkout under test: what must be built in it, how its command is run, and registries made for a test."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = ROOT / ".build" / "release" / "gatehouse"
WORKER = ROOT / ".build" / "release" / "gatehouse-worker"
MODEL = ROOT / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
SCREEN_TEXT = ROOT / "Plugins" / "ScreenText" / "build" / "libscreen-text.so"
# The plugins of the default registry as most tests count on them: each part goes to one, none has weights or a gate.
REGISTRY = pathlib.Path(__file__).with_name("registry.json")
IMAGES = ROOT / "Plugins" / "ScreenText" / "Tests" / "images"

NEEDED = {
    BINARY: "build it by: swift build -c release",
    WORKER: "build it by: swift build -c release",
    SCREEN_TEXT: "build it by: make -C Plugins/ScreenText",
    MODEL: "fetch it by: ./run_server.sh",
}

# No command takes longer than this, whatever the machine; one that does hangs.
PATIENCE = 120


def require():
    """Fails with a sentence where something that every test needs is missing."""
    for path, remedy in NEEDED.items():
        if not path.exists():
            raise AssertionError(f"{path.relative_to(ROOT)} is missing; {remedy}")


def environment(data):
    """The caller's environment without its settings, with everything that a daemon keeps under the folder `data`."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
    variables |= {"XDG_DATA_HOME": str(data), "GATEHOUSE_CONFIG": ""}
    variables.pop("XDG_RUNTIME_DIR", None)
    return variables


def run(*words, stdin="", data="/nonexistent", folder=ROOT, **variables):
    """Runs `gatehouse words…` to its end, in `folder`, with `variables` in its environment."""
    require()
    return subprocess.run(
        [BINARY, *map(str, words)], input=stdin, capture_output=True, text=True, timeout=PATIENCE, cwd=folder,
        env={**environment(data), **variables})


def answer(*words, **options):
    """What `gatehouse words…` prints; fails where it does not end well."""
    result = run(*words, **options)
    if result.returncode != 0:
        raise AssertionError(f"gatehouse {words[0]} ended with {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def token_count(text):
    """Tokens of `text` alone, none of them a control token."""
    return json.loads(answer("tokenize", "--json", "--", text))["count"] if text else 0


def tokens(text):
    """Ids of `text` alone."""
    return json.loads(answer("tokenize", "--json", "--", text))["ids"]


def build_fixture(folder):
    """Builds the plugins of fixture.c and returns the library's path."""
    library = pathlib.Path(folder) / "libfixture.so"
    headers = ROOT / "SDK" / "Sources" / "CGatehouse" / "include"
    source = pathlib.Path(__file__).with_name("fixture.c")
    command = [os.environ.get("CC", "cc"), "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror",
               "-O1", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{headers}", source, "-o", library]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(f"fixture.c does not build: {result.stderr}")
    return library


def plugin(library, plugin_id="screen-text", modality="image", accepts=("image/png", "image/jpeg"), version="0.1.0",
           **fields):
    """One element of a registry's `plugins`."""
    return {"id": plugin_id, "modality": modality, "accepts": list(accepts),
            "versions": [{"version": version, "library": str(library)}], **fields}


def write_registry(folder, *plugins):
    """Writes a registry into `folder` and returns its path."""
    path = pathlib.Path(folder) / "registry.json"
    path.write_text(json.dumps({"format": 1, "plugins": plugins, "rules": []}))
    return path
