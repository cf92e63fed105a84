"""Mode matrix over a repository: its environments file, and what git says of each environment."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from difyaction.surroundings import Surroundings
from difyaction.target import Outcome
from difyaction.targets.gitops import Place, place_of


def run(inputs: Inputs, surroundings: Surroundings) -> Outcome:
    """Turn the environments file into the output ``matrix``."""
    place = place_of(inputs, surroundings)
    try:
        path = inputs.environments_file
        found = place.survey(lambda entries: [entry for entry in entries if entry.is_file and entry.path == path])
        if not found:
            raise Failed(
                "environments-file-missing",
                "The repository has no file {path}, which would say what the environments are.",
                next_step="Add it, or name it in environments-file; docs/matrix.md shows one.",
                path=path,
            )
        known = environments.parse(found[0].content, file=path)
        text = matrix(known, _Chronicle(place, inputs), request=inputs.dify_version, now=surroundings.now())
    finally:
        place.close()
    surroundings.say(text)
    return Outcome("planned", changed=False, outputs={"matrix": text})


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
