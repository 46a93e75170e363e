"""What most tutorials show: a generator with a connection to Redis of its own, under gunicorn's gevent worker."""

import os
from collections.abc import Iterator

import redis
from flask import Flask, Response

app = Flask(__name__)


@app.get("/stream/<channel>")
def stream(channel: str) -> Response:
    def lines() -> Iterator[str]:
        with redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as connection:
            pubsub = connection.pubsub(ignore_subscribe_messages=True)
            pubsub.subscribe(channel)
            yield ": ok\n\n"
            for message in pubsub.listen():
                yield f"data: {message['data']}\n\n"

    return Response(lines(), content_type="text/event-stream", headers={"Cache-Control": "no-cache"})


@app.get("/page")
def page() -> str:
    return "ok"
