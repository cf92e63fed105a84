"""What the runner calls: the Action, with nothing but the environment."""

import gc
import os

# Importing makes many objects and no garbage: looking for some all the while is a tenth of the time to the first word.
gc.set_threshold(200_000)

from difyaction.main import main  # noqa: E402 - it is importing that shall be quick

raise SystemExit(main(os.environ))
