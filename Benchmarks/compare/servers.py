"""Servers of both sides: started, waited for, looked at, ended."""

import http.client
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

# No server here takes longer to start, whatever the machine.
PATIENCE = 300


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server; ends with the `with` that it is made for. `started` is when its process was."""

    def __init__(self, command, folder):
        self.port = free_port()
        self.folder = folder
        self.log = pathlib.Path(folder.name, "log")
        with open(self.log, "wb") as log:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(
                [str(word) for word in [*command, "--port", self.port]], stdout=log, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def answers(self, method, path, body=None):
        """An answer of status 200, or None where there is none yet. Its connection is the caller's to close."""
        if self.process.poll() is not None:
            raise SystemExit(f"{self.process.args[0]} ended: {self.log.read_text(errors='replace')[-500:]}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            if response.status == 200:
                return connection, response
        except (ConnectionError, http.client.HTTPException):
            pass
        connection.close()
        return None

    def wait(self, method="GET", path="/health", body=None):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if found := self.answers(method, path, body):
                return found
            time.sleep(0.002)
        raise SystemExit(f"{self.process.args[0]} did not answer within {PATIENCE} seconds")

    def ready(self):
        """Waits until it serves; seconds from the start of the process."""
        connection, _ = self.wait()
        seconds = time.perf_counter() - self.started
        connection.close()
        return seconds

    def first_token(self, request):
        """Seconds from the start of the process to the first token that a streamed request brings."""
        connection, response = self.wait("POST", "/v1/chat/completions", json.dumps(request))
        for line in response:
            if line.startswith(b"data: {"):
                choices = json.loads(line[6:])["choices"]
                if choices and choices[0]["delta"].get("content"):
                    seconds = time.perf_counter() - self.started
                    connection.close()
                    return seconds
        raise SystemExit("a stream ended without a token")

    def memory(self):
        """Resident memory now and at its highest, in MB, as proc_pid_status(5) tells."""
        lines = pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        megabytes = lambda name: int(fields[name].split()[0]) * 1024 / 1e6
        return {"resident": megabytes("VmRSS"), "peak": megabytes("VmHWM")}


    def threads(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()))


def gatehouse(binary, model, threads, context, *options):
    """Text alone: a registry without plugins, so that what was built beside the host has no say. `binary` is a command."""
    folder = tempfile.TemporaryDirectory()
    registry = pathlib.Path(folder.name, "registry.json")
    registry.write_text('{"format": 1, "plugins": [], "rules": []}')
    return Server(
        [*binary, "serve", "--model", model, "--threads", threads, "--ctx", context, "--registry", registry, "--data",
         folder.name, "--socket", f"{folder.name}/socket", *options], folder)


class Servers:
    """How each side's server is started."""

    def __init__(self, gatehouse, llama_cpp):
        self.tool, self.peer = gatehouse, llama_cpp

    def gatehouse(self, model, context, *options):
        return gatehouse([self.tool.binary], model, self.tool.threads, context, *options)

    def llama_cpp(self, model, context, slots, *options):
        """`context` tokens for each of `slots`."""
        folder = tempfile.TemporaryDirectory()
        threads = self.peer.threads
        return Server(
            [self.peer.folder / "llama-server", "-m", model, "-t", threads, "-tb", threads, "-np", slots, "-c",
             slots * context, *options], folder)
