"""Several runs on one branch: nobody's edit is lost."""

from __future__ import annotations

import random
import threading
import time

from difyaction.gitops.github.delivery import Order, propose
from difyaction.gitops.github.pace import Pace
from tests.contract.github_setting import (
    NEW,
    OTHER,
    SHARED,
    VALUES,
    Bench,
    FastTime,
    bench,
    connected,
    content,
    order,
    proposal,
    sample,
    shared,
)
from tests.emulators.github.emulator import GitHubEmulator

ALL = "dify-upgrade/all"


def leg(here: Bench, unit: str, path: str) -> Order:
    return order(here, here.look(), (path,), asked=shared(unit), strategy=SHARED)


def both_legs(github: GitHubEmulator) -> None:
    for unit, path in (("staging", VALUES), ("production", OTHER)):
        here = bench(github)
        propose(here.repository, here.look(), leg(here, unit, path))


def test_legs_add_to_one_branch_and_one_pull_request(github: GitHubEmulator) -> None:
    hosted = sample(github)
    both_legs(github)
    assert len(hosted.pulls) == 1
    assert hosted.read(ALL, VALUES) == hosted.read(ALL, OTHER) == content(NEW)
    assert "### staging" in hosted.pull(1).body
    assert "### production" in hosted.pull(1).body
    both_legs(github)
    assert hosted.commit(ALL).message.endswith("Dify-Upgrade-Action: production")
    assert not github.calls("GRAPHQL updateRefs")


def test_legs_that_looked_at_the_same_moment_lose_nothing(github: GitHubEmulator) -> None:
    hosted = sample(github)
    benches = [bench(github, chance=number) for number in range(2)]
    looks = [here.look() for here in benches]
    orders = [leg(benches[0], "staging", VALUES), leg(benches[1], "production", OTHER)]
    for here, look, mine in zip(benches, looks, orders, strict=True):
        propose(here.repository, look, mine)
    assert hosted.read(ALL, VALUES) == hosted.read(ALL, OTHER) == content(NEW)
    assert len(hosted.pulls) == 1


def test_six_legs_at_once_end_in_one_pull_request_with_six_sections(github: GitHubEmulator) -> None:
    paths = {f"unit-{number}": f"environments/{number}/values.yaml" for number in range(6)}
    hosted = sample(github, dict.fromkeys(paths.values(), content()))
    problems: list[BaseException] = []

    def run(number: int, unit: str) -> None:
        chance = random.Random(number)  # noqa: S311 - chance, not secrecy
        pace = Pace(time.time, lambda seconds: time.sleep(seconds / 20), chance.random)
        here = Bench(github, connected(github, pace), FastTime())
        try:
            propose(here.repository, here.look(), leg(here, unit, paths[unit]))
        except BaseException as problem:  # noqa: BLE001 - told by the main thread
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number, unit)) for number, unit in enumerate(paths)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert {hosted.read(ALL, path) for path in paths.values()} == {content(NEW)}
    assert len(hosted.pulls) == 1
    assert all(f"### {unit}" in hosted.pull(1).body for unit in paths)


def test_a_shared_branch_is_rebuilt_with_everyones_edits(github: GitHubEmulator) -> None:
    hosted = sample(github)
    both_legs(github)
    hosted.push({"README.md": b"news\n"})
    here = bench(github)
    propose(here.repository, here.look(), leg(here, "staging", VALUES))
    tip = hosted.commit(ALL)
    assert tip.parents == (hosted.head("main"),)
    assert hosted.read(ALL, VALUES) == hosted.read(ALL, OTHER) == content(NEW)
    assert "Dify-Upgrade-Action: production" in tip.message
    assert hosted.read(ALL, "README.md") == b"news\n"


def test_a_rebuild_leaves_out_what_the_base_changed_itself(github: GitHubEmulator) -> None:
    hosted = sample(github)
    both_legs(github)
    hosted.push({OTHER: b"rewritten\n"})
    here = bench(github)
    propose(here.repository, here.look(), leg(here, "staging", VALUES))
    assert hosted.read(ALL, OTHER) == b"rewritten\n"
    assert hosted.read(ALL, VALUES) == content(NEW)


def test_two_legs_may_edit_one_file(github: GitHubEmulator) -> None:
    hosted = sample(github, {VALUES: b"staging: 1.13.3\nproduction: 1.12.0\n"})
    here = bench(github)
    propose(here.repository, here.look(), leg(here, "staging", VALUES))
    hosted.push({VALUES: b"staging: 1.14.1\nproduction: 1.13.3\n"}, branch=ALL)
    here = bench(github)
    propose(here.repository, here.look(), leg(here, "production", VALUES))
    assert hosted.read(ALL, VALUES) == b"staging: 1.14.1\nproduction: 1.14.1\n"


def test_units_with_unusual_names_have_their_own_marks(github: GitHubEmulator) -> None:
    hosted = sample(github)
    asked = proposal(unit="env -- prod>x")
    for wanted in ("created", "none"):
        here = bench(github)
        look = here.look()
        assert propose(here.repository, look, order(here, look, asked=asked)).operation == wanted
    assert len(hosted.pulls) == 1
