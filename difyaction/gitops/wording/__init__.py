"""What a reviewer reads: titles, bodies, commit messages, release notes made harmless."""
