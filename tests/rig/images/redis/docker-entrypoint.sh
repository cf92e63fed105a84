#!/bin/sh
# What the official Redis image's entrypoint does: root makes the data its own and steps down.
set -e
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  chown -R redis:redis . 2>/dev/null || true
  exec setpriv --reuid redis --regid redis --clear-groups "$@" --bind 0.0.0.0 --protected-mode no
fi
exec "$@"
