"""Upgrade a self-hosted Dify, or propose the upgrade, in one step."""

__version__ = "0.1.0"
