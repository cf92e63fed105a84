from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts import action_yml
from scripts.release.pin import image_of, pinned, reference
from scripts.release.refusal import Refused
from scripts.release.version import Version

ROOT = Path(__file__).resolve().parents[3]
IMAGE = "registry.example/org/dify-upgrade-action"
DIGEST = "sha256:" + "0123456789abcdef" * 4
ACTION = (
    b"name: x\r\ninputs:\r\n  image:\r\n    description: 'runs:'\r\nruns:\r\n  using: docker\r\n"
    b"  image: Dockerfile\r\n  post-if: always()"
)
LINE = f"docker://{IMAGE}@{DIGEST} # v1.2.3"


def pin(action: bytes, image: str = IMAGE, digest: str = DIGEST) -> bytes:
    return pinned(action, image=image, digest=digest, version=Version(1, 2, 3))


def test_only_the_image_of_runs_changes_and_line_ends_stay() -> None:
    assert pin(ACTION) == ACTION.replace(b"Dockerfile", LINE.encode())


def test_the_real_action_yml_changes_in_one_line() -> None:
    before = (ROOT / "action.yml").read_bytes()
    after = pin(before)
    pairs = list(zip(before.split(b"\n"), after.split(b"\n"), strict=True))
    assert [pair[1] for pair in pairs if pair[0] != pair[1]] == [f"  image: {LINE}".encode()]
    assert image_of(after) == LINE.partition(" #")[0]


def test_pinning_again_replaces_what_was_pinned() -> None:
    other = "sha256:" + "f" * 64
    assert pin(pin(ACTION, digest=other)) == pin(ACTION)


@given(
    st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=50).filter(lambda text: "runs:" not in text)
)
def test_whatever_stands_before_runs_stays(text: str) -> None:
    head = text.encode() + b"\n"
    assert pin(head + b"runs:\n  image: Dockerfile\n") == head + f"runs:\n  image: {LINE}\n".encode()


@pytest.mark.parametrize(
    "action",
    [
        b"name: x\n  image: Dockerfile\n",
        b"runs:\n  using: docker\n",
        b"runs:\n  image: a\n  image: b\n",
        b"runs:\n  image: a\nruns:\n  image: b\n",
    ],
)
def test_an_action_with_another_shape_is_refused(action: bytes) -> None:
    with pytest.raises(Refused):
        pin(action)


@pytest.mark.parametrize(
    "image",
    [
        "",
        "org/dify-upgrade-action",
        "registry.example",
        "registry.example/Org/x",
        "registry.example/org/x:1.2",
        f"registry.example/org/x@{DIGEST}",
        "registry.example/org/x y",
        "registry.example/org/x\n  post-if: never",
        "https://registry.example/org/x",
    ],
)
def test_a_name_that_is_no_whole_name_is_refused(image: str) -> None:
    with pytest.raises(Refused):
        reference(image, DIGEST)


@pytest.mark.parametrize(
    "image", ["localhost/x", "localhost:5000/org/x", "127.0.0.1:5000/org/x", "r.example/a/b-c__d.e"]
)
def test_a_whole_name_is_taken(image: str) -> None:
    assert reference(image, DIGEST) == f"{image}@{DIGEST}"


@pytest.mark.parametrize(
    "digest", ["", "sha256:", DIGEST.upper(), DIGEST[:-1], DIGEST + "0", DIGEST + "\n", "sha512:" + "0" * 64]
)
def test_a_digest_that_is_none_is_refused(digest: str) -> None:
    with pytest.raises(Refused):
        reference(IMAGE, digest)


def test_a_released_action_yml_still_is_what_the_script_makes() -> None:
    released = pin((ROOT / "action.yml").read_bytes()).decode()
    assert action_yml.text(released) == released
