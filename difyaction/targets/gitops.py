"""A repository whose files name Dify's images: find, plan, propose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from difyaction.errors import Complaint, Failed, Invalid
from difyaction.gitops import environments, rollback
from difyaction.gitops.editing.address import parse_set
from difyaction.gitops.files import Choose, Entry, FileAt
from difyaction.gitops.finding import globs
from difyaction.gitops.finding.discover import candidates, skipped, through_links
from difyaction.gitops.outside import Outside
from difyaction.gitops.planning.reading import Reading, read_files, wanted_globs
from difyaction.gitops.planning.wanted import wanted_images
from difyaction.gitops.records import GitopsFacts, GitopsPlan, PlanOptions
from difyaction.inputs import Inputs
from difyaction.language import N_, Language
from difyaction.releases.request import version_file
from difyaction.surroundings import Surroundings
from difyaction.target import Document, Outcome
from difyaction.version_file import missing, version_in

NOTES_CHARACTERS = 60_000
USUAL_ENVIRONMENTS_FILE = "environments.yaml"  # the input's default: nobody has to have it


class Place(Protocol):
    """Where the files are: a repository on GitHub, or a checkout."""

    def survey(self, choose: Choose, spare: Choose) -> tuple[FileAt, ...]:
        """List all files, and read those that are chosen in the same go; ``spare`` may be wanted later."""
        ...

    def entries(self) -> tuple[Entry, ...]:
        """List all files."""
        ...

    def read(self, entries: Iterable[Entry]) -> tuple[FileAt, ...]:
        """Read some of them."""
        ...

    def deliver(self, plan: GitopsPlan, reverts: str) -> Outcome:
        """Write the plan's files, or propose them. ``reverts`` names what a rollback takes back."""
        ...

    def close(self) -> None:
        """Let go of connections and tokens."""
        ...


@dataclass(frozen=True)
class Facts:
    """What was read. ``reading`` is of the same files; ``back`` is how to go back, in mode rollback."""

    facts: GitopsFacts
    reading: Reading
    back: rollback.Back | None = None


