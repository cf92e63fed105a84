"""Dify as Docker Compose runs it. The merges decide only: bytes and records in, bytes and records out."""
