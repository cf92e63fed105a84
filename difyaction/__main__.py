"""The Action at one's desk: ``python -m difyaction --target gitops --delivery files ...``."""

import os
import sys

from difyaction.main import main

raise SystemExit(main(os.environ, argv=sys.argv[1:]))
