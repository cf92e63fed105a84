"""`celery.app.utils`: the one function by which a script gets at the application, as `celery -A` does."""

from __future__ import annotations

import json
import uuid

from standin.database import broker
from standin.settings import LINE
from standin.worker import CHANNEL


class Control:
    def cancel_consumer(self, queue: str) -> None:
        """Tell every worker; as in the real one, nobody waits for an answer."""
        asked = {"id": str(uuid.uuid4()), "command": "cancel_consumer", "arguments": [queue], "destination": []}
        broker().publish(CHANNEL, json.dumps(asked))


class App:
    control = Control()


def find_app(name: str) -> App:
    if name.startswith("celery_healthcheck") and LINE < (1, 14, 0):
        raise ModuleNotFoundError("No module named 'celery_healthcheck'")
    return App()
