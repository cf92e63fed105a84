"""Mode matrix over a repository: its environments file, and what git says of each environment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from difyaction.errors import Failed
from difyaction.gitops import environments
from difyaction.gitops.environments import Environment
from difyaction.gitops.files import Entry
from difyaction.gitops.finding import names
from difyaction.gitops.finding.discover import candidates
from difyaction.gitops.planning.reading import Reading, read_files
from difyaction.gitops.records import GitopsFacts, PlanOptions
from difyaction.gitops.rollback import Past, version_then
from difyaction.inputs import Inputs
from difyaction.matrix import Carried, matrix
from difyaction.releases.request import version_file
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome
from difyaction.targets.gitops import Place, place_of, version_text

_MOST_KEYS = 20
_MOST_LETTERS = 60


def run(inputs: Inputs, surroundings: Surroundings) -> Outcome:
    """Turn the environments file into the output ``matrix``."""
    place = place_of(inputs, surroundings)
    try:
        path = inputs.environments_file
        wanted = {path, version_file(inputs.dify_version)}
        first = place.survey(
            lambda entries: [entry for entry in entries if entry.is_file and entry.path in wanted],
            lambda entries: candidates(entries, ()),
        )
        found = {file.path: file for file in first}
        if path not in found:
            raise Failed(
                "environments-file-missing",
                "The repository has no file {path}, which would say what the environments are.",
                next_step="Add it, or name it in environments-file; docs/matrix.md shows one.",
                path=path,
            )
        known = environments.parse(found[path].content, file=path)
        _need_history(place, known)
        request = version_text(inputs.dify_version, found)
        text = matrix(known, _Chronicle(place, inputs), request=request, now=surroundings.now())
    finally:
        place.close()
    surroundings.say(text)
    own = tuple(_own_keys(known))
    for sentence in own:
        surroundings.say(sentence)
    sentences = (*_told(json.loads(text)), *own)
    return Outcome("planned", changed=False, outputs={"matrix": text}, sentences=sentences)


def _told(whole: Mapping[str, Any]) -> Iterator[str]:
    """Say who may move where, and who waits for what."""
    for row in whole["all"]["include"]:
        at = f" from {row['current-version']}" if row["current-version"] else ""
        yield f"Wave {row['wave']}: {row['environment']} goes{at} to {row['dify-version']}"
    for row in whole["held"]:
        yield f"{row['environment']} stays: {row['reason']}"


def _own_keys(known: tuple[Environment, ...]) -> Iterator[str]:
    """Name the keys that mean nothing here, for one of them may have been meant for one that does."""
    keys = list(dict.fromkeys(key for environment in known for key in environment.extra))
    if keys:
        told = ", ".join(f"'{key[:_MOST_LETTERS]}'" for key in keys[:_MOST_KEYS])
        more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
        yield f"Keys that mean nothing to this Action, passed on to the matrix as they are: {told}{more}"


def _need_history(place: Place, known: tuple[Environment, ...]) -> None:
    waiting = [environment.name for environment in known if environment.after]
    if waiting and not isinstance(place, Past):
        raise Failed(
            "matrix-needs-history",
            "What {environments} may run depends on the history of the files, which `delivery: files` does not read.",
            next_step="Leave `delivery` out: then git is asked through GitHub's API, and nothing is written either.",
            environments=", ".join(waiting),
        )


@dataclass(frozen=True)
class _Chronicle:
    """What git knows of an environment: which version its api image had, and since when."""

    place: Place
    inputs: Inputs

    def carried(self, environment: Environment) -> tuple[Carried, ...]:
        """Return the versions that the environment's files have named, newest first."""
        reading = self._reading(environment)
        guide = next((spot for unit in reading.units for spot in unit.spots if spot.image == names.API), None)
        if guide is None or not isinstance(self.place, Past):
            return ()
        carried: list[Carried] = []
        for moment in self.place.touched(guide.file):
            version = version_then(self.place, moment.sha, guide)
            if version is None:
                break
            if carried and carried[-1].version == version:
                carried[-1] = replace(carried[-1], since=moment.when)
            else:
                carried.append(Carried(version, moment.when))
        return tuple(carried)

    def _reading(self, environment: Environment) -> Reading:
        def choose(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
            return candidates(entries, environment.files, with_env=bool(self.inputs.env_variables))

        options = PlanOptions(
            globs=environment.files, env_variables=self.inputs.env_variables, image_map=self.inputs.image_map
        )
        files = self.place.read(choose(self.place.entries()))
        return read_files(GitopsFacts(files=files, release=None, options=options))
