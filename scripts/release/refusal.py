"""The one error of a release: something is not as it must be, and nothing was published because of it."""

from __future__ import annotations


class Refused(Exception):
    """Says what is wrong and what to do about it."""
