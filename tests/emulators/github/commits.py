"""Commit objects: who made them, and whether GitHub signed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.emulators.github.git import Git

# What stands in a commit that GitHub signed. Nobody can check it here; that it stands there is the fact we model.
SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n\nsigned by the emulated GitHub\n-----END PGP SIGNATURE-----"


@dataclass(frozen=True)
class Person:
    """An author or committer line. ``when`` is in seconds since 1970, UTC."""

    name: str
    email: str
    when: int

    @property
    def date(self) -> str:
        return datetime.fromtimestamp(self.when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def line(self) -> str:
        return f"{self.name} <{self.email}> {self.when} +0000"


@dataclass(frozen=True)
class Commit:
    """A commit as git stores it."""

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str
    signed: bool

    @property
    def headline(self) -> str:
        return self.message.split("\n", 1)[0]

    @property
    def body(self) -> str:
        return self.message.partition("\n")[2].strip("\n")


@dataclass(frozen=True)
class Draft:
    """A commit that is about to be written."""

    tree: str
    parents: Sequence[str]
    author: Person
    committer: Person
    message: str
    signed: bool = False


def write_commit(git: Git, draft: Draft) -> str:
    lines = [f"tree {draft.tree}", *(f"parent {parent}" for parent in draft.parents)]
    lines += [f"author {draft.author.line()}", f"committer {draft.committer.line()}"]
    if draft.signed:
        lines.append("gpgsig " + SIGNATURE.replace("\n", "\n "))
    return git.write("commit", ("\n".join(lines) + "\n\n" + draft.message).encode())


def read_commit(git: Git, revision: str) -> Commit | None:
    """Return the commit that ``revision`` names, annotated tags peeled; nothing if it names none."""
    found = git.find(f"{revision}^{{commit}}")
    if found is None:
        return None
    head, _, message = found.content.decode(errors="replace").partition("\n\n")
    tree, author, committer, parents, signed = "", None, None, [], False
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        if key == "tree":
            tree = value
        elif key == "parent":
            parents.append(value)
        elif key == "author":
            author = _person(value)
        elif key == "committer":
            committer = _person(value)
        signed = signed or key == "gpgsig"
    nobody = Person("", "", 0)
    return Commit(found.oid, tree, tuple(parents), author or nobody, committer or nobody, message, signed)


def _person(value: str) -> Person:
    name, _, rest = value.partition(" <")
    email, _, when = rest.partition("> ")
    return Person(name, email, int(when.split(" ")[0]))


def split_author(text: str, when: float) -> Person:
    """Read ``Jane Doe <jane@example.com>``."""
    name, _, email = text.partition(" <")
    return Person(name, email.rstrip(">"), int(when))
