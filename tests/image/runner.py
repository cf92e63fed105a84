"""GitHub's runner as a container action meets it: what actions/runner 2.336 gives, reads and sends.

job = Job(engine, image, folder)
ended = job.act({"target": "gitops", ...})
running = job.start({...}); running.wait_until(lambda: "words" in running.log); ended = running.cancel()
after = job.post(ended)
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from tests.image.engine import Engine
from tests.unit.actions_runner import key_values

ROOT = Path(__file__).resolve().parents[2]
LABEL = "4e8f2c"  # of the runner's installation
RUNNERS_USER = 1001
COMMAND_FILES = {
    "GITHUB_PATH": "add_path",
    "GITHUB_ENV": "set_env",
    "GITHUB_OUTPUT": "set_output",
    "GITHUB_STATE": "save_state",
    "GITHUB_STEP_SUMMARY": "step_summary",
}
# seconds that a cancelled step is given after each signal; they go to the docker client alone
PATIENCE = ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, 60.0))
LONGEST = 300.0


@dataclass(frozen=True)
class Ended:
    """What a step left. ``sent`` are the signals that it took to end it, ``survived``: its container goes on."""

    exit_code: int
    log: str
    outputs: Mapping[str, str]
    state: Mapping[str, str]
    summary: str
    seconds: float
    inputs: Mapping[str, str] = field(repr=False)
    sent: tuple[str, ...] = ()
    survived: bool = False


@dataclass(frozen=True)
class Job:
    """One job on one runner: its folders are kept from step to step.

    ``network`` is that of the job's own container, none for most; ``environ`` what ``env:`` of job and step says;
    ``context`` gives what the defaults of action.yml ask for, such as ``github.token``; ``pace`` stretches the runner's
    patience on a machine that is busy with other things.
    """

    engine: Engine
    image: str
    folder: Path
    network: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    pace: float = 1.0

    def __post_init__(self) -> None:
        for path in (*self._mounts(), self.temp / "_github_workflow" / "event.json"):
            if path.suffix:
                path.write_text("{}", encoding="ascii")
            else:
                path.mkdir(parents=True, exist_ok=True)
                os.chown(path, RUNNERS_USER, RUNNERS_USER)

    @property
    def workspace(self) -> Path:
        """The folder that the container sees as ``/github/workspace``; the runner's user owns it, not root."""
        return self.folder / "gitops" / "gitops"

    @property
    def temp(self) -> Path:
        return self.folder / "_temp"

    def act(self, inputs: Mapping[str, str]) -> Ended:
        """Run the step to its end."""
        return self.start(inputs).wait()

    def start(self, inputs: Mapping[str, str]) -> Running:
        """Start the step."""
        return self._started(inputs, {}, ())

    def post(self, main: Ended) -> Ended:
        """Run the step's post step, with what it left in its state."""
        state = {f"STATE_{name}": value for name, value in main.state.items()}
        return self._started(main.inputs, state, ("--entrypoint", action()["runs"]["post-entrypoint"])).wait()

    def _started(self, inputs: Mapping[str, str], state: Mapping[str, str], words: tuple[str, ...]) -> Running:
        files = self._command_files()
        values = dict(self._values(inputs, files)) | state
        name = f"{re.sub('[^A-Za-z0-9_]', '', self.image)}_{uuid.uuid4().hex[:6]}"
        command = [
            self.engine.client(),
            "run",
            "--name",
            name,
            "--label",
            LABEL,
            "--workdir",
            "/github/workspace",
            "--rm",
        ]
        # names only: values ride in the client's environment and are in no list of processes
        command += [part for key in values for part in ("-e", key)]
        command += ["-e", "GITHUB_ACTIONS=true", *(["-e", "CI=true"] if "CI" not in values else []), *words]
        command += ["--network", self.network] if self.network else []
        command += ["-v", "/var/run/docker.sock:/var/run/docker.sock"]
        command += [part for here, there in self._mounts().items() for part in ("-v", f"{here}:{there}")]
        translated = {key: self._inside(value) for key, value in values.items()}
        process = subprocess.Popen(
            [*command, self.image],
            env={**self.engine.environ(), **translated},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        return Running(self, name, process, files=files, inputs=inputs)

    def _mounts(self) -> dict[Path, str]:
        temp = self.temp
        return {
            temp: "/github/runner_temp",
            temp / "_github_home": "/github/home",
            temp / "_github_workflow": "/github/workflow",
            temp / "_runner_file_commands": "/github/file_commands",
            self.workspace: "/github/workspace",
        }

    def _inside(self, value: str) -> str:
        """Return a value as the container sees it: a path of the runner's becomes one of the container's."""
        for here, there in reversed(self._mounts().items()):
            if value == str(here) or value.startswith(f"{here}/"):
                return there + value.removeprefix(str(here))
        return value

    def _command_files(self) -> dict[str, Path]:
        """Make the files of one step: empty, under names that no other step has."""
        suffix = uuid.uuid4()
        files = {
            variable: self.temp / "_runner_file_commands" / f"{prefix}_{suffix}"
            for variable, prefix in COMMAND_FILES.items()
        }
        for path in files.values():
            path.touch()
            os.chown(path, RUNNERS_USER, RUNNERS_USER)
        return files

    def _values(self, inputs: Mapping[str, str], files: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
        yield from self.environ.items()
        for name, said in action()["inputs"].items():
            default = re.sub(
                r"\$\{\{ ([\w.]+) \}\}", lambda asked: self.context.get(asked[1], ""), said.get("default", "")
            )
            yield f"INPUT_{name.replace(' ', '_').upper()}", inputs.get(name, default)
        yield "HOME", str(self.temp / "_github_home")
        yield from ((variable, str(path)) for variable, path in files.items())
        yield "GITHUB_WORKSPACE", str(self.workspace)
        yield "GITHUB_EVENT_PATH", str(self.temp / "_github_workflow" / "event.json")
        yield from {"GITHUB_ACTION": "__acme_dify-upgrade-action", "GITHUB_ACTOR": "octocat"}.items()
        yield from {"GITHUB_REPOSITORY": "acme/gitops", "GITHUB_REPOSITORY_OWNER": "acme"}.items()
        yield from {"GITHUB_RUN_ID": "4711", "GITHUB_RUN_NUMBER": "12", "GITHUB_RUN_ATTEMPT": "1"}.items()
        yield from {"GITHUB_JOB": "upgrade", "GITHUB_WORKFLOW": "Upgrade", "GITHUB_SHA": "0" * 40}.items()
        yield from {"GITHUB_REF": "refs/heads/main", "GITHUB_REF_NAME": "main", "GITHUB_REF_TYPE": "branch"}.items()
        yield from {"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_SERVER_URL": "https://github.com"}.items()
        yield from {"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64", "RUNNER_NAME": "rig"}.items()
        yield from {"RUNNER_ENVIRONMENT": "self-hosted", "RUNNER_TEMP": str(self.temp)}.items()
        yield from {"ACTIONS_RUNTIME_URL": "http://127.0.0.1:9/", "ACTIONS_RUNTIME_TOKEN": "runtime-token"}.items()


class Running:
    """A step that goes on."""

    def __init__(
        self,
        job: Job,
        container: str,
        process: subprocess.Popen[str],
        *,
        files: Mapping[str, Path],
        inputs: Mapping[str, str],
    ) -> None:
        self.container = container
        self._job, self._process, self._files, self._inputs = job, process, files, inputs
        self._began = time.monotonic()
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def wait_until(self, look: Callable[[], object], seconds: float = LONGEST) -> None:
        """Wait until a look finds something: words in the log, a call that was made."""
        deadline = time.monotonic() + seconds
        while not look():
            assert self._process.poll() is None, f"it ended with {self._process.returncode}:\n{self.log}"
            assert time.monotonic() < deadline, f"it goes on after {seconds} s:\n{self.log}"
            time.sleep(0.05)

    def wait(self) -> Ended:
        """Wait for its end."""
        self._process.wait(LONGEST)
        return self._ended(())

    def cancel(self) -> Ended:
        """Cancel it as the runner does: signals to the docker client, the next one when its patience is over."""
        self.interrupt()
        return self.cancelled()

    def interrupt(self) -> None:
        """Send the first signal of a cancellation, and do not wait."""
        self._process.send_signal(PATIENCE[0][0])

    def cancelled(self) -> Ended:
        """Go on with a cancellation after its first signal."""
        sent: list[str] = []
        for number, seconds in PATIENCE:
            if sent:
                self._process.send_signal(number)
            sent.append(number.name)
            try:
                self._process.wait(seconds * self._job.pace)
            except subprocess.TimeoutExpired:
                continue
            break
        return self._ended(tuple(sent))

    def _ended(self, sent: tuple[str, ...]) -> Ended:
        seconds = time.monotonic() - self._began
        self._reader.join(10)
        texts = {variable: path.read_bytes().decode("utf-8") for variable, path in self._files.items()}
        assert not texts["GITHUB_ENV"] + texts["GITHUB_PATH"], "later steps' environment is nothing that we may change"
        code = self._process.returncode
        return Ended(
            code if code >= 0 else 128 - code,
            self.log,
            key_values(texts["GITHUB_OUTPUT"]),
            key_values(texts["GITHUB_STATE"]),
            texts["GITHUB_STEP_SUMMARY"],
            seconds,
            self._inputs,
            sent,
            bool(self._job.engine.ask("ps", "--quiet", "--filter", f"name={self.container}")),
        )

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            self._lines.extend(output)


@cache
def action() -> dict[str, dict[str, dict[str, str]]]:
    """Return action.yml."""
    found: dict[str, dict[str, dict[str, str]]] = YAML(typ="safe").load(ROOT / "action.yml")
    return found
