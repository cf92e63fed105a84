"""A builder that `main` can import, and the targets that it hands out."""

from __future__ import annotations

import os
import signal

from difyaction.errors import Failed
from difyaction.inputs import Inputs
from difyaction.surroundings import Surroundings
from difyaction.target import Document
from tests.unit.sample_plan import SamplePlan, ScriptedTarget, objection

SEEN: list[Surroundings] = []
CLOSED: list[str] = []


class WithoutTerminal(ScriptedTarget):
    """Loses its terminal while it looks."""

    def inspect(self) -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        return super().inspect()


class Signalled(ScriptedTarget):
    """Is cancelled while it applies."""

    number = signal.SIGTERM

    def apply(self, plan: SamplePlan) -> None:  # type: ignore[override]  # never returns
        os.kill(os.getpid(), self.number)
        raise AssertionError(plan)

    def close(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)  # a second signal must not stop the closing
        CLOSED.append("closed")


def build(inputs: Inputs, surroundings: Surroundings) -> ScriptedTarget:
    SEEN.append(surroundings)
    surroundings.say(f"the token is {inputs.token.reveal()}")
    return _target(inputs)


def _target(inputs: Inputs) -> ScriptedTarget:  # noqa: PLR0911 - one line a case
    match inputs.title:
        case "fails":
            error = Failed("lost", "It is {word}.", next_step="Look.", word="gone")
            return ScriptedTarget(breaks_at="inspect", breaks_with=error)
        case "breaks in apply":
            return ScriptedTarget(breaks_at="apply", breaks_with=ValueError(f"with {inputs.token.reveal()}"))
        case "is stopped":
            return ScriptedTarget(SamplePlan(objections=(objection(),), stopping=(objection(),)))
        case "is cancelled":
            return Signalled()
        case "is interrupted":
            target = Signalled()
            target.number = signal.SIGINT
            return target
        case "loses its terminal":
            return WithoutTerminal()
        case "has a document":
            return ScriptedTarget(SamplePlan(documents=(Document("diff", "::error::injected"),)))
        case _:
            return ScriptedTarget()
