#!/bin/bash
# What the real image's entrypoint does with MODE and MIGRATION_ENABLED; every role does it.
set -e
if [[ "${MIGRATION_ENABLED}" == "true" ]]; then
  echo "Running migrations"
  flask upgrade-db
  if [[ "${MODE}" == "migration" && -e /app/api/knows-mode-migration ]]; then
    echo "Migration completed, exiting normally"
    exit 0
  fi
fi
case "${MODE}" in
  worker) exec python3 -u -m standin.worker ;;
  beat) exec python3 -u -m standin.beat ;;
  *) exec python3 -u -m standin.web ;;
esac
