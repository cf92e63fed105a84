"""What has to be left of an env file after a merge: every line of theirs, where it stood."""

from __future__ import annotations

from difyaction.compose.env_file import EnvFile, read_env
from difyaction.compose.env_records import Merged


def assert_kept(theirs: bytes, merged: Merged) -> None:
    """Every line of theirs stands where it stood, but for the values that a rule changed."""
    before, after = read_env(theirs, file=".env"), read_env(merged.content, file=".env")
    changed = {change.key for change in merged.changed}
    count = len(before.entries)
    assert [entry.key for entry in after.entries[:count]] == [entry.key for entry in before.entries]
    kept, rest = before.text[before.entries[-1].end :], after.text[after.entries[count - 1].end :]
    assert rest.startswith(kept)
    assert _pieces(after, changed, count) == _pieces(before, changed, count)
    for key, value in before.values.items():
        assert key in changed or after.values[key] == value, key


def _pieces(env: EnvFile, changed: set[str], count: int) -> list[str]:
    """Return the text up to and with each value, without the values that a rule changed."""
    pieces, place = [], 0
    for entry in env.entries[:count]:
        pieces.append(env.text[place : entry.start if entry.key in changed else entry.end])
        place = entry.end
    return pieces
