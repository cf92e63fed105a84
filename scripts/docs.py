"""Write the tables of the documentation that the code knows better: inputs, outputs, rules.

`--check` writes nothing and exits with 1 when a table is not what would be written.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from ruamel.yaml import YAML

from difyaction.input_table import Spec, by_subject
from difyaction.language import Language

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "en", "README.ja.md": "ja"}
HEADS = {
    "en": {"input": "input", "default": "default", "meaning": "meaning", "output": "output"},
    "ja": {"input": "入力", "default": "既定値", "meaning": "意味", "output": "出力"},
}
ALLOWED = {
    "en": {"boolean": " `true` or `false`.", "choice": " One of: {values}.", "list": " Comma or newline-separated."},
    "ja": {
        "boolean": "`true` または `false`。",
        "choice": "次のいずれか: {values}。",
        "list": "カンマまたは改行で区切ります。",
    },
}
# Not of rules.toml: they compare with what is or was there, and none asks what upstream says.
FURTHER_RULES = Path(__file__).with_name("further_rules.txt")  # objections that are made where they are found


def inputs_tables(code: str) -> str:
    """Return the inputs in one language: a heading and a table for each subject."""
    head, say = HEADS[code], Language.of(code).template  # a description has no facts, and may show placeholders
    rows = [""]
    for title, specs in by_subject().items():
        rows += [f"### {say(title)}", ""]
        rows += [f"| {head['input']} | {head['default']} | {head['meaning']} |", "|---|---|---|"]
        rows += [
            f"| `{spec.name}` | {_default(spec)} | {_cell(say(spec.description) + _allowed(spec, code))} |"
            for spec in specs
        ]
        rows.append("")
    return "\n".join(rows[:-1])


def outputs_table(code: str) -> str:
    """Return the table of outputs in one language."""
    head, say = HEADS[code], Language.of(code).say
    action = YAML(typ="safe").load((ROOT / "action.yml").read_text("utf-8"))
    rows = [f"| {head['output']} | {head['meaning']} |", "|---|---|"]
    rows += [f"| `{name}` | {_cell(say(row['description']))} |" for name, row in action["outputs"].items()]
    return "\n".join(rows)


def rules_page() -> str:
    """Return docs/rules.md: every rule with its consent word, severity and source."""
    text = (ROOT / "difyaction/releases/rules.toml").read_text("utf-8")
    parts = [
        "# Rules and objections\n",
        "What can go wrong between two releases of Dify, as this version of the Action knows it. Severities and",
        "consent are explained in [plan-and-approve.md](plan-and-approve.md). Made by `scripts/docs.py` from",
        "`difyaction/releases/rules.toml`.\n",
    ]
    for rule in tomllib.loads(text)["rule"]:
        since = f"applies to whoever crosses {rule['since']}" if "since" in rule else "applies at every upgrade"
        seen = " and ".join(rule["families"])
        parts += [
            f"## {rule['id']}\n",
            f"Severity `{rule['severity']}`, {since}; looked for in: {seen}. [Source]({rule['source']})\n",
            f"> {rule['text']}\n",
        ]
        if "machine-text" in rule:
            parts += [f"Of a machine it is said:\n\n> {rule['machine-text']}\n"]
    return "\n".join([*parts, FURTHER_RULES.read_text("utf-8")]).rstrip("\n") + "\n"


def _allowed(spec: Spec, code: str) -> str:
    """Say what the kind of an input allows."""
    return ALLOWED[code].get(spec.kind, "").format(values=", ".join(f"`{value}`" for value in spec.values))


def _default(spec: Spec) -> str:
    text = spec.in_action or spec.default
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def between_markers(text: str, name: str, content: str) -> str:
    """Replace what stands between ``<!-- name: ... -->`` and ``<!-- /name -->``."""
    start = text.index("-->", text.index(f"<!-- {name}:")) + len("-->")
    return f"{text[:start]}\n{content}\n{text[text.index(f'<!-- /{name} -->') :]}"


def page_with_tables(name: str) -> str:
    """Return a README with its tables made anew."""
    code = PAGES[name]
    text = (ROOT / name).read_text("utf-8")
    return between_markers(between_markers(text, "inputs", inputs_tables(code)), "outputs", outputs_table(code))


def main(arguments: list[str]) -> int:
    """Write, or check; return the exit code."""
    pages: dict[str, Callable[[], str]] = {name: lambda name=name: page_with_tables(name) for name in PAGES}  # type: ignore[misc]
    pages["docs/rules.md"] = rules_page
    stale = [name for name, make in pages.items() if not (ROOT / name).exists() or (ROOT / name).read_text() != make()]
    if "--check" in arguments:
        print("\n".join(f"{name} is not what scripts/docs.py makes: run `make generate`" for name in stale), end="")
        return 1 if stale else 0
    for name in stale:
        (ROOT / name).write_text(pages[name](), "utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
