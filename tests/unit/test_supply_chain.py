"""What gets into the image and into our workflows is named so that nobody can put something else in its place."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "examples").rglob("*.yml"))
OURS = "org/dify-upgrade-action@v1"  # examples name the release that people will have
USES = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.MULTILINE)
BY_COMMIT = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
VERSION_BEHIND = re.compile(r" # v\d+(\.\d+)*")
IMAGES, TOOLS, AUDITS = "requirements.txt", "requirements-tools.txt", ".github/audit/requirements.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path.read_text("utf-8"))["jobs"]
    return found


@pytest.mark.parametrize("path", [*WORKFLOWS, *EXAMPLES], ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_with_the_version_behind_it(path: Path) -> None:
    for name, rest in USES.findall(path.read_text("utf-8")):
        if name != OURS:
            assert BY_COMMIT.fullmatch(name), name
            assert VERSION_BEHIND.fullmatch(rest), f"{name}: say which version that is"


@pytest.mark.parametrize("path", [*WORKFLOWS, *EXAMPLES], ids=lambda path: path.name)
def test_a_workflow_may_do_nothing_but_what_its_jobs_ask_for(path: Path) -> None:
    assert YAML(typ="safe").load(path.read_text("utf-8"))["permissions"] == {}
    for name, job in jobs(path).items():
        assert isinstance(job.get("permissions"), dict), f"{name} of {path.name} does not say what it needs"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    for name, job in jobs(path).items():
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_ends(path: Path) -> None:
    assert all("timeout-minutes" in job for job in jobs(path).values())


def locked(name: str) -> dict[str, str]:
    """Return version by package of one locked list."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))


def command(name: str) -> str:
    """Return the command that made one locked list, as its head tells it."""
    return (ROOT / name).read_text("utf-8").splitlines()[1].removeprefix("#    ")


@pytest.mark.parametrize("name", [IMAGES, TOOLS, AUDITS])
def test_every_package_is_locked_to_one_version_and_its_hashes(name: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / name).read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ ", line), line[:80]
        assert "--hash=sha256:" in line, line[:80]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (IMAGES, PROJECT["project"]["dependencies"]),
        (TOOLS, PROJECT["project"]["dependencies"]),
        *((TOOLS, extra) for extra in PROJECT["project"]["optional-dependencies"].values()),
        (AUDITS, (ROOT / ".github/audit/requirements.in").read_text("utf-8").splitlines()),
    ],
)
def test_a_locked_list_has_all_that_is_asked_for_in_a_version_that_is_asked_for(name: str, wanted: list[str]) -> None:
    for requirement in map(Requirement, wanted):
        assert locked(name)[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_what_the_image_installs_is_tested_in_that_very_version() -> None:
    image = locked(IMAGES)
    assert image == {name: version for name, version in locked(TOOLS).items() if name in image}


def test_what_builds_the_package_is_locked_with_the_tools() -> None:
    assert PROJECT["project"]["optional-dependencies"]["build"] == PROJECT["build-system"]["requires"]


def test_the_images_list_is_made_for_the_images_python_and_so_are_our_checks() -> None:
    found = re.search(r"^ARG BASE=python:(\d+\.\d+)\.", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert f"--python-version={found[1]} " in command(IMAGES)
    assert json.loads((ROOT / "renovate.json").read_text("utf-8"))["constraints"]["python"] == found[1]
    for path in WORKFLOWS:
        assert set(re.findall(r'python-version: "(.*)"', path.read_text("utf-8"))) <= {found[1]}, path.name


def test_the_tools_list_is_made_for_every_python_that_the_project_runs_on() -> None:
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    for name in (TOOLS, AUDITS):
        assert f"--universal --python-version={oldest} " in command(name)


@pytest.mark.parametrize("name", [IMAGES, TOOLS, AUDITS])
def test_renovate_can_make_each_list_again(name: str) -> None:
    patterns = json.loads((ROOT / "renovate.json").read_text("utf-8"))["pip-compile"]["managerFilePatterns"]
    assert any(re.search(pattern.strip("/"), name) for pattern in patterns)
    program, *options, source = command(name).removeprefix("uv pip ").split()
    assert program == "compile"
    assert all(option.startswith("--") for option in options), "Renovate reads an option's value behind `=` only"
    assert (ROOT / name).with_name(source).exists()


@pytest.mark.parametrize(
    "path", ["Dockerfile", "Makefile", ".ci/run", *(f".github/workflows/{p.name}" for p in WORKFLOWS)]
)
def test_nothing_is_installed_without_a_hash(path: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / path).read_text("utf-8"))
    installs = [line for line in text.splitlines() if re.search(r"pip3? install|uv pip sync|pipx ", line)]
    assert installs or path not in {"Dockerfile", "Makefile"}
    for line in installs:
        ours_alone = "--no-deps --no-build-isolation --editable ." in line
        assert "--require-hashes" in line or ours_alone, line


def test_what_watches_is_there() -> None:
    security = (ROOT / ".github/workflows/security.yml").read_text("utf-8")
    for watcher in (
        "github/codeql-action/analyze",
        "actions/dependency-review-action",
        "make audit",
        "anchore/scan-action",
    ):
        assert watcher in security
    assert "ossf/scorecard-action" in (ROOT / ".github/workflows/scorecard.yml").read_text("utf-8")
