"""Streaming clients of the OpenAI API, many at once on one thread: they take next to nothing from what they measure."""

import asyncio
import json
import time


class Stream:
    """What one streamed chat completion gave: its text, its usage, and the seconds to its first token."""

    def __init__(self, text, usage, first_token):
        self.text, self.usage, self.first_token = text, usage, first_token


async def lines(reader):
    """The lines of a chunked body."""
    rest = b""
    while size := int(await reader.readline(), 16):
        rest += (await reader.readexactly(size + 2))[:-2]
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield line


async def stream(port, request):
    """Sends a request and reads its stream to the end."""
    body = json.dumps({**request, "stream": True, "stream_options": {"include_usage": True}}).encode()
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
        + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    status = (await reader.readline()).decode()
    while (await reader.readline()).strip():
        pass
    if " 200 " not in status:
        raise SystemExit(f"a server refused a request: {status.strip()} {(await reader.read(500)).decode()}")
    first = usage = None
    text = ""
    async for line in lines(reader):
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        usage = event.get("usage") or usage
        choices = event.get("choices")
        if content := choices and choices[0]["delta"].get("content"):
            first = first or time.perf_counter() - start
            text += content
    writer.close()
    if first is None or usage is None:
        raise SystemExit("a stream ended without a token, or without its usage")
    return Stream(text, usage, first)


def run(port, requests_of_clients):
    """Runs all clients at once, each its requests one after the other. Returns the streams and the seconds they took."""
    async def client(requests):
        return [await stream(port, request) for request in requests]

    async def all_clients():
        start = time.perf_counter()
        streams = await asyncio.gather(*map(client, requests_of_clients))
        return [one for several in streams for one in several], time.perf_counter() - start

    return asyncio.run(all_clients())
