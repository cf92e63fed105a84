"""The base of the image, made on the spot: a Debian with Python, and the locked wheels where its pip finds them.

The Dockerfile is built as it is: its one build argument gives it this base, whose pip is set up to take these wheels.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.rig.making import make_once
from tests.rig.registry import Image, Registry, file_blob, layer

ROOT = Path(__file__).resolve().parents[2]
NAME = "rig/python"
PIP = b"[global]\nno-index = true\nfind-links = /wheels\n"
PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
GLIBC = ("2_5", "2_12", "2_17", "2_24", "2_26", "2_27", "2_28", "2_31", "2_34", "2_35", "2_38", "2_39")


def pushed(registry: Registry, state: Path) -> str:
    """Make what is missing in ``state``, push it; return name and digest, without the registry's address."""
    python = python_version((ROOT / "Dockerfile").read_text("utf-8"))
    wheels = _wheels(state, python)
    base = make_once(Path(__file__).with_name("base.sh"), state / "python.tar", str(_pip(state)), python, of=python)
    files: dict[str, bytes | None] = {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in sorted(wheels.iterdir())}
    layers = [file_blob(base), layer(files | {"etc/pip.conf": PIP})]
    digest = registry.push(NAME, "1", Image(layers, command=["python3"], environment={"PATH": PATH, "LANG": "C.UTF-8"}))
    return f"{NAME}@{digest}"


def python_version(dockerfile: str) -> str:
    """Return the minor version of the Python whose image the Dockerfile names, such as ``3.13``."""
    named = re.search(r"^ARG BASE=python:(3\.\d+)\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", dockerfile, re.MULTILINE)
    assert named, "the Dockerfile names no image of Python, with its digest, as the default of BASE"
    return named[1]


def _wheels(state: Path, python: str) -> Path:
    """Return a folder with the locked wheels for the base, fetched as this machine's pip is set up to."""
    lock = ROOT / "requirements.txt"
    name = hashlib.sha256(lock.read_bytes() + python.encode()).hexdigest()[:16]
    folder = state / f"wheels-{name}"
    if not folder.exists():
        for old in state.glob("wheels-*"):
            shutil.rmtree(old)
        wanted = ["--python-version", python, "--implementation", "cp", "--only-binary", ":all:", "--no-deps"]
        wanted += [part for abi in (f"cp{python.replace('.', '')}", "abi3", "none") for part in ("--abi", abi)]
        wanted += [part for tag in _platforms() for part in ("--platform", tag)]
        _download(folder, *wanted, "--require-hashes", "--requirement", str(lock))
    return folder


def _platforms() -> list[str]:
    machine = platform.machine()
    return [f"manylinux2014_{machine}", *(f"manylinux_{version}_{machine}" for version in GLIBC)]


def _pip(state: Path) -> Path:
    folder = state / "pip"
    if not folder.exists():
        _download(folder, "--no-deps", "--only-binary", ":all:", "pip")
    return next(folder.iterdir())


def _download(folder: Path, *arguments: str) -> None:
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(fresh)]
    subprocess.run([*command, *arguments], check=True)
    fresh.rename(folder)
