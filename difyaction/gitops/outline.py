"""A small YAML file as plain items with their lines: texts stay as they are written, so ``1.10`` is no number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from difyaction.errors import Complaint, Invalid

_MOST = 20_000  # items: a file that grows beyond it by aliases is a trap
_DEEPEST = 30


@dataclass(frozen=True)
class Item:
    """A text, a list or a mapping; exactly one of ``text``, ``items`` and ``keys`` is not None."""

    line: int
    text: str | None = None
    kind: str = "str"
    items: tuple[Item, ...] | None = None
    keys: Mapping[str, Item] | None = None
    twice: tuple[tuple[str, int], ...] = ()

    @property
    def shown(self) -> str:
        """What stands here, for a complaint."""
        if self.text is None:
            return "a list" if self.items is not None else "a mapping"
        return f"'{self.text}'" if self.text else "nothing"

    def plain(self) -> object:
        """Return what JSON makes of it. Numbers with a point stay texts: most are versions."""
        if self.keys is not None:
            return {key: item.plain() for key, item in self.keys.items()}
        if self.items is not None:
            return [item.plain() for item in self.items]
        text = self.text or ""
        match self.kind:
            case "bool":
                return text.lower() == "true"
            case "int" if text.lstrip("+-").isdecimal():
                return int(text)
            case "null":
                return None
            case _:
                return text


@dataclass(frozen=True)
class Outline:
    """The whole file."""

    root: Item

    @classmethod
    def read(cls, content: bytes, *, file: str) -> Outline:
        """Read a file of one document. ``errors.Invalid`` (environments-unparsable) when it is none."""
        try:
            text = content.decode("utf-8-sig")
            node = YAML(typ="safe", pure=True).compose(text)
        except UnicodeDecodeError as why:
            raise _unparsable(file, content.count(b"\n", 0, why.start) + 1, "the file is not UTF-8") from None
        except MarkedYAMLError as why:
            line = why.problem_mark.line + 1 if why.problem_mark else 1
            raise _unparsable(file, line, f"not YAML: {why.problem or why.context or 'unreadable'}") from None
        except YAMLError as why:
            raise _unparsable(file, 1, f"not YAML: {str(why).splitlines()[0]}") from None
        if node is None:
            return cls(Item(1, text=""))
        try:
            return cls(_Growing().item(node, 0))
        except RecursionError:
            raise _unparsable(file, 1, "the file holds itself, or far too much, by its aliases") from None


def _unparsable(file: str, line: int, why: str) -> Invalid:
    text = f"{file}, line {line}: {why}"
    return Invalid([Complaint(id="environments-unparsable", text=text, file=file, line=line)])


@dataclass
class _Growing:
    """Nodes on their way to items. ``RecursionError`` when they do not end."""

    count: int = field(default=0)

    def item(self, node: Node, depth: int) -> Item:
        self.count += 1
        if self.count > _MOST or depth > _DEEPEST:
            raise RecursionError
        line = node.start_mark.line + 1
        if isinstance(node, SequenceNode):
            return Item(line, items=tuple(self.item(child, depth + 1) for child in node.value))
        if isinstance(node, MappingNode):
            return self._mapping(node, line, depth)
        kind = str(node.tag).rpartition(":")[2]
        return Item(line, text="" if kind == "null" else str(node.value), kind=kind)

    def _mapping(self, node: MappingNode, line: int, depth: int) -> Item:
        inherited: dict[str, Item] = {}
        own: dict[str, Item] = {}
        twice: list[tuple[str, int]] = []
        for key, value in node.value:
            if str(key.tag).endswith(":merge"):
                for base in _bases(value):
                    inherited = dict(self._mapping(base, line, depth + 1).keys or {}) | inherited
                continue
            name = str(key.value) if isinstance(key, ScalarNode) else "?"
            if name in own:
                twice.append((name, key.start_mark.line + 1))
            own[name] = self.item(value, depth + 1)
        return Item(line, keys=inherited | own, twice=tuple(twice))


def _bases(value: Node) -> Iterator[MappingNode]:
    """Yield the mappings that a merge key names, the strongest first."""
    for node in value.value if isinstance(value, SequenceNode) else [value]:
        if isinstance(node, MappingNode):
            yield node
