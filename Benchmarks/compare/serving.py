"""What is measured on running servers: load, the second turn of a chat, memory, start."""

import statistics
import time

import clients
import prompts
from rounds import Row, Subject

# Words of the prompts that the clients of the load send in turn, and tokens of every answer.
MIXED_WORDS = [20, 60, 150, 400]
ANSWER = 64


def percentile(values, share):
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def http(context):
    """16 clients that stream; 16 slots on the other side."""
    count, each, context_tokens = 16, context.scaled(3), 1024

    def load(server, number):
        server.ready()
        # The first words are the server's start-up, not its load.
        clients.run(server.port, [[prompts.request(["Hello"], 4)]])
        work = [
            [prompts.request([prompts.text(MIXED_WORDS[(client + i) % len(MIXED_WORDS)], number, client, i)], ANSWER)
             for i in range(each)]
            for client in range(count)]
        streams, seconds = clients.run(server.port, work)
        first = [stream.first_token for stream in streams]
        return {
            "rate": sum(stream.usage["completion_tokens"] for stream in streams) / seconds,
            "p50": percentile(first, 0.5) * 1000, "p95": percentile(first, 0.95) * 1000,
            "prompts": sum(stream.usage["prompt_tokens"] for stream in streams),
            "answers": sum(stream.usage["completion_tokens"] for stream in streams),
        }

    def gatehouse(number):
        with context.servers.gatehouse(context.model, context_tokens) as server:
            return load(server, number)

    def llama_cpp(number):
        with context.servers.llama_cpp(context.model, context_tokens, count) as server:
            return load(server, number)

    return Subject("HTTP, 16 streaming clients, mixed prompts", {"Gatehouse": gatehouse, "llama-server -np 16": llama_cpp}, [
        Row("rate", "tokens written", "tokens/s", bar=("at least", 3.5)),
        Row("p50", "time to first token, p50", "ms"),
        Row("p95", "time to first token, p95", "ms", bar=("at most", 0.5)),
        Row("prompts", "tokens of all prompts, which both should read alike", ""),
        Row("answers", "tokens of all answers, which both should write alike", "")])


def second_turn(server, number, history):
    """Milliseconds to the first token of a chat's second turn."""
    server.ready()
    first = prompts.text(history, "history", number)
    (answer,), _ = clients.run(server.port, [[prompts.request([first], 16)]])
    (stream,), _ = clients.run(server.port, [[prompts.request([first, answer.text, "And then?"], 4)]])
    return {"first token": stream.first_token * 1000}


def turn(context):
    history, context_tokens = context.scaled(2000), 4096

    def gatehouse(*options):
        def side(number):
            with context.servers.gatehouse(context.model, context_tokens, *options) as server:
                return second_turn(server, number, history)
        return side

    def llama_cpp(number):
        with context.servers.llama_cpp(context.model, context_tokens, 1) as server:
            return second_turn(server, number, history)

    work = f"first token of turn 2, {history:,} tokens of history"
    yield Subject("Prefix cache", {"Gatehouse": gatehouse(), "Gatehouse --no-prefix-cache": gatehouse("--no-prefix-cache")},
                  [Row("first token", work, "ms", bar=("at most", 0.05))])
    yield Subject("Prefix cache of both", {"Gatehouse": gatehouse(), "llama-server": llama_cpp},
                  [Row("first token", work, "ms")])


def memory(context):
    count, context_tokens, answer = 8, 2048, context.scaled(112)
    words = context.scaled(1900)

    def load(server, number):
        server.ready()
        time.sleep(2)
        figures = {"idle": server.memory()["resident"]}
        work = [[prompts.request([prompts.text(words, number, client)], answer)] for client in range(count)]
        streams, _ = clients.run(server.port, work)
        tokens = [stream.usage["prompt_tokens"] + stream.usage["completion_tokens"] for stream in streams]
        now = server.memory()
        return {**figures, "loaded": now["resident"], "peak": now["peak"], "tokens": statistics.mean(tokens)}

    def gatehouse(number):
        with context.servers.gatehouse(context.model, context_tokens) as server:
            return load(server, number)

    def llama_cpp(number):
        # Without a store for what leaves the slots: the least that it takes.
        with context.servers.llama_cpp(context.model, context_tokens, count, "--cache-ram", 0) as server:
            return load(server, number)

    bar = ("at most", 1)
    return Subject("Resident memory", {"Gatehouse": gatehouse, "llama-server -np 8": llama_cpp}, [
        Row("idle", "idle", "MB", bar=bar),
        Row("loaded", "after 8 chats at once", "MB", bar=bar),
        Row("peak", "at its highest", "MB", bar=bar),
        Row("tokens", "tokens of each chat", "")], most_rounds=2)


def start(context):
    request = {**prompts.request(["Hello"], 4), "stream": True}

    def gatehouse(_):
        with context.servers.gatehouse(context.model, 2048) as server:
            return {"first": server.first_token(request) * 1000}

    def llama_cpp(_):
        # Without the run that warms it up: one request is all there is to warm up for.
        with context.servers.llama_cpp(context.model, 2048, 1, "--no-warmup") as server:
            return {"first": server.first_token(request) * 1000}

    context.warm(context.model)
    return Subject("Start", {"Gatehouse": gatehouse, "llama-server": llama_cpp}, [
        Row("first", "start of the process to first token, warm page cache", "ms", bar=("at most", 1))])
