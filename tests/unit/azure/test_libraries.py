"""What closes doors starts without Azure's libraries, and nothing loads them before it needs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import difyaction.azure

SDK = {"answers", "pipeline"}  # they are loaded by those who use an SDK
MODULES = sorted(each.stem for each in Path(difyaction.azure.__file__).parent.glob("*.py") if each.stem not in SDK)
REPORT = "import sys; print(*sorted({name.partition('.')[0] for name in sys.modules} & %r))"
FOREIGN = {"azure", "msal", "requests", "cryptography", "paramiko"}


def loaded(modules: list[str]) -> str:
    script = "\n".join([*(f"import difyaction.azure.{name}" for name in modules), REPORT % FOREIGN])
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(difyaction.azure.__file__).parents[2],
    ).stdout.strip()


def test_no_piece_loads_a_library_by_being_imported() -> None:
    assert loaded([name for name in MODULES if name != "__init__"]) == ""


@pytest.mark.parametrize("name", sorted(SDK))
def test_those_that_are_left_out_of_this_do(name: str) -> None:
    assert "azure" in loaded([name])


def test_what_the_post_step_imports_never_names_an_sdk() -> None:
    folder = Path(difyaction.azure.__file__).parent
    script = "import difyaction.azure.after, sys; print(*(name for name in sys.modules if 'difyaction.azure.' in name))"
    names = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=folder.parents[1]
    ).stdout.split()
    assert "difyaction.azure.closing" in names
    for name in names:
        text = (folder / f"{name.rpartition('.')[2]}.py").read_text()
        assert "import azure" not in text
        assert "from azure" not in text
        assert not any(f"difyaction.azure.{module}" in text for module in SDK)
