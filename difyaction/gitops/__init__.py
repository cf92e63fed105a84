"""The repository family: find image tags in files, move them by their bytes, propose the change."""
