"""Whatever the style of a document, an edit is exactly the edit."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from difyaction.gitops.editing.address import Path
from difyaction.gitops.editing.splice import Edit, splice
from difyaction.gitops.editing.written import reads_as_text
from difyaction.gitops.editing.yamltext import read
from tests.unit.gitops.editing import FILE
from tests.unit.gitops.yaml_texts import Leaf, Piece, texts

VALUES = st.sampled_from(
    ["1.10", "1.14.1", "0755", "x y", "it's", 'a"b\\', "年😀", "null", "a: b", "a,b", "#x", "1:30", "-x"]
)


def own_text(leaf: Leaf, value: str, quote: str) -> str:
    """Say what the new text of a value must be, by the rules and not by the code."""
    if leaf.style in {"literal", "folded"}:
        return value
    single, double = "'" + value.replace("'", "''") + "'", '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if leaf.style in {"single", "double"}:
        return single if leaf.style == "single" else double
    tagged = leaf.before.endswith("!!str ")
    syntax = value in {"a: b", "#x"} or (leaf.flow and value in {"a,b", "-x"})
    plain = not syntax and (tagged or reads_as_text(value))
    return value if plain else (single if quote == "'" else double)


def expected(leaf: Leaf, value: str, quote: str) -> str:
    text = own_text(leaf, value, quote)
    if leaf.style != "empty":
        return leaf.before + text + leaf.after
    line = leaf.after.splitlines()[0] if leaf.after.splitlines() else ""
    if line and not line.strip():
        return leaf.before + line[0] + text + leaf.after[1:]
    return f"{leaf.before} {text}{leaf.after}"


def dominant(piece: Piece) -> str:
    styles = [leaf.style for leaf in piece.leaves()]
    return "'" if styles.count("single") > styles.count("double") else '"'


def composed(text: str, version: str) -> dict[Path, tuple[str, str]]:
    """Return the tag and value of every leaf, as ruamel.yaml composes them without any of our own code."""
    yaml = YAML(typ="safe", pure=True)
    directive = f"%YAML {version}"
    body = text.replace("%YAML 1.1", directive).replace("%YAML 1.2", directive)
    yaml.version = version  # type: ignore[assignment]
    return dict(_leaves(yaml.compose(body.replace("\t#", " #")), ()))


def _leaves(node: Node, path: Path) -> list[tuple[Path, tuple[str, str]]]:
    if isinstance(node, ScalarNode):
        return [(path, (str(node.tag), node.value))]
    if isinstance(node, MappingNode):
        return [leaf for key, value in node.value for leaf in _leaves(value, (*path, key.value))]
    return [leaf for number, value in enumerate(node.value) for leaf in _leaves(value, (*path, number))]


@settings(max_examples=250, deadline=None)
@given(texts(), VALUES, st.data())
def test_the_bytes_are_those_that_the_rules_say(piece: Piece, value: str, data: st.DataObject) -> None:
    leaf = data.draw(st.sampled_from(list(piece.leaves())))
    after = splice(piece.text.encode(), [Edit(leaf.path, None, value)], file=FILE).decode()
    found = read(piece.text.encode(), file=FILE).get(leaf.path)
    assert found is not None
    same = found.text == value
    assert after == (piece.text if same else expected(leaf, value, dominant(piece)))


@settings(max_examples=150, deadline=None)
@given(texts(), VALUES, st.data())
def test_another_reader_finds_exactly_the_intended_leaves_changed(
    piece: Piece, value: str, data: st.DataObject
) -> None:
    leaves = list(piece.leaves())
    chosen = data.draw(st.lists(st.sampled_from(leaves), min_size=1, max_size=3, unique_by=lambda leaf: leaf.path))
    after = splice(piece.text.encode(), [Edit(leaf.path, None, value) for leaf in chosen], file=FILE).decode()
    assume("\t#" not in "".join(leaf.before[-3:] for leaf in chosen))
    for version in ("1.1", "1.2"):
        old, new = composed(piece.text, version), composed(after, version)
        changed = {leaf.path for leaf in chosen}
        assert {path: leaf for path, leaf in new.items() if path not in changed} == {
            path: leaf for path, leaf in old.items() if path not in changed
        }
        for path in changed:
            kept = old[path][1].rstrip("\n") == value
            assert new[path][1].rstrip("\n") == value
            assert kept or new[path][0] == "tag:yaml.org,2002:str"


@settings(max_examples=150, deadline=None)
@given(texts())
def test_every_value_is_found_at_its_place_and_reads_as_another_reader_reads_it(piece: Piece) -> None:
    found = {scalar.path: scalar for scalar in read(piece.text.encode(), file=FILE).scalars}
    for leaf in piece.leaves():
        scalar = found[leaf.path]
        assert scalar.style == leaf.style
        if leaf.style not in {"literal", "folded"}:
            assert (scalar.start, scalar.end) == (len(leaf.before), len(piece.text) - len(leaf.after))
    assert {path: value for path, (_, value) in composed(piece.text, "1.2").items()} == {
        path: scalar.value for path, scalar in found.items() if "|" not in path
    }
