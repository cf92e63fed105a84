"""Our edit of YAML files against ruamel.yaml's load and dump: how many come out byte by byte, and how fast."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ruamel.yaml import YAML

from difyaction.gitops.editing import splice, yamltext

Change = tuple[tuple[str | int, ...], int, str]
Editor = Callable[[bytes, Sequence[Change]], bytes]

SMALL_FILES = 1_000
SERVICES = ("api", "web", "sandbox", "pluginDaemon", "worker")


@dataclass(frozen=True)
class Case:
    """A file before and after the edit that was meant."""

    before: bytes
    after: bytes
    changes: tuple[Change, ...]


def run(out: TextIO) -> None:
    """Print the tables."""
    _table(f"{SMALL_FILES} generated values files, five tags each", list(_generated()), out)
    real = list(_real())
    if real:
        _table(f"{len(real)} edits that people made to real charts", real, out)
    _reading(out)


def _ours(content: bytes, changes: Sequence[Change]) -> bytes:
    return splice.splice(
        content, [splice.Edit(path, document, to) for path, document, to in changes], file="values.yaml"
    )


def _load_and_dump(yaml: YAML) -> Editor:
    def edit(content: bytes, changes: Sequence[Change]) -> bytes:
        documents = list(yaml.load_all(content))
        for path, document, to in changes:
            node = documents[document]
            for element in path[:-1]:
                node = node[element]
            was = node[path[-1]]
            node[path[-1]] = type(was)(to) if isinstance(was, str) else to
        out = io.BytesIO()
        yaml.dump_all(documents, out)
        return out.getvalue()

    return edit


def _round_trip(*, sequence: int, offset: int) -> Editor:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=sequence, offset=offset)
    return _load_and_dump(yaml)


def _table(title: str, cases: Sequence[Case], out: TextIO) -> None:
    editors = {
        "this Action, with its proof": _ours,
        "ruamel.yaml load and dump": _round_trip(sequence=2, offset=0),
        "ruamel.yaml, indented lists": _round_trip(sequence=4, offset=2),
    }
    size = sum(len(case.before) for case in cases)
    print(f"\n{title} ({size / 1000:,.0f} kB)\n", file=out)
    print(f"| {'editor':<28} | {'byte-exact':>13} | {'seconds':>8} | {'time':>6} |", file=out)
    print(f"|{'-' * 30}|{'-' * 15}|{'-' * 10}|{'-' * 8}|", file=out)
    own = 0.0
    for name, editor in editors.items():
        exact, seconds = _measure(editor, cases)
        own = own or seconds
        print(f"| {name:<28} | {exact:>5} of {len(cases):>4} | {seconds:>8.2f} | {seconds / own:>5.1f}x |", file=out)


def _measure(editor: Editor, cases: Sequence[Case]) -> tuple[int, float]:
    exact = 0
    start = time.perf_counter()
    for case in cases:
        exact += editor(case.before, case.changes) == case.after
    return exact, time.perf_counter() - start


def _reading(out: TextIO) -> None:
    files = [case.before for case in _generated()]
    start = time.perf_counter()
    scalars = sum(len(yamltext.read(content, file="values.yaml").scalars) for content in files)
    seconds = time.perf_counter() - start
    rate = sum(map(len, files)) / seconds / 1_000_000
    print(f"\nreading {len(files)} files with {scalars:,} values: {seconds:.2f} s, {rate:.1f} MB/s", file=out)


def _generated() -> Iterator[Case]:
    for number in range(SMALL_FILES):
        quote = ("", '"', "'")[number % 3]
        breaks = "\r\n" if number % 10 == 0 else "\n"
        before, after = (_values(quote, tag).replace("\n", breaks).encode() for tag in ("1.13.3", "1.14.1"))
        yield Case(before, after, tuple((("image", service, "tag"), 0, "1.14.1") for service in SERVICES))


def _values(quote: str, tag: str) -> str:
    lines = ["# Default values for dify.", "---", "global:", "    host: dify.example # the host", "", "", "image:"]
    for service in SERVICES:
        lines += [
            f"  {service}:",
            f"    repository:   langgenius/dify-{service.lower()}   # {service}",
            f"    tag: {quote}{tag}{quote}",
            "    env: [ {name: A, value: 'b'} , {name: C, value: \"d\"} ]",
            "    args:",
            "    - --one",
            "    -   two",
            "",
        ]
    return "\n".join([*lines, "config: |", "  a: 1", "  b: 2", ""])


def _real() -> Iterator[Case]:
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    root = Path(os.environ.get("DIFY_ACTION_SHARED") or beside) / "corpus" / "bumps"
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        changes = json.loads((folder / "change.json").read_bytes())["changes"]
        yield Case(
            (folder / "before.yaml").read_bytes(),
            (folder / "after.yaml").read_bytes(),
            tuple((tuple(one["path"]), one["document"], one["to"]) for one in changes),
        )


if __name__ == "__main__":
    run(sys.stdout)
