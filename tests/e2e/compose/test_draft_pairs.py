"""The whole draft, every file merged, on every way between two real releases: nothing of theirs is lost, and the real
Compose makes of the result what they had.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from difyaction.compose.composed import read_composed
from difyaction.compose.composed_facts import Composed
from difyaction.compose.draft import COMPOSE, Draft, Way, draft
from difyaction.compose.env_file import read_env
from difyaction.compose.install import Held, Install
from difyaction.compose.shipped import Shipped
from difyaction.releases.version import Version
from tests.rig.compose import compose_or_skip, config
from tests.unit.compose.customised import customised, small
from tests.unit.compose.kept import assert_kept
from tests.upstream_releases import files_of, pairs, shipped, tags

MIRROR = b"harbor.example.com:5000/mirror/langgenius/dify-"
NGINX = "nginx/nginx.conf.template"
ENVS = "envs/core-services/api.env"
OVERRIDE = "docker-compose.override.yaml"
OWN_OVERRIDE = b"""\
services:
  api:
    env_file: [./own/extra.env]
    labels: {own.label: kept}
  mailer:
    image: example/mailer:2
    profiles: [own]
"""
FIRST_ENVS_FILES = (1, 14, 1)


def place(content: bytes, line: bytes, becomes: bytes) -> bytes:
    assert content.count(line) >= 1, line
    return content.replace(line, becomes, 1)


def own_service(content: bytes) -> bytes:
    watcher = b"\n  # ours\n  watcher:\n    image: example/watcher:1\n    depends_on: [api]\n\nnetworks:\n"
    return place(content, b"\nnetworks:\n", watcher)


def own_image(content: bytes) -> bytes:
    return place(content, b"image: redis:6-alpine", b"image: redis:7-alpine  # ours")


def own_mount(content: bytes) -> bytes:
    line = b"      - ./nginx/nginx.conf.template:"
    return place(content, line, b"      - ./own/certs:/own:ro\n" + line)


def own_anchor(content: bytes) -> bytes:
    return b"# ours, above everything\nx-own: &own\n  a: 1\n\n" + content


def mirrored(content: bytes) -> bytes:
    return content.replace(b"langgenius/dify-", MIRROR)


EDITS: tuple[Callable[[bytes], bytes], ...] = (
    own_service,
    own_image,
    own_mount,
    own_anchor,
    lambda content: content.replace(b"\n", b"\r\n"),
    mirrored,
    lambda content: own_anchor(own_mount(own_image(own_service(content)))),
    lambda content: content,
)


def own_template(content: bytes) -> bytes:
    return place(content, b"http {\n", b"http {\n    # ours\n    server_tokens off;\n")


@dataclass(frozen=True)
class Case:
    """One way with what somebody made of the older release."""

    older: str
    newer: str
    number: int

    @property
    def edit(self) -> Callable[[bytes], bytes]:
        return EDITS[self.number % len(EDITS)]

    @property
    def expected(self) -> bytes:
        """The compose file as a careful person would have carried the edit over."""
        before, after = files_of(self.older)[COMPOSE], files_of(self.newer)[COMPOSE]
        if self.edit is not mirrored:
            return self.edit(after)
        for image in sorted(set(re.findall(rb"langgenius/dify-[a-z-]+", before))):  # their mirror has no others yet
            after = after.replace(image + b":", MIRROR.removesuffix(b"langgenius/dify-") + image + b":")
        return after

    @functools.cached_property
    def theirs(self) -> Mapping[str, bytes]:
        upstream = files_of(self.older)
        files = {
            **upstream,
            COMPOSE: self.edit(upstream[COMPOSE]),
            NGINX: own_template(upstream[NGINX]),
            OVERRIDE: OWN_OVERRIDE,
            "own/extra.env": b"EXTRA=1\nMY_CUSTOM_EXTRA='two words'\n",
            ".env": env_of(shipped(self.older), self.number),
        }
        if example := upstream.get(f"{ENVS}.example"):
            files[ENVS] = customised(example, crlf=self.number % 3 == 0, reordered=False) + b"\nENVS_OWN=theirs\n"
        return files

    @functools.cached_property
    def drafted(self) -> Draft:
        held = {path: Held(content=content) for path, content in self.theirs.items()}
        way = Way(
            installed=Version.parse(self.older),
            wanted=Version.parse(self.newer),
            before=files_of(self.older),
            after=files_of(self.newer),
        )
        install = Install(folder="/opt/dify/docker", project="dify", compose_files=(), files=held)
        return draft(install, way, secret_key=None, image_map={})


def env_of(base: Shipped, number: int) -> bytes:
    """Return an .env as people have them: the whole example or a few lines, in both kinds of line, with duplicates."""
    crlf = number % 2 == 1
    env = small(crlf=crlf) if number % 3 == 2 else customised(base.example or b"", crlf=crlf)
    end = b"\r\n" if crlf else b"\n"
    twice = (
        b"",
        b"LOG_LEVEL=ERROR",
        b"LOG_LEVEL=DEBUG",
        b"EXPOSE_NGINX_PORT=8080",
        b"SSRF_PROXY_ALLOW_PRIVATE_IPS=10.1.2.3",
    )
    profiles = base.defaults.values["COMPOSE_PROFILES"]
    return env + end.join((*twice, b"COMPOSE_PROFILES=" + profiles.encode() + b",own", b"# the end"))


def cases() -> list[Case]:
    return [Case(older, newer, number) for number, (older, newer) in enumerate(pairs())]


def composed(case: Case, folder: Path) -> Composed:
    for path, content in case.drafted.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return read_composed(config(folder, "--format", "json").encode(), b"")


def assert_theirs_survive(case: Case) -> None:
    drafted, theirs = case.drafted, case.theirs
    assert [merged.file for merged in drafted.merged if merged.conflicts] == []
    assert drafted.files[COMPOSE] == case.expected
    assert drafted.files[NGINX] == own_template(files_of(case.newer)[NGINX])
    assert_kept(theirs[".env"], drafted.env)
    own = {OVERRIDE, "own/extra.env", ENVS} & set(theirs)
    assert own.isdisjoint(drafted.written)
    assert {path: drafted.files[path] for path in own} == {path: theirs[path] for path in own}
    if ENVS in own:  # .env is read after it: what is added there would override it
        in_envs, added = read_env(theirs[ENVS], file=ENVS).last, {new.key for new in drafted.env.added if not new.rule}
        assert added.isdisjoint(in_envs)


def assert_compose_gives_what_they_had(case: Case, made: Composed) -> None:
    assert made.why_not == ""
    assert {"api", "db_postgres" if reaches(case.newer, (1, 10, 1)) else "db", "mailer"} <= set(made.services)
    assert ("watcher" in made.services) is (b"  watcher:\n" in case.drafted.files[COMPOSE])
    api = {key: value.reveal().replace("$$", "$") for key, value in made.services["api"].environment.items()}
    assert (api["EXTRA"], api["MY_CUSTOM_EXTRA"]) == ("1", "two words")
    assert api["LOG_LEVEL"] == "DEBUG"
    assert {published for _, published, _ in made.services["nginx"].ports} >= {8080}
    if reaches(case.newer, FIRST_ENVS_FILES):  # from here on containers get the whole file
        given, theirs = (
            read_env(case.drafted.files[".env"], file=".env").given,
            read_env(case.theirs[".env"], file=".env"),
        )
        lost = {key for key in theirs.last if api.get(key) != given[key]}
        assert {key for key in lost if not written_by_compose(key, case)} == set()
    if ENVS in case.theirs:
        assert api["ENVS_OWN"] == "theirs"


def written_by_compose(key: str, case: Case) -> bool:
    """Whether the compose file itself gives the api this key."""
    return f"      {key}:" in case.drafted.files[COMPOSE].decode()


def reaches(version: str, since: tuple[int, int, int]) -> bool:
    return Version.parse(version).numbers >= since


def test_on_every_way_nothing_of_theirs_is_lost_and_compose_takes_the_result(tmp_path: Path) -> None:
    compose_or_skip()
    every = cases()
    assert len(every) == len(tags()) * (len(tags()) - 1) // 2
    for case in every:
        assert_theirs_survive(case)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for case, made in zip(
            every, pool.map(composed, every, (tmp_path / str(case.number) for case in every)), strict=True
        ):
            assert_compose_gives_what_they_had(case, made)


def test_every_customisation_meets_old_and_new_shapes_of_the_files() -> None:
    met = {(case.number % len(EDITS), reaches(case.newer, FIRST_ENVS_FILES)) for case in cases()}
    assert met == set(itertools.product(range(len(EDITS)), (False, True)))


def drafted(theirs: bytes) -> Draft:
    """Return what becomes of an edited compose file of 1.10.1 in 1.11.4."""
    files = files_of("1.10.1")
    held = {**{path: Held(content=content) for path, content in files.items()}, COMPOSE: Held(content=theirs)}
    install = Install(folder="/opt/dify/docker", project="dify", compose_files=(), files=held)
    ends = {"installed": Version.parse("1.10.1"), "wanted": Version.parse("1.11.4")}
    way = Way(**ends, before=files, after=files_of("1.11.4"))
    return draft(install, way, secret_key=None, image_map={})


def test_their_own_service_stands_beside_one_that_upstream_put_at_the_same_place() -> None:
    watcher = b"  watcher:\n    image: example/watcher:1\n"
    made = drafted(place(files_of("1.10.1")[COMPOSE], b"\nservices:\n", b"\nservices:\n" + watcher))
    assert watcher in made.files[COMPOSE]
    assert made.files[COMPOSE].replace(watcher, b"") == files_of("1.11.4")[COMPOSE]


def test_an_edit_of_a_line_that_upstream_changes_too_is_a_conflict_that_names_it() -> None:
    image = b"langgenius/dify-plugin-daemon:0.4.1-local"
    theirs = place(files_of("1.10.1")[COMPOSE], image, b"langgenius/dify-plugin-daemon:0.4.2-local")
    made = drafted(theirs)
    assert made.files[COMPOSE] == theirs
    objection = next(merged for merged in made.merged if merged.file == COMPOSE).objection("1.11.4")
    assert objection is not None
    number = int(str(objection.facts["lines"]).partition("-")[0])
    assert b"0.4.2-local" in theirs.splitlines()[number - 1]
    assert objection.facts["file"] == COMPOSE
