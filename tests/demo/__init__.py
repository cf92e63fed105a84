"""`make demo`: the product at work, with no account anywhere. One module for each target."""
