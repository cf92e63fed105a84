"""As in the real one, the place of `utils`."""
