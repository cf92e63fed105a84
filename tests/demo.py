"""`make demo`: the product in a minute, with no account anywhere.

The real `entrypoint.py` runs as GitHub's runner would run it. GitHub, upstream and the registry are emulated on
this machine; the repository behind the emulated GitHub is a real one.
"""

from __future__ import annotations

import sys

from tests.stage.run import Run, act
from tests.stage.world import World, world


def main() -> int:
    """Show it; the exit code is 0 when everything ended as it should."""
    with world() as stage:
        stage.repository.settings.allow_auto_merge = True
        stage.repository.protect("main", required_checks=("ci",))
        told = [_plan(stage), _apply(stage), _merge(stage), _again(stage)]
    _say("That was it", "docs/architecture.md says how it is built; README.md how to use it.")
    return 0 if all(told) else 1


def _plan(stage: World) -> bool:
    _say("1. Plan: what would be done, and to what", "Nothing is changed; the summary below is what a reviewer reads.")
    run = act(stage.inputs(mode="plan"))
    _show(run.summary)
    return run.outputs["status"] == "planned"


def _apply(stage: World) -> bool:
    _say("2. Apply: the log of the run", "Masks are printed for the runner's eyes; they are left out here.")
    run = act(stage.inputs(auto_merge="squash", labels="dify"))
    _show(_without_masks(run))
    pull = stage.repository.pull(int(run.outputs["pull-request-number"] or 0))
    _say("3. The pull request that it opened", f"{pull.title}")
    _show(pull.body)
    return run.outputs["status"] == "proposed" and run.outputs["auto-merge-result"] == "enabled"


def _merge(stage: World) -> bool:
    _say("4. The required check passes", "GitHub merges what was armed; nobody has to come back for it.")
    stage.repository.check(stage.repository.head(stage.repository.pull(1).head), "ci")
    merged = stage.repository.read("main", "environments/production/values.yaml").decode()
    _show(merged)
    return 'tag: "1.14.1"' in merged


def _again(stage: World) -> bool:
    _say("5. The same run again, in Japanese", "Everything is as wanted by now.")
    run = act(stage.inputs(auto_merge="squash", language="ja", timezone="Asia/Tokyo"))
    _show(run.summary)
    return run.outputs["status"] == "unchanged"


def _without_masks(run: Run) -> str:
    return "\n".join(line for line in run.log.splitlines() if not line.startswith("::add-mask::"))


def _say(heading: str, sentence: str) -> None:
    print(f"\n{'=' * 100}\n{heading}\n{sentence}\n{'-' * 100}")  # noqa: T201 - it is a show


def _show(text: str) -> None:
    print("\n".join(f"  {line}" for line in text.splitlines()))  # noqa: T201 - it is a show


if __name__ == "__main__":
    sys.exit(main())
