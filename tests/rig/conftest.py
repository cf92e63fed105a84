"""The one rig of a test session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rig.session import rig_or_skip
from tests.rig.stack import Rig


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    yield from rig_or_skip()