class Gitops:
    """The target ``gitops``."""

    def __init__(self, inputs: Inputs, surroundings: Surroundings, place: Place, outside: Outside) -> None:
        self._inputs = inputs
        self._say = surroundings.say
        self._place = place
        self._outside = outside
        self._reverts = ""

    def inspect(self) -> Facts:
        """Read the files, then ask the world what they need: the release, chart indexes, the registry."""
        options = _options(self._inputs)
        survey = self._place.survey(
            lambda entries: self._wanted(entries, options, ()), lambda entries: candidates(entries, ())
        )
        first = {file.path: file for file in survey}
        known = self._environments(first)
        picked = self._wanted(self._place.entries(), options, known)
        facts = GitopsFacts(
            files=self._place.read(picked),
            release=None,
            options=options,
            environments=known,
            skipped=skipped(self._place.entries(), wanted_globs(options, known)),
        )
        reading = read_files(facts)
        self._say(f"{len(picked)} files read, {sum(len(unit.spots) for unit in reading.units)} places name an image")
        if self._inputs.mode == "rollback":
            return self._backwards(facts, reading)
        if wanted := self._version(known):
            release = self._outside.release(version_text(wanted, first), reading.installed)
            environments.check_versions(known, [unit.name for unit in reading.units], release.version)
            charts = self._outside.charts(reading, release)
            newest = {} if options.chart_version else charts.newest
            facts = replace(facts, release=release, chart_versions=newest, chart_apps=charts.apps)
        findings = self._outside.image_findings(wanted_images(facts, reading))
        return Facts(replace(facts, image_findings=findings), reading)

    def plan(self, facts: Facts) -> GitopsPlan:
        """Decide, over facts alone."""
        from difyaction.gitops.planning.plan import make_plan, settled  # noqa: PLC0415 - what was found is told before

        plan = make_plan(facts.facts, facts.reading)
        if facts.back:
            return rollback.judged(plan, facts.facts, facts.back)
        return replace(
            plan,
            documents=(*plan.documents, *self._notes(plan)),
            settled=settled(facts.facts, facts.reading, plan),
        )

    def apply(self, plan: GitopsPlan) -> Outcome:
        """Propose the plan, or write it."""
        return self._place.deliver(plan, self._reverts)

    def close(self) -> None:
        """Let go of everything."""
        self._place.close()
        self._outside.close()

    def _notes(self, plan: GitopsPlan) -> Iterator[Document]:
        """Yield the release notes on the way, for the job summary."""
        from difyaction.gitops.wording import notes  # noqa: PLC0415 - the same

        say = Language.of(self._inputs.language).say
        text = notes.render(plan.release.between, NOTES_CHARACTERS, say) if plan.release and plan.changes else ""
        if text:
            yield Document(say(N_("Release notes")), text, "markdown")

    def _version(self, known: tuple[environments.Environment, ...]) -> str:
        """Return the input, or what the environment's own entry asks for."""
        inputs = self._inputs
        if inputs.dify_version or inputs.set_lines or inputs.chart_version:
            return inputs.dify_version
        own = next((each.dify_version for each in known if each.name == inputs.environment), "")
        if not own:
            text = f"dify-version: neither the input nor {inputs.environments_file} says which release is wanted."
            raise Invalid([Complaint(id="input-missing", text=text, input="dify-version")])
        return own

    def _backwards(self, facts: GitopsFacts, reading: Reading) -> Facts:
        past = self._place
        if not isinstance(past, rollback.Past):
            raise Failed(
                "rollback-needs-history",
                "A rollback looks into the history of the files, which `delivery: files` does not read.",
                next_step="Use `delivery: pull-request` or `commit`; in a checkout, `git revert` does the same.",
            )
        back = rollback.find(past, reading, self._inputs.rollback_to)
        self._reverts = back.reverts
        there = replace(facts, options=replace(facts.options, set_lines=back.lines))
        reading = read_files(there)
        findings = self._outside.image_findings(wanted_images(there, reading))
        return Facts(replace(there, image_findings=findings), reading, back)

    @property
    def _preliminaries(self) -> tuple[str, ...]:
        """Files that say what to do. They are read together: each question to GitHub counts."""
        return tuple(path for path in (self._inputs.environments_file, version_file(self._inputs.dify_version)) if path)

    def _environments(self, files: Mapping[str, FileAt]) -> tuple[environments.Environment, ...]:
        """Return the environments of the file that names them; none when there is no such file."""
        file = files.get(self._inputs.environments_file)
        if file is None:
            if self._inputs.environment or self._inputs.environments_file != USUAL_ENVIRONMENTS_FILE:
                raise Failed(
                    "environments-file-missing",
                    "The repository has no file {path}, which would say what the environments are.",
                    next_step="Add it, or name it in environments-file; docs/matrix.md shows one.",
                    path=self._inputs.environments_file,
                )
            return ()
        return environments.parse(file.content, file=file.path)

    def _wanted(
        self, entries: tuple[Entry, ...], options: PlanOptions, known: tuple[environments.Environment, ...]
    ) -> tuple[Entry, ...]:
        """Choose the files to read. While the environments are not known, an environment's own files are left out."""
        if options.units and not globs.names_any(options.globs) and not known:
            return tuple(entry for entry in entries if entry.is_file and entry.path in self._preliminaries)
        by_hand = [address.file for address, _ in options.set_lines]
        if behind_links := tuple(through_links(entries, by_hand)):
            raise Invalid(behind_links)
        return candidates(
            entries,
            wanted_globs(options, known),
            with_env=bool(options.env_variables),
            also=[*by_hand, *self._preliminaries],
        )


def _options(inputs: Inputs) -> PlanOptions:
    """Return what of the inputs a plan is made from."""
    return PlanOptions(
        globs=inputs.files,
        set_lines=tuple(parse_set(line, number=number) for number, line in enumerate(inputs.set_lines, 1)),
        only_set=bool(inputs.set_lines) and not (inputs.dify_version or inputs.chart_version),
        env_variables=inputs.env_variables,
        image_map=inputs.image_map,
        chart_version=inputs.chart_version,
        pin_digests=inputs.pin_digests,
        allow_downgrade=inputs.allow_downgrade,
        acknowledge=inputs.acknowledge,
        delivery=inputs.delivery,
        units=(inputs.environment,) if inputs.environment else (),
        bound=(
            ("auto-merge", inputs.auto_merge),
            ("base", inputs.base),
            ("branch", inputs.branch),
            ("merge-without-checks", str(inputs.merge_without_checks)),
            ("repository", inputs.repository),
        ),
    )


def version_text(asked: str, files: Mapping[str, FileAt]) -> str:
    """Return the version or range that is asked for, out of its file if ``asked`` names one."""
    path = version_file(asked)
    if path is None:
        return asked
    file = files.get(path)
    if file is None:
        raise missing(path)
    return version_in(path, file.content)


def build(inputs: Inputs, surroundings: Surroundings) -> Gitops:
    """Make the target. Nobody is contacted yet."""
    return Gitops(inputs, surroundings, place_of(inputs, surroundings), Outside(inputs, surroundings))


def place_of(inputs: Inputs, surroundings: Surroundings) -> Place:
    """Return where the files are that these inputs mean."""
    if inputs.delivery == "files":
        from difyaction.gitops.checkout import Checkout  # noqa: PLC0415 - and never pays for GitHub's library

        return Checkout.of(surroundings)
    from difyaction.gitops.remote import Remote  # noqa: PLC0415 - only those who talk to GitHub pay for it

    return Remote(inputs, surroundings)
