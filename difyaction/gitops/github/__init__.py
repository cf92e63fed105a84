"""A repository on GitHub: read, committed to, proposed to, without a checkout."""
