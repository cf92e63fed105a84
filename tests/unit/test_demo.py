"""The demo's last words are true."""

from __future__ import annotations

import pytest

from tests.demo import __main__ as demo


def breaks() -> bool:
    raise RuntimeError("no engine")


def test_a_demo_that_went_well_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo, "PARTS", {"gitops": lambda: True, "server": lambda: True})
    assert demo.main([]) == 0
    assert "That was it" in capsys.readouterr().out


def test_a_demo_that_failed_ends_with_what_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "PARTS", {"gitops": lambda: True, "server": breaks, "azure-vm": lambda: False})
    assert demo.main([]) == 1
    said = capsys.readouterr().out
    assert "RuntimeError: no engine" in said
    assert "That was it" not in said
    assert "This did not end as it should\nserver, azure-vm: " in said[said.rindex("=" * 100) :]
