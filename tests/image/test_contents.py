"""What is in the image, and what is not."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.image.station import Station

LARGEST = 25_000_000  # bytes over the base, as they are pulled
EVERYTHING = """
import importlib, os, pkgutil, sys
import difyaction
for module in pkgutil.walk_packages(difyaction.__path__, "difyaction."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
import azure.identity, azure.keyvault.secrets, github, paramiko, requests, ruamel.yaml
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
machines = ComputeManagementClient(azure.identity.ManagedIdentityCredential(), "subscription").virtual_machines
rules = NetworkManagementClient(azure.identity.ManagedIdentityCredential(), "subscription").security_rules
azure.identity.ClientAssertionCredential("tenant", "client", lambda: "assertion")
azure.keyvault.secrets.SecretClient("https://vault.example", azure.identity.ManagedIdentityCredential())
specs = [spec for module in list(sys.modules.values()) if (spec := getattr(module, "__spec__", None))]
caches = {spec.name: spec.cached for spec in specs if (spec.origin or "").endswith(".py") and spec.cached}
print(len(caches) > 700, [name for name, path in caches.items() if not os.path.exists(path)])
"""


def test_its_own_layers_are_small(station: Station) -> None:
    assert 0 < sum(station.image.own_layers) <= LARGEST, station.image.own_layers


def test_it_starts_the_interpreter_itself_as_root_where_the_runner_wants_it(station: Station) -> None:
    config: Mapping[str, object] = json.loads(
        station.engine.ask("image", "inspect", "--format", "{{json .Config}}", station.image.name)
    )

    # exec form: no shell between the runner's signals and us
    assert config["Entrypoint"] == ["/usr/local/bin/python3", "-EsSBu", "/app/entrypoint.py"]
    assert not config.get("Cmd")
    assert not config.get("User"), "the workspace belongs to another user than any that the image could name"


def test_nothing_in_it_installs_tests_or_describes_types(station: Station) -> None:
    found = _shell(
        station,
        "command -v pip pip3; find /usr/local -name 'pip*' -o -name setuptools -o -name ensurepip;"
        "find /app -name aio -o -name tests -o -name '*.pyi' -o -name py.typed -o -name '*.po' -o -name pycparser",
    )

    assert found == ""


def test_every_package_still_says_its_name_version_and_licence(station: Station) -> None:
    packages = _shell(station, "cd /app && ls -d *.dist-info").split()
    described = _shell(station, "cd /app && ls *.dist-info/METADATA").split()
    licensed = _shell(station, "cd /app && find *.dist-info -type f -iname 'licen[cs]e*' -o -iname 'copying*'").split()

    assert len(packages) > 20
    assert [name.partition("/")[0] for name in described] == packages
    assert {name.partition("/")[0] for name in licensed} >= {
        name for name in packages if name.startswith(("azure_", "cryptography-", "paramiko-", "pygithub-"))
    }


def test_no_mode_lets_its_code_be_written_to(station: Station) -> None:
    assert _shell(station, "find /app -not -type l -perm /222") == ""


def test_everything_that_the_action_can_import_is_there_and_compiled(station: Station) -> None:
    ran = station.engine.run(
        *("run", "--rm", "--workdir", "/app", "--entrypoint", "python3", station.image.name),
        *("-EsSB", "-W", "error", "-c", EVERYTHING),
    )

    assert ran.stdout == "True []\n", ran.stderr


def _shell(station: Station, script: str) -> str:
    return station.engine.run(
        "run", "--rm", "--entrypoint", "sh", station.image.name, "-c", script, check=False
    ).stdout.strip()
