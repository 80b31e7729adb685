"""Streaming clients of the OpenAI API, many at once on one thread: they take next to nothing from what they measure."""

import asyncio
import json
import time


class Stream:
    """What one streamed chat completion gave: its text, its usage, and the seconds to its first token."""

    def __init__(self, text, usage, first_token):
        self.text, self.usage, self.first_token = text, usage, first_token


class Connection:
    """One that stays open for several requests."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def close(self):
        self.writer.close()

    async def ask(self, method, path, body=b""):
        """Sends a request and reads the head of an answer of status 200; its fields by name in small letters."""
        self.writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status = (await self.reader.readline()).decode()
        fields = {}
        while line := (await self.reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            fields[name.lower()] = value.strip()
        if " 200 " not in status:
            raise SystemExit(f"a server refused a request: {status.strip()} {(await self.reader.read(500)).decode()}")
        return fields

    async def get(self, path):
        fields = await self.ask("GET", path)
        return await self.reader.readexactly(int(fields["content-length"]))

    async def lines(self):
        """The lines of a chunked body."""
        rest = b""
        while size := int(await self.reader.readline(), 16):
            rest += (await self.reader.readexactly(size + 2))[:-2]
            *whole, rest = rest.split(b"\n")
            for line in whole:
                yield line
        await self.reader.readline()

    async def stream(self, request):
        """Sends a chat and reads its stream to the end."""
        body = json.dumps({**request, "stream": True, "stream_options": {"include_usage": True}}).encode()
        start = time.perf_counter()
        await self.ask("POST", "/v1/chat/completions", body)
        first = usage = None
        text = ""
        async for line in self.lines():
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            usage = event.get("usage") or usage
            choices = event.get("choices")
            if content := choices and choices[0]["delta"].get("content"):
                first = first or time.perf_counter() - start
                text += content
        if first is None or usage is None:
            raise SystemExit("a stream ended without a token, or without its usage")
        return Stream(text, usage, first)


async def stream(port, request):
    """A chat on a connection of its own; the time to connect counts."""
    start = time.perf_counter()
    connection = await Connection.open(port)
    connected = time.perf_counter() - start
    try:
        answer = await connection.stream(request)
    finally:
        connection.close()
    answer.first_token += connected
    return answer


def run(port, requests_of_clients):
    """Runs all clients at once, each its requests one after the other. Returns the streams and the seconds they took."""
    async def client(requests):
        return [await stream(port, request) for request in requests]

    async def all_clients():
        start = time.perf_counter()
        streams = await asyncio.gather(*map(client, requests_of_clients))
        return [one for several in streams for one in several], time.perf_counter() - start

    return asyncio.run(all_clients())
