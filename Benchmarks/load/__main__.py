"""How a daemon holds out: idle and active streams at once for minutes, with its memory as it goes.

    python3 Benchmarks/load                                              # 256 idle and 32 active streams, three minutes
    python3 Benchmarks/load --allocators default,tcmalloc,jemalloc       # the same under each
"""

import argparse
import asyncio
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Benchmarks" / "compare")]

import clients  # noqa: E402
import prompts  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402
from idle import INTERVAL, IdleClients  # noqa: E402

BINARY = ROOT / ".build" / "release" / "gatehouse"
# Words of the prompts that an active client sends in turn, and tokens of every answer.
WORDS = [20, 60, 150, 400]
ANSWER = 64
# Pools fill at first: whether memory is flat is judged by what comes after this share of the time.
SETTLED = 0.5
PRELOADED = {"default": None, "tcmalloc": "libtcmalloc_minimal.so.4", "jemalloc": "libjemalloc.so.2"}


class Load:
    """One server under one load."""

    def __init__(self, server, idle, active, seconds):
        self.server, self.seconds = server, seconds
        self.idle = IdleClients(server.port, idle, prompts.request(["Hello"], 2))
        self.active = active
        self.streams = []
        # Why some streams failed, each.
        self.failed = []
        self.samples = []

    def run(self):
        asyncio.run(self.all())
        return self

    async def all(self):
        self.began = asyncio.get_running_loop().time()
        until = self.began + self.seconds
        await asyncio.gather(
            self.idle.run(until), self.watch(until), *(self.client(number, until) for number in range(self.active)))

    async def client(self, number, until):
        """Asks again as soon as it is answered."""
        loop = asyncio.get_running_loop()
        turn = 0
        while loop.time() < until:
            request = prompts.request([prompts.text(WORDS[(number + turn) % len(WORDS)], number, turn)], ANSWER)
            turn += 1
            try:
                self.streams.append(await clients.stream(self.server.port, request))
            except (OSError, EOFError, SystemExit, ValueError) as error:
                self.failed.append(f"{type(error).__name__}: {error}")

    async def watch(self, until):
        """A sample every ten seconds: seconds, MB of the daemon, its threads, tokens written so far."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            self.samples.append(
                (now - self.began, self.server.memory()["resident"], self.server.threads(), self.tokens))
            if sys.stderr.isatty():
                print(f"\r{now - self.began:5.0f} of {self.seconds} s, {self.samples[-1][1]:.0f} MB, {self.idle.here} idle, "
                      f"{len(self.streams)} answers", end="", file=sys.stderr)
            if now >= until:
                break
            await asyncio.sleep(min(10, until - now))
        if sys.stderr.isatty():
            print(file=sys.stderr)

    @property
    def tokens(self):
        return sum(stream.usage["completion_tokens"] for stream in self.streams)

    @property
    def rate(self):
        return self.tokens / self.samples[-1][0]

    def first(self, share):
        """Milliseconds to the first token."""
        values = [stream.first_token * 1000 for stream in self.streams]
        return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]

    @property
    def growth(self):
        """MB that memory grew by after it had settled."""
        settled = [memory for seconds, memory, *_ in self.samples if seconds >= self.seconds * SETTLED]
        return settled[-1] - settled[0]


def start(arguments, allocator="default"):
    preload = PRELOADED[allocator]
    command = ["env", f"LD_PRELOAD={preload}", BINARY] if preload else [BINARY]
    return servers.gatehouse(command, arguments.model, arguments.threads, 2048)


def measure(arguments, seconds, allocator="default"):
    with start(arguments, allocator) as server:
        server.ready()
        return Load(server, arguments.idle, arguments.active, seconds).run()


def hold_out(arguments):
    load = measure(arguments, arguments.seconds)
    step = max(1, len(load.samples) // 10)
    lines = [f"{arguments.idle} idle and {arguments.active} active streams for {arguments.seconds} s:", "",
             "| seconds | resident, MB | threads | tokens written |", "|---|---|---|---|"]
    lines += [f"| {seconds:.0f} | {memory:.0f} | {threads} | {tokens:,} |"
              for seconds, memory, threads, tokens in load.samples[::step]]
    lines += ["", f"{len(load.streams):,} answers, {len(load.failed)} failed; {load.rate:.0f} tokens/s; first token after "
              f"{load.first(0.5):.0f} ms (p50), {load.first(0.95):.0f} ms (p95). Of the idle ones {len(load.idle.lost)} were lost. "
              f"In the second half memory changed by {load.growth:+.1f} MB.", ""]
    return lines, load.failed + load.idle.lost


def allocators(arguments, names):
    lines = [f"{arguments.idle} idle and {arguments.active} active streams for {arguments.seconds} s under each:", "",
             "| allocator | tokens/s | first token p50, ms | p95, ms | idle, MB | under load, MB |", "|---|---|---|---|---|---|"]
    failed = []
    for name in names:
        load = measure(arguments, arguments.seconds, name)
        failed += load.failed + load.idle.lost
        lines.append(
            f"| {name} | {load.rate:.0f} | {load.first(0.5):.0f} | {load.first(0.95):.0f} | {load.samples[0][1]:.0f} | "
            f"{load.samples[-1][1]:.0f} |")
    return [*lines, ""], failed


def main():
    parser = argparse.ArgumentParser(
        prog="load", description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--idle", type=int, default=256, help="clients that hold a connection and ask next to nothing")
    parser.add_argument("--active", type=int, default=32, help="clients that always have a stream")
    parser.add_argument("--seconds", type=int, default=180, help="how long")
    parser.add_argument("--model", default=ROOT / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf", help="the model")
    parser.add_argument("--threads", type=int, default=2, help="threads of the daemon")
    parser.add_argument("--allocators", help="compare these, separated by commas: " + ", ".join(PRELOADED))
    arguments = parser.parse_args()
    names = arguments.allocators.split(",") if arguments.allocators else []
    for name in names:
        if name not in PRELOADED:
            parser.error(f"--allocators: expected some of {', '.join(PRELOADED)}, found {name}")
    if arguments.idle and arguments.seconds < 2 * INTERVAL:
        parser.error(f"--seconds: idle clients need {2 * INTERVAL}, found {arguments.seconds}")
    lines, failed = allocators(arguments, names) if names else hold_out(arguments)
    print("\n".join([f"{report.machine()}; commit {report.revision(ROOT)}.", "", *lines]).rstrip())
    for reason in sorted(set(failed)):
        print(f"{failed.count(reason)} times {reason}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
