"""A plan, a target and a listener that tests tell the story with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from difyaction.target import Change, Document, Objection, Outcome, Plan, Severity

CHANGE = Change("envs/prod/values.yaml#image.api.tag", "langgenius/dify-api", "1.13.3", "1.14.1", "prod")
OUTPUTS = {"pull-request-number": "12", "pull-request-url": "https://github.com/acme/gitops/pull/12"}
PROPOSED = Outcome("proposed", changed=True, outputs=OUTPUTS, sentences=("8 calls to acme/gitops.",))


def objection(severity: Severity = Severity.ACKNOWLEDGE, rule: str = "plugin-migration") -> Objection:
    return Objection(rule, "1.14.1", severity, "{unit} must run `flask extract-plugins`.", {"unit": "prod"})


@dataclass(frozen=True)
class Said:
    text: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SamplePlan:
    from_version: str = "1.13.3"
    to_version: str = "1.14.1"
    changes: tuple[Change, ...] = (CHANGE,)
    objections: tuple[Objection, ...] = ()
    stopping: tuple[Objection, ...] = ()
    findings: tuple[Said, ...] = ()
    settled: bool = True
    documents: tuple[Document, ...] = ()
    plan_id: str = "3f5a9c0d1e2b"

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(finding.text.format(**finding.facts) for finding in self.findings)


@dataclass
class ScriptedTarget:
    """Writes down what is asked of it; ``breaks_at`` raises there."""

    plan_made: SamplePlan = field(default_factory=SamplePlan)
    outcome: Outcome = PROPOSED
    breaks_at: str = ""
    breaks_with: BaseException = field(default_factory=RuntimeError)
    asked: list[str] = field(default_factory=list)

    def inspect(self) -> str:
        self._note("inspect")
        return "facts"

    def plan(self, facts: str) -> SamplePlan:
        assert facts == "facts"
        self._note("plan")
        return self.plan_made

    def apply(self, plan: SamplePlan) -> Outcome:
        assert plan is self.plan_made
        self._note("apply")
        return self.outcome

    def close(self) -> None:
        self._note("close")

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if what == self.breaks_at:
            raise self.breaks_with


@dataclass
class Listener:
    """Writes down the stages that were entered, and the plan."""

    stages: list[str] = field(default_factory=list)
    plan: Plan | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.stages.append(name)
        yield

    def show(self, plan: Plan) -> None:
        self.plan = plan
