"""The target `gitops`: the plan, the pull request, the merge, and the same run again in Japanese."""

from __future__ import annotations

from tests.demo.show import say, show, without_masks
from tests.stage.run import act
from tests.stage.world import World, world


def show_all() -> bool:
    """Show it; whether everything ended as it should."""
    with world() as stage:
        stage.repository.settings.allow_auto_merge = True
        stage.repository.protect("main", required_checks=("ci",))
        return all([_plan(stage), _apply(stage), _merge(stage), _again(stage)])


def _plan(stage: World) -> bool:
    say("1. Plan: what would be done, and to what", "Nothing is changed; the summary below is what a reviewer reads.")
    run = act(stage.inputs(mode="plan"))
    show(run.summary)
    return run.outputs["status"] == "planned"


def _apply(stage: World) -> bool:
    say("2. Apply: the log of the run", "Masks are printed for the runner's eyes; they are left out here.")
    run = act(stage.inputs(auto_merge="squash", labels="dify"))
    show(without_masks(run.log))
    pull = stage.repository.pull(int(run.outputs["pull-request-number"] or 0))
    say("3. The pull request that it opened", f"{pull.title}")
    show(pull.body)
    return run.outputs["status"] == "proposed" and run.outputs["auto-merge-result"] == "enabled"


def _merge(stage: World) -> bool:
    say("4. The required check passes", "GitHub merges what was armed; nobody has to come back for it.")
    stage.repository.check(stage.repository.head(stage.repository.pull(1).head), "ci")
    merged = stage.repository.read("main", "environments/production/values.yaml").decode()
    show(merged)
    return 'tag: "1.14.1"' in merged


def _again(stage: World) -> bool:
    say("5. The same run again, in Japanese", "Everything is as wanted by now.")
    run = act(stage.inputs(auto_merge="squash", language="ja", timezone="Asia/Tokyo"))
    show(run.summary)
    return run.outputs["status"] == "unchanged"
