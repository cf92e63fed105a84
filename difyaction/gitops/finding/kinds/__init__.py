"""The kinds of places that name a tag of Dify: one module a kind, each a generator over a tree."""
