"""What the target `azure-vm` is composed of: Azure around a machine whose Dify is upgraded as on any server."""
