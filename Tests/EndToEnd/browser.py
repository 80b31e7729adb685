"""Headless Chromium, driven over its DevTools protocol: a page is opened, typed in, looked at."""

import base64
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

import checkout
from websocket import WebSocket


class Browser:
    """One page in a browser of its own. What it complains of is kept in `complaints`."""

    def __init__(self, url, width=1280, height=800, dark=False):
        program = shutil.which("chromium")
        if program is None:
            raise AssertionError("chromium is missing; install it by: apt-get install chromium")
        self.folder = tempfile.TemporaryDirectory(prefix="gatehouse-browser-", ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-port=0", f"--user-data-dir={self.folder.name}", f"--window-size={width},{height}",
             "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.complaints, self.count, self.answers = [], 0, {}
        port_file = pathlib.Path(self.folder.name, "DevToolsActivePort")
        end = time.monotonic() + checkout.PATIENCE
        while not (port_file.exists() and port_file.read_text().count("\n")):
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError("the browser does not start")
            time.sleep(0.05)
        port = port_file.read_text().split("\n")[0]
        targets = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json"))
        page = next(target["id"] for target in targets if target["type"] == "page")
        self.connection = WebSocket(int(port), f"/devtools/page/{page}")
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def call(self, method, **parameters):
        self.count += 1
        number = self.count
        self.connection.tell(id=number, method=method, params=parameters)
        while True:
            message = self.connection.event()
            if message.get("id") == number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]
            self.hear(message)

    def hear(self, message):
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"]["text"] + str(
                parameters["exceptionDetails"].get("exception", {}).get("description", "")))
        elif message.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(parameters["entry"]["text"])
        elif message.get("method") == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.complaints.append(str(parameters["args"]))

    def run(self, script):
        """The value of an expression, awaited."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, condition):
        """Until an expression holds."""
        end = time.monotonic() + checkout.PATIENCE
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise AssertionError(f"never came to be: {condition}\n{self.run('document.body.innerText')}")
            time.sleep(0.05)

    def type(self, text):
        """Into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key):
        code = {"Enter": 13, "Escape": 27, "Tab": 9}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      **(text if kind == "keyDown" else {}))

    def picture(self, path):
        """A screenshot as PNG."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        self.connection.vanish()
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()
