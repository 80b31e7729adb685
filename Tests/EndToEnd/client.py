"""Ways to ask a daemon: plain HTTP with every byte in sight, and the `openai` package."""

import base64
import http.client
import json
from dataclasses import dataclass

import checkout

COMPLETIONS = "/v1/chat/completions"


@dataclass
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        """The answer of a completion."""
        return self.json["choices"][0]["message"]["content"]

    @property
    def error(self):
        return self.json["error"]


def request(port, method, path, body=None, headers=None, tls=None):
    """`body` is bytes, or a value that is sent as JSON; `tls` is the `ssl.SSLContext` to use."""
    connection = (http.client.HTTPSConnection("127.0.0.1", port, timeout=checkout.PATIENCE, context=tls) if tls
                  else http.client.HTTPConnection("127.0.0.1", port, timeout=checkout.PATIENCE))
    try:
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()


def chat(messages, **fields):
    """The body of a greedy request; a string is the one message of a user."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    return {"messages": messages, "temperature": 0, **fields}


def complete(port, messages, **fields):
    """A plain answer."""
    return request(port, "POST", COMPLETIONS, chat(messages, **fields))


def events(port, messages, **fields):
    """The bytes of each event's data of a streamed answer, `[DONE]` among them."""
    response = request(port, "POST", COMPLETIONS, chat(messages, stream=True, **fields))
    if response.status != 200:
        raise AssertionError(f"the stream was refused with {response.status}: {response.body.decode()}")
    blocks = response.body.split(b"\n\n")
    if blocks.pop() != b"":
        raise AssertionError("the stream does not end with an empty line")
    for block in blocks:
        if not block.startswith(b"data: ") or b"\n" in block:
            raise AssertionError(f"an event is not one line of data: {block!r}")
    return [block.removeprefix(b"data: ") for block in blocks]


def chunks(port, messages, **fields):
    """The parsed events of a streamed answer; fails where `[DONE]` does not end it."""
    *data, last = events(port, messages, **fields)
    if last != b"[DONE]":
        raise AssertionError(f"the last event is {last!r}")
    return [json.loads(event) for event in data]


def deltas(parsed):
    """The text of each chunk that has a choice."""
    return [chunk["choices"][0]["delta"].get("content", "") for chunk in parsed if chunk["choices"]]


def openai(port):
    """OpenAI's own client, told nothing but where the daemon is."""
    try:
        from openai import OpenAI
    except ImportError as error:
        raise AssertionError(
            "the openai package is missing; install it by: python3 -m pip install --target .build-clients "
            "openai==3.54.0, and put .build-clients on PYTHONPATH") from error
    return OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)


def data_url(content, media_type="image/png"):
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def picture(name):
    """The content part of one of the pictures that the plugin's own tests read."""
    return {"type": "image_url", "image_url": {"url": data_url((checkout.IMAGES / name).read_bytes())}}


def file(content, media_type):
    return {"type": "file", "file": {"filename": "input", "file_data": data_url(content, media_type)}}


def text(words):
    return {"type": "text", "text": words}


def user(*parts):
    """One message of a user, made of parts."""
    return [{"role": "user", "content": list(parts)}]
