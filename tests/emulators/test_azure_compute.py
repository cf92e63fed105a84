from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.emulators.azure.faults import OPERATION_FAILED
from tests.emulators.azure.resources import Resource
from tests.emulators.azure_setting import Setting


def snapshot_body(disk: Resource, **properties: object) -> dict[str, object]:
    creation = {"createOption": "Copy", "sourceResourceId": disk.id}
    return {
        "location": disk.location,
        "tags": {"run": "1"},
        "properties": {"creationData": creation, "incremental": True, **properties},
    }


def test_the_machine_its_network_and_its_disks_are_found(at: Setting) -> None:
    subnet_nsg = at.group.security_group("subnet-nsg")
    at.group.machine("two", nic_group=at.nsg, subnet_group=subnet_nsg, data_disks=2, private_address="10.0.0.9")
    vm = at.compute.virtual_machines.get("rg", "two", expand="instanceView")
    assert [status.code for status in vm.properties.instance_view.statuses][1] == "PowerState/running"
    storage = vm.properties.storage_profile
    assert storage.os_disk.managed_disk.id
    assert [disk.lun for disk in storage.data_disks] == [0, 1]
    nic_name = vm.properties.network_profile.network_interfaces[0].id.rsplit("/", 1)[1]
    nic = at.network.network_interfaces.get("rg", nic_name)
    configuration = nic.properties.ip_configurations[0].properties
    assert configuration.private_ip_address == "10.0.0.9"
    assert nic.properties.network_security_group.id == at.nsg.id
    public = at.network.public_ip_addresses.get("rg", configuration.public_ip_address.id.rsplit("/", 1)[1])
    assert public.properties.ip_address == "127.0.0.1"
    *_, network, _, name = configuration.subnet.id.split("/")
    subnet = at.network.subnets.get("rg", network, name)
    assert subnet.properties.network_security_group.id == subnet_nsg.id
    assert [one.id for one in at.network.network_security_groups.get("rg", "subnet-nsg").properties.subnets] == [
        subnet.id
    ]
    disk = at.compute.disks.get("rg", storage.os_disk.name)
    assert (disk.managed_by, disk.properties.disk_state) == (vm.id, "Attached")


def test_a_machine_that_does_not_run_tells_nothing_of_its_inside(at: Setting) -> None:
    at.vm.power = "deallocated"
    view = at.compute.virtual_machines.instance_view("rg", "vm")
    assert view.statuses[1].code == "PowerState/deallocated"
    assert view.vm_agent is None
    hidden = at.group.machine("hidden", public_address=None)
    nic = at.network.network_interfaces.get("rg", hidden.nic_id.rsplit("/", 1)[1])
    assert nic.properties.ip_configurations[0].properties.public_ip_address is None


def test_a_snapshot_is_made_listed_and_deleted(at: Setting) -> None:
    disk = at.vm.disks[0]
    body = snapshot_body(disk, networkAccessPolicy="DenyAll", publicNetworkAccess="Disabled")
    snapshot = at.compute.snapshots.begin_create_or_update("rg", "one", body).result()
    properties = snapshot.properties
    assert properties.creation_data.source_unique_id == disk.properties["uniqueId"]
    assert properties.disk_size_bytes == disk.properties["diskSizeBytes"]
    assert (properties.provisioning_state, properties.network_access_policy) == ("Succeeded", "DenyAll")
    assert properties.completion_percent is None
    assert [one.name for one in at.compute.snapshots.list_by_resource_group("rg")] == ["one"]
    assert [one.tags for one in at.compute.snapshots.list()] == [{"run": "1"}]
    at.compute.snapshots.begin_delete("rg", "one").result()
    at.compute.snapshots.begin_delete("rg", "one").result()
    assert at.azure.snapshots == []
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        at.compute.snapshots.get("rg", "one")


def test_a_copy_in_the_background_says_how_far_it_is(at: Setting) -> None:
    at.azure.timing.background_copy = 100
    at.compute.snapshots.begin_create_or_update("rg", "one", snapshot_body(at.vm.disks[0])).result()
    at.azure.pass_time(50)
    assert 49 < at.compute.snapshots.get("rg", "one").properties.completion_percent < 60
    at.azure.pass_time(50)
    assert at.compute.snapshots.get("rg", "one").properties.completion_percent == 100


