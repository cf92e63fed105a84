"""The lines of `image-map` that no release can be meant by."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from difyaction.errors import Complaint
from difyaction.releases.images import split_image
from difyaction.releases.version import Version


def unknown_images(image_map: Mapping[str, str], known: Collection[str], version: Version) -> Iterator[Complaint]:
    """Yield a complaint (image-map-unknown) for each line that is not an image of the release, `=`, and its mirror."""
    for image, mirror in image_map.items():
        if image in known:
            yield from _tagged(image, mirror)
            continue
        text = f"image-map: {image} is no image of Dify {version}"
        reverse = _upstreams(mirror, known)
        if reverse:
            text += "; upstream's name stands before the =, the mirror's behind it"
        near = f"{reverse}={image}" if reverse else nearest(image, known)
        yield Complaint(id="image-map-unknown", text=f"{text}.", input="image-map", suggestion=near)


def _tagged(image: str, mirror: str) -> Iterator[Complaint]:
    try:
        ref = split_image(mirror)
    except ValueError:
        return
    if ref.tag or ref.digest:
        text = f"image-map: {mirror} has a tag or digest; a mirror is asked for the release's own."
        yield Complaint(id="image-map-unknown", text=text, input="image-map", suggestion=f"{image}={ref.repository}")


def nearest(image: str, known: Collection[str]) -> str:
    """Return the image that may have been meant, empty when none is like it."""
    return next(iter(difflib.get_close_matches(image, known, n=1)), "")


def _upstreams(mirror: str, known: Collection[str]) -> str:
    try:
        ref = split_image(mirror)
    except ValueError:
        return ""
    return ref.dify_name or (mirror if mirror in known else "")
