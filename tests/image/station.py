"""The machine that GitHub's runner works on: an engine, and in it the image, built from this checkout.

It is not the machine that Dify runs on (tests/rig/stack.py): both can be up at once, as in real life.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import requests

from tests.image import base, outlets
from tests.image.engine import Engine
from tests.rig.doors import Door
from tests.rig.machine import Machine
from tests.rig.place import state_folder
from tests.rig.registry import MANIFEST, Registry

REGISTRY_PORT = 5000
HOST = f"127.0.0.1:{REGISTRY_PORT}"
NAME = "rig/dify-upgrade-action"


@dataclass(frozen=True)
class Built:
    """The image: its name in the engine, the layers of the base, its own layers, each in bytes as they are pulled."""

    name: str
    base_layers: tuple[int, ...]
    own_layers: tuple[int, ...]


class Station:
    """Owns the machine. One process at a time; others wait."""

    def __init__(self, state: Path, environ: Mapping[str, str]) -> None:
        self.state = state
        self.machine = Machine(state, environ)
        self.timings: dict[str, float] = {}
        self._turn = (state / "turn").open("a")
        self._door: Door | None = None

    @classmethod
    def up(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Switch it on, once nobody else uses it."""
        environ = environ or os.environ
        state = state_folder(environ) / "runner"
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        station = cls(state, environ)
        try:
            fcntl.flock(station._turn, fcntl.LOCK_EX)
            with station._timed("machine"):
                station.machine.power_on()
        except BaseException:
            station.down()
            raise
        return station

    def down(self) -> None:
        """Switch it off; base, wheels and built layers stay for the next time."""
        if self.machine.first:
            self.machine.run(["sh", "-c", "docker ps -aq | xargs -r docker rm -fv"], check=False)
        if self._door:
            self._door.close()
        self.machine.power_off()
        shutil.rmtree(self.state / "jobs", ignore_errors=True)
        self._turn.close()

    @property
    def engine(self) -> Engine:
        return Engine(f"unix:///proc/{self.machine.first}/root/run/docker.sock")

    @cached_property
    def image(self) -> Built:
        """The project's Dockerfile, built as anyone builds it, on a base that is made here."""
        with self._timed("base"):
            named = f"{HOST}/{base.pushed(self.registry, self.state)}"
        name = f"{HOST}/{NAME}:latest"
        with self._timed("build"):
            argument = ["--build-arg", f"BASE={named}"]
            # the first stage gets a name, so that what it was built from is there the next time
            for words in (["--target", "build", "--tag", f"{NAME}:build"], ["--tag", name]):
                self.engine.run("build", "--quiet", *argument, *words, str(base.ROOT))
            self.engine.run("image", "prune", "--force")
        with self._timed("push"):
            self.engine.run("push", "--quiet", name)
        below = json.loads(self.engine.ask("image", "inspect", "--format", "{{json .RootFS.Layers}}", named))
        sizes = [int(layer["size"]) for layer in self._manifest(NAME, "latest")["layers"]]
        return Built(name, tuple(sizes[: len(below)]), tuple(sizes[len(below) :]))

    @cached_property
    def registry(self) -> Registry:
        self._door = Door(lambda: self.machine.first, REGISTRY_PORT)
        registry = Registry(f"{self._door.host}:{self._door.port}")
        self.machine.wait_for(registry.answers, "its registry", 10)
        return registry

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """Give a folder that has the same path here and in the machine."""
        jobs = self.state / "jobs"
        jobs.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=jobs) as name:
            yield Path(name)

    @contextlib.contextmanager
    def reaching(self, *urls: str) -> Iterator[None]:
        """Let containers with ``--network host`` reach these loopback addresses of this side."""
        with contextlib.ExitStack() as stack:
            for url in urls:
                stack.enter_context(outlets.outlet(self.machine.first, int(url.rpartition(":")[2].partition("/")[0])))
            yield

    def _manifest(self, name: str, tag: str) -> dict[str, list[dict[str, object]]]:
        assert self._door
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                f"http://{self._door.host}:{self._door.port}/v2/{name}/manifests/{tag}",
                headers={"Accept": MANIFEST},
                timeout=60,
            )
            answer.raise_for_status()
            found: dict[str, list[dict[str, object]]] = answer.json()
            return found

    @contextlib.contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.timings[what] = time.monotonic() - began
