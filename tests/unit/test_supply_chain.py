"""What gets into the image and into our workflows is named so that nobody can put something else in its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "examples").rglob("*.yml"))
OURS = "org/dify-upgrade-action@v1"  # examples name the release that people will have
USES = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.MULTILINE)
BY_COMMIT = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
VERSION_BEHIND = re.compile(r" # v\d+(\.\d+)*")


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


@pytest.mark.parametrize("name", ["requirements.txt", ".github/audit/requirements.txt"])
def test_every_package_is_locked_to_one_version_and_its_hashes(name: str) -> None:
    text = re.sub(r"\\\n", " ", (ROOT / name).read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ ", line), line[:80]
        assert "--hash=sha256:" in line, line[:80]


def test_the_image_installs_nothing_without_a_hash() -> None:
    dockerfile = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text("utf-8"))
    installs = [line for line in dockerfile.splitlines() if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)


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
