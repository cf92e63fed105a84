"""Variables of .env files that the user named: a tag, or a whole reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from difyaction.gitops.editing.dotenv import read_env
from difyaction.gitops.files import FileAt
from difyaction.gitops.finding import names
from difyaction.gitops.finding.kinds.scan import Gap
from difyaction.gitops.finding.spot import Spot
from difyaction.gitops.records import PlanOptions

_ENV_NAME = re.compile(r"\.env(?:\..+)?|.+\.env")


def is_env(path: str) -> bool:
    """Whether a file is a list of variables, by its name: `.env`, `.env.example`, `prod.env`."""
    return _ENV_NAME.fullmatch(PurePosixPath(path).name) is not None


def find(file: FileAt, options: PlanOptions) -> Iterator[Spot | Gap]:
    """Yield the named variables of an .env file. Raises `errors.Invalid` when it cannot be read."""
    for line in read_env(file.content, file=file.path):
        image = options.env_variables.get(line.key)
        if image is None or not line.value:
            continue
        reference = names.find_reference(line.value, options.image_map)
        place = reference.place if reference else names.find_place(line.value)
        if place.hole or line.interpolated:
            yield Gap(file.path, line.line, image, image, line.value, place.variable)
            continue
        yield Spot(
            file=file.path,
            path=(line.key,),
            document=None,
            image=image,
            repository=reference.repository if reference else options.image_map.get(image, image),
            value=line.value,
            span=place.span,
            before=place.tag,
            digest=place.digest,
            kind="env",
            layout="compose",
            line=line.line,
        )
