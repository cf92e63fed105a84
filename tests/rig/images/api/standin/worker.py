"""MODE=worker: takes runs from the queues in real Redis and answers what `celery inspect` and `celery control` ask."""

from __future__ import annotations

import json
import signal
import socket
import sys
import threading
import time
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from standin.database import broker
from standin.settings import FAULT, LINE, complain, fault, given, say
from standin.web import QUEUE, write_message

CHANNEL = "standin.control"
AGAIN_SECONDS = 0.5
QUEUES = (
    ((0, 0, 0), "dataset,generation,mail,ops_trace,app_deletion"),
    ((1, 7, 0), "plugin"),
    ((1, 8, 0), "workflow_storage,conversation"),
    ((1, 9, 0), "pipeline,priority_pipeline"),
    ((1, 10, 0), "workflow,schedule_poller,schedule_executor,triggered_workflow_dispatcher,trigger_refresh_executor"),
    ((1, 11, 4), "retention"),
    ((1, 13, 0), f"api_token,{QUEUE}"),
    ((1, 13, 1), "dataset_summary"),
    ((1, 14, 0), "trigger_refresh_publisher"),
    ((1, 16, 0), "app_rbac"),
)
NAME = f"celery@{socket.gethostname()}"


class Worker:
    def __init__(self) -> None:
        usual = ",".join(names for since, names in QUEUES if since <= LINE)
        self.queues = given("CELERY_QUEUES", given("CELERY_WORKER_QUEUES", usual)).split(",")
        self.active: list[dict[str, Any]] = []
        self.stopping = False

    def run(self) -> None:
        """Take one run after the other until told to stop; the one that is going is finished."""
        while not self.stopping:
            try:
                self.take(broker())
            except RedisError as error:
                complain(f"consumer: Cannot connect to the broker: {error}. Trying again")
                time.sleep(AGAIN_SECONDS)
        say("worker: Warm shutdown (MainProcess)")

    def take(self, redis: Redis) -> None:
        while not self.stopping:
            asked = list(self.queues)
            taken = redis.blpop(asked, timeout=AGAIN_SECONDS) if asked else time.sleep(AGAIN_SECONDS)
            if taken is None:
                continue
            if taken[0] not in self.queues:  # cancelled while Redis was asked
                redis.lpush(*taken)
            else:
                self.active = [json.loads(taken[1])]
                self.work(redis, self.active[0])
                self.active = []

    def work(self, redis: Redis, task: dict[str, Any]) -> None:
        time.sleep(float(task.get("seconds", 0)))
        write_message(task["id"], task["query"])
        redis.rpush(f"standin.done.{task['id']}", "1")
        redis.expire(f"standin.done.{task['id']}", 60)

    def listen(self) -> None:
        """Answer commands until the process ends."""
        while True:
            try:
                self.hear(broker())
            except RedisError:
                time.sleep(AGAIN_SECONDS)

    def hear(self, redis: Redis) -> None:
        heard = redis.pubsub(ignore_subscribe_messages=True)
        heard.subscribe(CHANNEL)
        for message in heard.listen():
            asked = json.loads(message["data"])
            if not asked["destination"] or NAME in asked["destination"]:
                reply = {NAME: self.answer(asked["command"], asked["arguments"])}
                redis.rpush(f"standin.reply.{asked['id']}", json.dumps(reply))
                redis.expire(f"standin.reply.{asked['id']}", 60)

    def answer(self, command: str, arguments: list[str]) -> dict[str, str] | list[dict[str, Any]]:
        if command == "ping":
            return {"ok": "pong"}
        if command == "active_queues":
            return [{"name": name, "routing_key": name} for name in self.queues]
        if command == "active":
            return [{"id": task["id"], "name": f"tasks.{task['kind']}", "acknowledged": True} for task in self.active]
        if command == "cancel_consumer":
            self.queues = [name for name in self.queues if name not in arguments]
            return {"ok": f"no longer consuming from {arguments[0]}"}
        if command == "add_consumer":
            self.queues = sorted({*self.queues, *arguments})
            return {"ok": f"add consumer {arguments[0]}"}
        return []


def main() -> None:
    if fault("worker-crash-loop"):
        time.sleep(float(FAULT.get("seconds", 0.2)))
        sys.exit("ImportError: asked for by the test")
    worker = Worker()

    def stop(*_: object) -> None:
        worker.stopping = True

    signal.signal(signal.SIGTERM, stop)
    if fault("worker-deaf"):
        while not worker.stopping:
            time.sleep(0.2)
        return
    threading.Thread(target=worker.listen, daemon=True).start()
    say(f"{NAME} ready.")
    worker.run()


if __name__ == "__main__":
    main()
