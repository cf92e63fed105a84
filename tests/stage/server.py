"""The stage of the target `server`: a Dify on the rig, upstream on loopback, and the inputs that lead to both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.emulators.github.emulator import GitHubEmulator
from tests.rig.stack import Rig

OLD, NEW = "1.13.3", "1.14.1"
PUBLISHED = {
    "1.13.0": "2026-02-11T09:00:00Z",
    OLD: "2026-03-25T09:00:00Z",
    "1.14.0": "2026-04-29T09:00:00Z",
    NEW: "2026-05-12T09:00:00Z",
}
# of releases whose files the rig's miniature does not have
FURTHER = {"0.15.8": "2025-05-30T09:00:00Z", "1.0.0": "2025-02-28T09:00:00Z", "1.11.4": "2026-01-15T09:00:00Z"}
# a stand-in starts within a second; a busy machine needs a hundred times as long
QUICK = {"start-timeout": "150s", "drain-timeout": "5s", "migration-idle": "45s"}


@dataclass(frozen=True)
class ServerStage:
    """An emulated GitHub that has upstream's files of both releases, and of ``FURTHER`` ones where they are here.

    It may serve several rigs at once.
    """

    github: GitHubEmulator

    def inputs(self, rig: Rig, **more: str) -> dict[str, str]:
        """Return the inputs of an upgrade from `OLD` to `NEW`; underscores in names become hyphens."""
        sshd = rig.sshd("root")
        given = {
            "target": "server",
            "dify-version": NEW,
            "dify-api-url": self.github.url,
            "dify-token": self.github.token("fine-grained", repositories=["langgenius/dify"]),
            "host": sshd.host,
            "port": str(sshd.port),
            "user": sshd.user,
            "ssh-key": sshd.key,
            "ssh-known-hosts": sshd.known_hosts,
            **QUICK,
        }
        return given | {name.replace("_", "-"): value for name, value in more.items()}


@contextmanager
def server_stage(rig: Rig, source: str = "shared") -> Iterator[ServerStage]:
    """Build it. The source of upstream's files is `shared` or `mini`, as in `Rig.install`."""
    published = PUBLISHED | (FURTHER if source == "shared" else {})
    newest_first = sorted(published.items(), key=lambda release: release[1], reverse=True)
    releases = [{"tag_name": tag, "body": "", "published_at": when} for tag, when in newest_first]
    tags = (OLD, NEW, *(tag for tag in published if tag in FURTHER))
    shipped = {
        tag: {path: content.decode() for path, content in rig.upstream_files(tag, source).items()} for tag in tags
    }
    with GitHubEmulator() as github:
        github.upstream(releases=releases, files=shipped)
        yield ServerStage(github)