def test_a_snapshot_that_azure_would_not_take(at: Setting) -> None:
    disk, other = at.vm.disks
    absent = Resource(f"{disk.id}-absent", disk.type, disk.location)
    begin = at.compute.snapshots.begin_create_or_update
    for name, body, expected in (
        ("x" * 81, snapshot_body(disk), "InvalidParameter"),
        ("ends-", snapshot_body(disk), "InvalidParameter"),
        ("one", {**snapshot_body(disk), "location": "westus"}, "InvalidParameter"),
        ("one", snapshot_body(absent), "NotFound"),
    ):
        with pytest.raises(HttpResponseError, match=expected):
            begin("rg", name, body)
    begin("rg", "one", snapshot_body(disk)).result()
    with pytest.raises(HttpResponseError, match="PropertyChangeNotAllowed"):
        begin("rg", "one", snapshot_body(other))


def test_a_snapshot_needs_a_right_on_the_disk_too(at: Setting) -> None:
    at.azure.allow(at.app, "Microsoft.Compute/snapshots/*", "*/read")
    with pytest.raises(HttpResponseError, match="LinkedAuthorizationFailed"):
        at.compute.snapshots.begin_create_or_update("rg", "one", snapshot_body(at.vm.disks[0]))
    at.azure.allow(at.app, "Microsoft.Compute/disks/beginGetAccess/action")
    assert at.compute.snapshots.begin_create_or_update("rg", "one", snapshot_body(at.vm.disks[0])).result()


def test_a_snapshot_may_fail(at: Setting) -> None:
    at.azure.operations.upset("PUT */snapshots/*", OPERATION_FAILED)
    with pytest.raises(HttpResponseError, match="InternalOperationError"):
        at.compute.snapshots.begin_create_or_update("rg", "one", snapshot_body(at.vm.disks[0])).result()
    assert at.azure.snapshots == []


def test_a_restore_point_holds_all_disks_at_one_moment(at: Setting) -> None:
    source = {"source": {"id": at.vm.id}}
    collection = at.compute.restore_point_collections.create_or_update(
        "rg", "points", {"location": "japaneast", "tags": {"run": "1"}, "properties": source}
    )
    assert collection.properties.provisioning_state == "Succeeded"
    body = {"properties": {"consistencyMode": "CrashConsistent", "excludeDisks": []}}
    point = at.compute.restore_points.begin_create("rg", "points", "one", body).result()
    storage = point.properties.source_metadata.storage_profile
    ids = [storage.os_disk.disk_restore_point.id, *(disk.disk_restore_point.id for disk in storage.data_disks)]
    got = [at.compute.disk_restore_point.get("rg", "points", "one", one.rsplit("/", 1)[1]) for one in ids]
    assert [one.properties.source_unique_id for one in got] == [disk.properties["uniqueId"] for disk in at.vm.disks]
    assert len(list(at.compute.disk_restore_point.list_by_restore_point("rg", "points", "one"))) == 2
    viewed = at.compute.restore_points.get("rg", "points", "one", expand="instanceView")
    assert viewed.properties.instance_view.disk_restore_points[0].replication_status.completion_percent == 100
    expanded = at.compute.restore_point_collections.get("rg", "points", expand="restorePoints")
    assert [one.name for one in expanded.properties.restore_points] == ["one"]
    with pytest.raises(HttpResponseError, match="Conflict"):
        at.compute.restore_points.begin_create("rg", "points", "one", body)
    at.compute.restore_points.begin_delete("rg", "points", "one").result()
    at.compute.restore_point_collections.begin_delete("rg", "points").result()
    assert at.azure.collections == []


def test_a_disk_may_be_left_out_of_a_restore_point(at: Setting) -> None:
    source = {"location": "japaneast", "properties": {"source": {"id": at.vm.id}}}
    at.compute.restore_point_collections.create_or_update("rg", "points", source)
    body = {"properties": {"consistencyMode": "CrashConsistent", "excludeDisks": [{"id": at.vm.disks[1].id}]}}
    point = at.compute.restore_points.begin_create("rg", "points", "one", body).result()
    assert list(point.properties.source_metadata.storage_profile.data_disks) == []
    with pytest.raises(ResourceNotFoundError):
        at.compute.restore_points.get("rg", "points", "two")
    with pytest.raises(ResourceNotFoundError):
        at.compute.restore_points.get("rg", "elsewhere", "one")
