"""What stops us above the line where impact begins."""

from __future__ import annotations

from difyaction.errors import Refused
from difyaction.target import Plan, Severity


def let_pass(plan: Plan, *, approved: str) -> None:
    """Return when the plan is the approved one and nothing stands in its way. ``approved`` may be empty.

    :raises Refused: ``plan-changed`` or ``objections``.
    """
    # A plan that leaves nothing to do is what an approved one looks like once it has been carried out.
    if approved and approved != plan.plan_id and plan.changes:
        raise Refused(
            "plan-changed",
            "Plan {approved} was approved, but by now it would be plan {current}.",
            next_step="Look at the new plan; when it is right, run again with `plan-id: {current}`.",
            approved=approved,
            current=plan.plan_id,
        )
    if not plan.stopping:
        return
    words = ", ".join(objection.consent for objection in plan.stopping)
    final = ", ".join(o.consent for o in plan.stopping if o.severity is Severity.NEVER)
    if final:
        raise Refused(
            "objections",
            "Objections stand in the way: {words}.",
            next_step="{final} cannot be acknowledged: do what is said there, or choose another release.",
            words=words,
            final=final,
        )
    raise Refused(
        "objections",
        "Objections stand in the way: {words}.",
        next_step="Read them; when you accept them, run again with `acknowledge: {words}`.",
        words=words,
    )
