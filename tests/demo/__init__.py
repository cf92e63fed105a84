"""`make demo`: the product in a minute or two, with no account anywhere. One module for each target."""
