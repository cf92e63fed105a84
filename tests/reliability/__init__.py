"""Every fault at every step, on the real thing: `make reliability` writes what came of it to docs/reliability.md."""
