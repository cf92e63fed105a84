"""Names of images in the inputs that no release knows."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from difyaction import errors
from difyaction.gitops.finding import names
from difyaction.gitops.records import GitopsFacts
from difyaction.releases.images import KNOWN


def refuse_unknown_images(facts: GitopsFacts) -> None:
    """Raise `errors.Invalid` (image-map-unknown, env-variable-image-unknown) for names that are no image of Dify's.

    Without a release nobody is asked: then only explicit edits are made.
    """
    if facts.release is None:
        return
    known = KNOWN | facts.release.images.tags.keys()
    if complaints := (*_image_map(facts, known), *_env_variables(facts, known)):
        raise errors.Invalid(complaints)


def _image_map(facts: GitopsFacts, known: Collection[str]) -> Iterator[errors.Complaint]:
    for image, mirror in facts.options.image_map.items():
        if image in known:
            continue
        text = f"image-map: {image} is no image of Dify {facts.release and facts.release.version}"
        reverse = names.canonical(mirror, {}) or (mirror if mirror in known else "")
        if reverse:
            text += "; upstream's name stands before the =, the mirror's behind it"
        near = f"{reverse}={image}" if reverse else _near(image, known)
        yield errors.Complaint(id="image-map-unknown", text=f"{text}.", input="image-map", suggestion=near)


def _env_variables(facts: GitopsFacts, known: Collection[str]) -> Iterator[errors.Complaint]:
    for variable, image in facts.options.env_variables.items():
        if image not in known:
            text = f"env-variables: {variable} is said to hold {image}, which is no image of Dify"
            yield errors.Complaint(
                id="env-variable-image-unknown",
                text=f"{text} {facts.release and facts.release.version}.",
                input="env-variables",
                suggestion=_near(image, known),
            )


def _near(image: str, known: Collection[str]) -> str:
    return next(iter(difflib.get_close_matches(image, known, n=1)), "")
