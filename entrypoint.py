"""What the runner calls: the Action, with nothing but the environment."""

import os

from difyaction.main import main

raise SystemExit(main(os.environ))
