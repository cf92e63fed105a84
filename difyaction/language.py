"""The language that a reader asked for: templates in English are the keys, gettext catalogues the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DOMAIN = "difyaction"


_SENTENCE_ENDS = re.compile(r"(?<=[.!?]) (?=[A-Z{`])")
_JOINTS = {"ja": ""}  # what stands between two sentences, where it is no blank
_OUR_WORDS = frozenset({"doing", "purpose"})  # facts whose texts are ours: what a refused request was for


def N_(template: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Mark a template for translation where it is written; it is translated where it is said."""
    return template


@dataclass(frozen=True)
class Language:
    """One language. Say `Language.of("ja")`; a text without a translation stays English."""

    code: str
    _translated: Callable[[str], str] = field(repr=False, default=N_)

    @classmethod
    def of(cls, code: str) -> Language:
        """Return the language of a code such as ``ja``; English needs no catalogue."""
        if code == "en":
            return cls(code)
        import gettext  # noqa: PLC0415 - the post step marks texts, and translates none

        folder = str(Path(__file__).with_name("locale"))
        return cls(code, gettext.translation(DOMAIN, folder, languages=[code], fallback=True).gettext)

    def template(self, template: str) -> str:
        """Translate a template and leave it unfilled. An empty template stays empty.

        One that was put together of several is translated part by part, the longest known part first.
        """
        return _JOINTS.get(self.code, " ").join(self._parts(_SENTENCE_ENDS.split(template))) if template else ""

    def _parts(self, sentences: Sequence[str]) -> Iterator[str]:
        while sentences:
            for count in range(len(sentences), 0, -1):
                part = " ".join(sentences[:count])
                said = self._translated(part)
                if said != part or count == 1:
                    yield said
                    sentences = sentences[count:]
                    break

    def facts(self, facts: Mapping[str, object]) -> dict[str, object]:
        """Translate those facts that are words of ours; lists of them are parted by commas."""
        return {name: self._words(str(fact)) if name in _OUR_WORDS else fact for name, fact in facts.items()}

    def _words(self, text: str) -> str:
        return ", ".join(self._translated(word) if word else word for word in text.split(", "))

    def say(self, template: str, **facts: object) -> str:
        """Translate a template, then fill it with facts."""
        return self.template(template).format(**facts)
