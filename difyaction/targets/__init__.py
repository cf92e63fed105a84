"""The targets, one module each: they compose what the families offer, nothing more."""
