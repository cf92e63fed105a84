"""What the copy of Dify's folder holds, and how large it is: configuration, and no data that have their own copies."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from difyaction.compose.facts import Container, Machine, Mount

LEFT_OUT = ("volumes", "env-backup", "*.tgz", "*.tar", "*.tar.gz")  # the probe weighs it without these
_DATA = ("/app/api/storage", "/app/storage", "/var/lib/postgresql", "/var/lib/mysql", "/var/lib/weaviate")


def data_folders(machine: Machine, kept: Collection[str]) -> tuple[str, ...]:
    """Return folders inside Dify's that hold data by an override file, by path: dumps and volumes are their copies.

    A folder that one of the files ``kept`` or an edited one of a checkout is in is not among them.
    """
    edited = machine.install.checkout.edited if machine.install and machine.install.checkout else ()
    found = {_inside(machine, mount) for container in _all(machine) for mount in _data(container)}
    files = [f"{file}/" for file in (*kept, *edited)]
    return tuple(sorted(path for path in found - {""} if not any(file.startswith(f"{path}/") for file in files)))


def is_apart(path: str, data: Collection[str]) -> bool:
    """Whether a file lies where the rest is not packed with the configuration, such as one of these folders of data."""
    apart = ("volumes/", "env-backup/", *(f"{folder}/" for folder in data))
    return path.startswith(apart) or path.endswith((".tgz", ".tar", ".tar.gz"))


def folder_size(machine: Machine, left_out: Collection[str]) -> int | None:
    """Return the bytes of the folder without volumes and what is left out; None where nobody could measure it."""
    install = machine.install
    if install is None:
        return 0
    mounts = {_inside(machine, mount): mount.size for container in _all(machine) for mount in container.mounts}
    mounts.pop("", None)
    counted = [
        size
        for path, size in mounts.items()
        if not any(f"{path}/".startswith(f"{out}/") for out in left_out) and not _is_within(path, mounts)
    ]
    sizes = [install.size, *counted]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _all(machine: Machine) -> tuple[Container, ...]:
    """Return whoever may have data in the folder."""
    return (*machine.containers, *machine.bystanders)


def _data(container: Container) -> Iterator[Mount]:
    data = (*_DATA, "/data") if container.ref.name.rpartition("/")[2] == "redis" else _DATA
    for mount in container.mounts:
        if mount.kind == "bind" and any(f"{mount.target}/".startswith(f"{target}/") for target in data):
            yield mount


def _inside(machine: Machine, mount: Mount) -> str:
    """Return the path of a mount inside the folder; empty when it is elsewhere, or among the volumes."""
    folder = f"{machine.install.folder}/" if machine.install else ""
    path = mount.source.removeprefix(folder).strip("/") if folder and mount.source.startswith(folder) else ""
    return "" if path.split("/")[0] in {"volumes", "env-backup"} else path


def _is_within(path: str, others: Collection[str]) -> bool:
    return any(path.startswith(f"{other}/") for other in others)
