"""Where files name images and charts of Dify, and which of them belong together."""
