"""`celery -A ... inspect|control|status`: asks the workers through Redis and prints what the real one prints."""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from typing import Any

from standin.database import broker
from standin.settings import LINE, complain, say
from standin.worker import CHANNEL

NO_ANSWER = 69


def ask(command: str, arguments: list[str], destination: list[str], seconds: float) -> dict[str, Any]:
    """Return what answered within the time."""
    redis = broker()
    asked = {"id": str(uuid.uuid4()), "command": command, "arguments": arguments, "destination": destination}
    listeners = redis.publish(CHANNEL, json.dumps(asked))
    replies: dict[str, Any] = {}
    deadline = time.monotonic() + seconds
    while len(replies) < (len(destination) or listeners) and (left := deadline - time.monotonic()) > 0:
        if taken := redis.blpop([f"standin.reply.{asked['id']}"], timeout=left):
            replies.update(json.loads(taken[1]))
    return replies


def show(replies: dict[str, Any]) -> None:
    for name, reply in replies.items():
        say(f"->  {name}: OK")
        if isinstance(reply, dict):
            say(f"        {reply['ok']}")
        for entry in reply if isinstance(reply, list) else []:
            say(f"    * {entry}")
        if reply == []:
            say("    - empty -")
    count = len(replies)
    say(f"\n{count} node{'' if count == 1 else 's'} online.")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="celery")
    parser.add_argument("-A", "--app", required=True)
    parser.add_argument("group", choices=["inspect", "control", "status"])
    parser.add_argument("-t", "--timeout", type=float, default=1.0)
    parser.add_argument("-d", "--destination", default="")
    parser.add_argument("-j", "--json", action="store_true")
    parser.add_argument("command", nargs="?", default="ping")
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_intermixed_args(words)
    if given.app.startswith("celery_healthcheck") and LINE < (1, 14, 0):
        complain("Error: Invalid value for '-A' / '--app':\nUnable to load celery application.")
        complain("The module celery_healthcheck was not found.")
        return 2
    destination = [name for name in given.destination.split(",") if name]
    replies = ask(given.command, given.arguments, destination, given.timeout)
    if not replies:
        complain("Error: No nodes replied within time constraint")
        return NO_ANSWER
    if given.json:
        say(json.dumps(replies))
    else:
        show(replies)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
