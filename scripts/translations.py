"""Collect every text that a reader may meet, update the catalogues, compile them.

    python scripts/translations.py            update difyaction.po, compile difyaction.mo, name what lacks a translation
    python scripts/translations.py --check    change nothing; fail when something is out of date or untranslated

Texts are templates: arguments of ``N_(...)`` and ``language.say(...)``, explanations in calls of the errors, texts of
objections, the rules of rules.toml, the sentences of explanations.toml, and the descriptions of inputs and outputs for
the README of each language.
A template that is no literal is looked up among the assignments of its module.
"""

from __future__ import annotations

import io
import sys
import tomllib
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from templates import Template, in_module

from difyaction.explanations import explanations
from difyaction.input_table import table
from difyaction.report import OUTPUTS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "difyaction"
LANGUAGES = ("ja",)
_HEADER = "# Translations of dify-upgrade-action; the keys are collected by scripts/translations.py."


class PlainCatalog(Catalog):
    """A catalogue without dates or tool versions, so that the same texts make the same bytes."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """Return what gettext needs to know."""
        return [("Content-Type", "text/plain; charset=utf-8"), ("Language", str(self.locale))]


def templates() -> list[Template]:
    """Return every template of the package with its place, in the order of files and lines."""
    found: list[Template] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        found += in_module(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())
    rules = tomllib.loads((PACKAGE / "releases" / "rules.toml").read_text("utf-8"))["rule"]
    for rule in rules:
        place = f"difyaction/releases/rules.toml#{rule['id']}"
        found += [Template(rule[key], place, None) for key in ("text", "machine-text") if key in rule]
    found += [Template(text, "difyaction/explanations.toml", frozenset()) for text in explanations().values()]
    return found + descriptions()


def descriptions() -> list[Template]:
    """Return what inputs and outputs are said to mean. Nothing is filled into them; inputs may show placeholders."""
    inputs = [Template(spec.description, "difyaction/inputs.toml", None) for spec in table().values()]
    return inputs + [Template(text, "difyaction/report.py", frozenset()) for text in OUTPUTS.values()]


def folder(language: str) -> Path:
    """Return where gettext looks for a language."""
    return PACKAGE / "locale" / language / "LC_MESSAGES"


def updated(language: str) -> Catalog:
    """Return the catalogue with all texts of today: translations kept, what nobody says any more gone."""
    source = folder(language) / "difyaction.po"
    known = read_po(io.BytesIO(source.read_bytes() if source.exists() else b""), locale=language)
    catalogue = PlainCatalog(locale=language, fuzzy=False, header_comment=_HEADER)
    for template in templates():
        old = known.get(template.text)
        place = template.place.partition(":")[0]
        catalogue.add(template.text, old.string if old else "", locations=[(place, 0)])
    return catalogue


def written(catalogue: Catalog) -> tuple[bytes, bytes]:
    """Return the catalogue as .po and as .mo."""
    po, mo = io.BytesIO(), io.BytesIO()
    write_po(po, catalogue, width=120, omit_header=False, sort_by_file=True, include_lineno=False)
    write_mo(mo, catalogue)
    return po.getvalue(), mo.getvalue()


def main(*, check: bool) -> int:
    """Update or check every language; return 1 when something lacks."""
    lacking = 0
    for language in LANGUAGES:
        catalogue = updated(language)
        for suffix, content in zip(("po", "mo"), written(catalogue), strict=True):
            path = folder(language) / f"difyaction.{suffix}"
            if check and (not path.exists() or path.read_bytes() != content):
                sys.stderr.write(f"{path.relative_to(ROOT)} is out of date\n")
                lacking += 1
            elif not check:
                path.write_bytes(content)
        for message in catalogue:
            if message.id and not message.string:
                sys.stderr.write(f"{language}: no translation of {message.id!r}\n")
                lacking += 1
    return 1 if lacking else 0


if __name__ == "__main__":
    raise SystemExit(main(check="--check" in sys.argv))
