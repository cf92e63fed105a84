"""Decide what changes, over facts alone."""
