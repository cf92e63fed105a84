"""Names of images in the inputs that no release knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from difyaction import errors
from difyaction.gitops.records import GitopsFacts
from difyaction.releases.image_map import nearest, unknown_images
from difyaction.releases.images import KNOWN


def refuse_unknown_images(facts: GitopsFacts) -> None:
    """Raise `errors.Invalid` (image-map-unknown, env-variable-image-unknown) for names that are no image of Dify's.

    Without a release nobody is asked: then only explicit edits are made.
    """
    if facts.release is None:
        return
    known = KNOWN | facts.release.images.tags.keys()
    unknown = unknown_images(facts.options.image_map, known, facts.release.version)
    if complaints := (*unknown, *_env_variables(facts, known)):
        raise errors.Invalid(complaints)


def _env_variables(facts: GitopsFacts, known: Collection[str]) -> Iterator[errors.Complaint]:
    for variable, image in facts.options.env_variables.items():
        if image not in known:
            text = f"env-variables: {variable} is said to hold {image}, which is no image of Dify"
            yield errors.Complaint(
                id="env-variable-image-unknown",
                text=f"{text} {facts.release and facts.release.version}.",
                input="env-variables",
                suggestion=nearest(image, known),
            )
