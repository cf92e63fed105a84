"""A stage to play whole runs on: an emulated GitHub with a sample repository, upstream, and a registry."""
