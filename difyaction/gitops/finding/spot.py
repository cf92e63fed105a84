"""A place in a file that names the tag of a Dify image, or the version of a chart of Dify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from difyaction.gitops.editing.address import Path, format_file, format_path

Kind = Literal[
    "tag",  # `tag` beside `repository`, or at a known layout's path
    "image-ref",  # a whole reference, `langgenius/dify-api:1.13.3`
    "new-tag",  # kustomize's `newTag`, or its `digest` alone
    "helm-parameter",  # name and value in a list: `image.api.tag`, `1.13.3`
    "env",  # a variable of an .env file that the user named
    "chart-version",  # the version of a Helm chart of Dify; moves by its own rule
    "app-version",  # `appVersion` of a chart whose source is here
    "set",  # an address that the user gave
]


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One leaf of one file.

    ``value`` is the leaf's whole text, and ``span`` is where tag and digest stand in it; ``before``
    is the tag ('' if only a digest is there), ``digest`` is ``sha256:...``. ``digest_path`` is the leaf that
    holds the digest when it stands apart. ``image`` is upstream's name, ``repository`` the name as
    the file writes it, registry included. ``also`` are further images that take their tag from
    here, as (image, repository). For a chart's version ``image`` is empty and ``repository`` is the
    chart's place.
    """

    file: str
    path: Path
    document: int | None
    image: str
    repository: str
    value: str
    span: tuple[int, int]
    before: str
    kind: Kind
    layout: str
    line: int
    digest: str | None = None
    digest_path: Path | None = None
    also: tuple[tuple[str, str], ...] = ()

    @property
    def where(self) -> str:
        """The place as a reader sees it, and as `set` reads it."""
        return f"{format_file(self.file)}#{format_path(self.path, self.document or None)}"

    @property
    def key(self) -> tuple[str, int | None, Path]:
        """What tells this place from every other."""
        return self.file, self.document, self.path

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Every (image, repository) whose tag is written here."""
        return ((self.image, self.repository), *self.also)

    def with_text(self, text: str) -> str:
        """Return the leaf's whole text with ``text`` in place of tag and digest."""
        return self.value[: self.span[0]] + text + self.value[self.span[1] :]
