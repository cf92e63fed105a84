"""What the real Compose makes of merged files aside is what it makes of them where they will stand."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from difyaction.compose.composed import read_composed
from difyaction.compose.composed_facts import Composed
from difyaction.compose.draft import Way, draft
from difyaction.compose.install import Held
from difyaction.compose.staging import ask_compose
from difyaction.connections.local import Local
from difyaction.releases.version import Version
from difyaction.secret import Secret
from tests.rig.compose import compose_or_skip
from tests.unit.compose.machines import machine
from tests.upstream_releases import files_of

ENDS = {"installed": Version.parse("1.13.3"), "wanted": Version.parse("1.14.1")}
OWN = "docker-compose.override.yaml"
MONITORING = """\
services:
  exporter:
    image: example/exporter:${TAG:-none}
    env_file: [./own.env, ../docker/.env]
    volumes: ["./data:/data", "../docker/volumes:/dify"]
"""
COMMON = "services:\n  logged:\n    env_file: [secrets/prod.env]\n    volumes: ['./logs:/logs']\n"

SHAPES = {
    "an env file beside": "services: {api: {env_file: [../secrets/prod.env]}}",
    "an env file far above": "services: {api: {env_file: [../../../elsewhere/far.env]}}",
    "an env file below the volumes": "services: {api: {env_file: [volumes/own/own.env]}}",
    "an env file that is large": "services: {api: {env_file: [large.env]}}",
    "an env file that is a link": "services: {api: {env_file: [linked.env]}}",
    "an env file without rights for others": "services: {api: {env_file: [private.env]}}",
    "a project beside": "include: [../monitoring/compose.yaml]",
    "a project beside, with folder and settings": (
        "include: [{path: ../monitoring/compose.yaml, project_directory: ../monitoring, env_file: ../secrets/tag.env}]"
    ),
    "a project by its whole path": "include: ['FOLDER/../monitoring/compose.yaml']",
    "a service beside": "services: {logger: {extends: {file: ../common.yaml, service: logged}, image: 'l:1'}}",
    "the merged settings by their whole path": "services: {own: {image: 'o:1', env_file: ['FOLDER/.env']}}",
    "a place above": "services: {own: {image: 'o:1', volumes: ['../../..:/all', './x:/x', '../dify-2:/y', FOLDER:/z]}}",
    "settings and secrets from files": (
        "services: {own: {image: 'o:1', secrets: [s]}}\nsecrets: {s: {file: ../secrets/prod.env}}"
    ),
    "what compose refuses there, too": "services: {api: {env_file: [../secrets/not-there.env]}}",
}


def standing(folder: Path) -> dict[str, tuple[int, int, int]]:
    return {
        str(path): (about.st_mode, about.st_mtime_ns, about.st_size)
        for path in (folder, *folder.rglob("*"))
        if (about := path.lstat())
    }


def install_in(root: Path, own: str) -> Path:
    folder = root / "opt" / "dify" / "docker"
    for path, content in {**files_of("1.13.3"), ".env": files_of("1.13.3")[".env.example"]}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for path, text in {
        f"opt/dify/docker/{OWN}": own.replace("FOLDER", str(folder)),
        "opt/dify/docker/volumes/own/own.env": "FROM=volumes\n",
        "opt/dify/docker/large.env": "FROM=large\n" + "# long\n" * 120_000,
        "opt/dify/docker/private.env": "FROM=private\n",
        "opt/dify/secrets/prod.env": "FROM=secrets\n",
        "opt/dify/secrets/tag.env": "TAG=8\n",
        "opt/dify/monitoring/compose.yaml": MONITORING,
        "opt/dify/monitoring/own.env": "FROM=monitoring\n",
        "opt/dify/monitoring/.env": "TAG=7\n",
        "opt/dify/common.yaml": COMMON,
        "elsewhere/far.env": "FROM=elsewhere\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    (folder / "private.env").chmod(0o600)
    (folder / "linked.env").symlink_to("../secrets/prod.env")
    return folder


def asked(root: Path, folder: Path) -> tuple[Composed, Mapping[str, bytes]]:
    """Return what Compose makes of the merged files aside, and these files; nothing there is another afterwards."""
    held = {
        str(path.relative_to(folder)): Held(content=path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 700_000 and "volumes/" not in str(path)
    }
    known = machine("1.13.3", {})
    assert known.install is not None
    given = (f"{folder}/docker-compose.yaml", f"{folder}/{OWN}")
    links = tuple(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink())
    install = replace(known.install, folder=str(folder), files=held, compose_files=given, links=links)
    way = Way(**ENDS, before=files_of("1.13.3"), after=files_of("1.14.1"))
    made = draft(install, way, secret_key=Secret("sk"), image_map={})
    written = {path: made.files[path] for path in made.written}
    home = root / "home"
    home.mkdir()
    here = replace(known, host=replace(known.host, home=str(home)))
    before = standing(root)
    composed = ask_compose(Local({"PATH": os.environ["PATH"], "HOME": str(home)}), here, install, written, timeout=120)
    after = standing(root)
    assert {path for path in before if before[path] != after.get(path)} <= {str(home)}
    assert set(after) == set(before)
    return composed, written


def there(folder: Path, written: Mapping[str, bytes]) -> Composed:
    """Return what Compose makes of the same files in the folder itself."""
    for path, content in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    files = ["-f", str(folder / "docker-compose.yaml"), "-f", str(folder / OWN)]
    command = ["docker", "compose", "-p", "docker", "--project-directory", str(folder), *files, "config"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    ran = subprocess.run([*command, "--format", "json"], cwd=folder, env=environ, capture_output=True, check=False)
    return read_composed(ran.stdout, ran.stderr)


def told(composed: Composed) -> object:
    """Return all of it, what stands in environments included."""
    shown = {
        name: (repr(each), sorted((key, each.environment[key].reveal()) for key in each.environment))
        for name, each in composed.services.items()
    }
    return json.dumps([shown, composed.why_not], indent=1)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_an_override_names_is_found_as_it_will_be(tmp_path: Path, shape: str) -> None:
    compose_or_skip()
    folder = install_in(tmp_path, SHAPES[shape])
    composed, written = asked(tmp_path, folder)
    assert told(composed) == told(there(folder, written))
    assert bool(composed.why_not) == shape.startswith("what compose refuses")


@pytest.mark.parametrize("named", ["by a link", "with a blank"])
def test_a_folder_by_any_name_and_an_override_that_is_a_link(tmp_path: Path, named: str) -> None:
    compose_or_skip()
    real = install_in(tmp_path, SHAPES["an env file beside"])
    (tmp_path / "config").mkdir()
    (real / OWN).replace(tmp_path / "config" / OWN)
    (real / OWN).symlink_to(tmp_path / "config" / OWN)
    if named == "by a link":
        (tmp_path / "by a link").symlink_to(tmp_path / "opt" / "dify")
    else:
        (tmp_path / "opt" / "dify").replace(tmp_path / "with a blank")
    folder = tmp_path / named / "docker"
    composed, written = asked(tmp_path, folder)
    assert told(composed) == told(there(folder, written))
    assert composed.services["api"].environment["FROM"].reveal() == "secrets"
