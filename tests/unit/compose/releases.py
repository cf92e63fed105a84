"""Two small releases in upstream's two shapes: with defaults in the compose file, and without."""

from __future__ import annotations

from difyaction.compose.shipped import Shipped
from difyaction.releases.version import Version

OLD_COMPOSE = """\
x-shared-env: &shared-api-worker-env
  DB_HOST: ${DB_HOST:-db}
  DB_USERNAME: ${DB_USERNAME:-postgres}
  PGUSER: ${PGUSER:-${DB_USERNAME}}
  SECRET_KEY: ${SECRET_KEY:-sk-published}
  ENDPOINT: ${ENDPOINT:-http://localhost/e/{hook_id}}
  LOG_DATEFORMAT: ${LOG_DATEFORMAT:-%Y-%m-%d %H:%M:%S}
  MAIL_TYPE: ${MAIL_TYPE:-}

services:
  api:
    image: langgenius/dify-api:1.9.2
    environment:
      <<: *shared-api-worker-env
  # the database
  db:
    image: postgres:15-alpine
    ports: ["${EXPOSE_DB_PORT:-5432}:5432"]
"""

NEW_COMPOSE = """\
x-shared: &shared
  env_file:
    - path: ./envs/core-services/api.env
      required: false
    - ./.env

services:
  api:
    <<: *shared
    image: langgenius/dify-api:1.14.1
  db_postgres:
    image: postgres:15-alpine
"""

OLD_EXAMPLE = b"""\
DB_HOST=db
DB_USERNAME=postgres
SECRET_KEY=sk-published
LOG_LEVEL=INFO
COMPOSE_PROFILES=${VECTOR_STORE:-weaviate}
"""

NEW_EXAMPLE = b"""\
# ------------------
# Everything
# ------------------
DB_HOST=db_postgres
DB_USERNAME=postgres
SECRET_KEY=
LOG_LEVEL=WARNING
# Whether migrations run
# when a container starts
MIGRATION_ENABLED=true
EVENT_BUS_REDIS_URL=
COMPOSE_PROFILES=${VECTOR_STORE:-weaviate},${DB_TYPE:-postgresql},collaboration
"""


def old(version: str = "1.9.2", *, example: bytes | None = OLD_EXAMPLE) -> Shipped:
    return Shipped(Version.parse(version), OLD_COMPOSE, example)


def new(version: str = "1.14.1") -> Shipped:
    envs = {
        "envs/core-services/api.env.example": b"MAIL_TYPE=resend\nDB_HOST=db_postgres\n",
        "envs/unread.env.example": b"X=1\n",
    }
    return Shipped(Version.parse(version), NEW_COMPOSE, NEW_EXAMPLE, envs)
