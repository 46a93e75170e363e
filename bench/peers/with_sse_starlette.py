"""sse-starlette under uvicorn: an asynchronous generator that listens to a Pub/Sub object of redis.asyncio."""

import os
from collections.abc import AsyncIterator

import redis.asyncio as redis
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

connections = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


async def stream(request: Request) -> EventSourceResponse:
    async def messages() -> AsyncIterator[dict[str, str]]:
        async with connections.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(request.path_params["channel"])
            async for message in pubsub.listen():
                yield {"data": message["data"]}

    return EventSourceResponse(messages())


async def page(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


app = Starlette(routes=[Route("/stream/{channel}", stream), Route("/page", page)])
