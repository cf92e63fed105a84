"""Texts of YAML and .env files: read with positions, changed by their bytes, proved."""
