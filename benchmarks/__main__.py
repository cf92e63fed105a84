"""`make bench`: everything that is measured, as ratios within this very run. Nothing here passes or fails."""

import sys

from benchmarks import azure, azure_upgrade, editor, image, runs, server

editor.run(sys.stdout)
runs.run(sys.stdout)
server.run(sys.stdout)
image.run(sys.stdout)
azure.run(sys.stdout)
azure_upgrade.run(sys.stdout)
