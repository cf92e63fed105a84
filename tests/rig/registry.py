"""Writes images straight into a registry: one big layer, small layers made in memory, a configuration, a manifest."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

CONFIG = "application/vnd.docker.container.image.v1+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"
SECONDS = 120
OWNED_BELOW = {"app", "app/api"}  # whose owner a lower layer says


@dataclass(frozen=True)
class Blob:
    """A part of an image: bytes, or a file that is too big for them."""

    digest: str
    size: int
    content: bytes | Path


@dataclass(frozen=True)
class Image:
    """What a tag is to name: layers from the bottom up, and how the container starts."""

    layers: Sequence[Blob]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"
    extras: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> bytes:
        runs = {
            "Entrypoint": list(self.entrypoint) or None,
            "Cmd": list(self.command) or None,
            "Env": [f"{key}={value}" for key, value in self.environment.items()],
            "User": self.user,
            "WorkingDir": self.folder,
        }
        answer = {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-01T00:00:00Z",
            "config": runs | dict(self.extras),
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
            "history": [{"created": "2026-01-01T00:00:00Z"} for _ in self.layers],
        }
        return json.dumps(answer).encode()

    def manifest(self) -> bytes:
        config = blob(self.config())
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "size": config.size, "digest": config.digest},
            "layers": [{"mediaType": LAYER, "size": part.size, "digest": part.digest} for part in self.layers],
        }
        return json.dumps(manifest).encode()

    def digest(self) -> str:
        return blob(self.manifest()).digest


def blob(content: bytes) -> Blob:
    return Blob(f"sha256:{hashlib.sha256(content).hexdigest()}", len(content), content)


def file_blob(path: Path) -> Blob:
    """Return a file as a blob; its digest is kept beside it, for it takes a second."""
    known = path.with_suffix(".digest")
    if not known.exists() or known.stat().st_mtime < path.stat().st_mtime:
        with path.open("rb") as file:
            known.write_text(hashlib.file_digest(file, "sha256").hexdigest(), encoding="ascii")
    return Blob(f"sha256:{known.read_text(encoding='ascii')}", path.stat().st_size, path)


def layer(files: Mapping[str, bytes | None], *, links: Mapping[str, str] | None = None, owner: int = 0) -> Blob:
    """Return a layer of executable files; None takes away what is below under that name, a name with / is a folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in _folders(files):
            files = {f"{folder}/": b"", **files}
        for name, content in sorted(files.items()):
            if content is None:
                folder, _, last = name.rpartition("/")
                name, content = f"{folder}/.wh.{last}", b""  # noqa: PLW2901 -- a whiteout is the same file under another name
            entry = tarfile.TarInfo(name)
            entry.uid = entry.gid = owner
            entry.mode = 0o755
            if name.endswith("/"):
                entry.type = tarfile.DIRTYPE
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for name, target in sorted((links or {}).items()):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return blob(packed.getvalue())


def _folders(files: Mapping[str, bytes | None]) -> set[str]:
    """Return the folders that a layer has to say: a rootless engine closes others to all but root."""
    above = {str(parent) for name, content in files.items() if content is not None for parent in Path(name).parents}
    return {folder for folder in above - {"."} if f"{folder}/" not in files} - OWNED_BELOW


class Registry:
    """A client that only writes. Addresses are the loopback ones of the rig's own registry."""

    def __init__(self, address: str) -> None:
        self._root = f"http://{address}/v2"
        self._session = requests.Session()
        self._session.trust_env = False
        self._there: set[tuple[str, str]] = set()

    def answers(self) -> bool:
        try:
            return self._session.get(f"{self._root}/", timeout=5).ok
        except requests.ConnectionError:
            return False

    def push(self, name: str, tag: str, image: Image) -> str:
        """Make a tag name an image; return the manifest's digest."""
        config = blob(image.config())
        for part in (*image.layers, config):
            self._put_blob(name, part)
        body = image.manifest()
        put = self._session.put(
            f"{self._root}/{name}/manifests/{tag}", data=body, headers={"Content-Type": MANIFEST}, timeout=SECONDS
        )
        put.raise_for_status()
        return blob(body).digest

    def digest(self, name: str, tag: str) -> str | None:
        """Return the digest of what a tag names, None where it names nothing."""
        answer = self._session.head(
            f"{self._root}/{name}/manifests/{tag}", headers={"Accept": MANIFEST}, timeout=SECONDS
        )
        return answer.headers["Docker-Content-Digest"] if answer.ok else None

    def forget(self, name: str, tag: str) -> None:
        """Make a tag unknown."""
        if digest := self.digest(name, tag):
            self._session.delete(f"{self._root}/{name}/manifests/{digest}", timeout=SECONDS).raise_for_status()

    def close(self) -> None:
        self._session.close()

    def _put_blob(self, name: str, part: Blob) -> None:
        if (name, part.digest) in self._there:
            return
        if not self._session.head(f"{self._root}/{name}/blobs/{part.digest}", timeout=SECONDS).ok:
            self._upload(name, part)
        self._there.add((name, part.digest))

    def _upload(self, name: str, part: Blob) -> None:
        query = {"mount": part.digest, "from": "rig/base"} if name != "rig/base" else {}
        begun = self._session.post(f"{self._root}/{name}/blobs/uploads/", params=query, timeout=SECONDS)
        begun.raise_for_status()
        if begun.status_code == requests.codes.created:
            return
        where = begun.headers["Location"]
        with contextlib.ExitStack() as open_files:
            data = (
                part.content if isinstance(part.content, bytes) else open_files.enter_context(part.content.open("rb"))
            )
            headers = {"Content-Type": "application/octet-stream"}
            done = self._session.put(where, params={"digest": part.digest}, data=data, headers=headers, timeout=SECONDS)
        done.raise_for_status()
