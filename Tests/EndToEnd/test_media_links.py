"""Pictures at addresses: fetched from the hosts that the operator allows, and from nowhere that is not public."""

import concurrent.futures
import http.server
import threading
import time
import unittest
import unittest.mock

import checkout
import client
import network
from daemon import Daemon, DaemonTestCase

PICTURE = (checkout.IMAGES / "light.png").read_bytes()
READ = "Repeat the text in the image word for word."
FIELD = "messages[0].content[0].image_url.url"


class Site(http.server.BaseHTTPRequestHandler):
    """What the tests fetch; `seen` is every request that came."""

    seen = []
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), "Set-Cookie": "a=b", **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def do_GET(self):
        type(self).seen.append((self.path, dict(self.headers)))
        port = self.server.server_address[1]
        here = f"http://{network.PUBLIC}:{port}"
        path = self.path.split("?")[0]
        if path.startswith("/hops/"):
            left = int(path.split("/")[2])
            return self.answer(302, Location=f"/hops/{left - 1}" if left else "/light.png")
        match path:
            case "/light.png": self.answer(200, PICTURE, **{"Content-Type": "text/plain; charset=utf-8"})
            case "/table": self.answer(200, b"a,b\n1,2\n", **{"Content-Type": "Text/CSV; header=present"})
            case "/empty": self.answer(200)
            case "/missing": self.answer(404, b"no")
            case "/inside": self.answer(302, Location=f"http://127.0.0.1:{port}/light.png")
            case "/elsewhere": self.answer(307, Location="http://example.org/a.png")
            case "/secret": self.answer(302, Location=f"http://user:word@{network.PUBLIC}:{port}/light.png")
            case "/file": self.answer(302, Location="file:///etc/passwd")
            case "/large": self.answer(200, bytes((1 << 20) + 1))
            case "/endless":
                self.send_response(200)
                self.send_header("Connection", "close")
                self.end_headers()
                try:
                    while True: self.wfile.write(bytes(1 << 16))
                except OSError:
                    pass
            case "/drip":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                try:
                    for _ in range(600):
                        self.wfile.write(b"x")
                        time.sleep(0.1)
                except OSError:
                    pass
            case "/hop-to-here": self.answer(301, Location=f"{here}/light.png")
            case _: self.answer(404)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        """Fetches are broken off on purpose."""


class MediaLinkTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(network.public_address())
        cls.site = Server(("", 0), Site)
        threading.Thread(target=cls.site.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.site.server_close)
        cls.addClassCleanup(cls.site.shutdown)
        cls.here = f"http://{network.PUBLIC}:{cls.site.server_address[1]}"
        # Names are resolved by the files of the machine alone: localhost is, and the proxy is not asked.
        cls.daemon = Daemon("--allow-media-host", network.PUBLIC, "--allow-media-host", "127.0.0.1",
                            "--allow-media-host", "localhost", "--allow-media-host", "*.localhost",
                            "--allow-media-host", "nowhere.invalid", "--max-part-mb", "1")
        cls.addClassCleanup(cls.daemon.kill)

    def setUp(self):
        Site.seen.clear()

    def ask(self, *urls, **fields):
        parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        return client.complete(self.daemon.port, client.user(*parts, client.text(READ)), **fields)

    def refused(self, url, code, *words):
        answer = self.ask(url)
        self.assertEqual(answer.status, 400, answer.body)
        self.assertEqual((answer.error["param"], answer.error["code"]), (FIELD, code), answer.error)
        for word in (FIELD, *words):
            self.assertIn(word, answer.error["message"])

    def test_a_picture_is_fetched_as_if_it_had_come_along(self):
        answer = self.ask(f"{self.here}/light.png?size=1#top")
        self.assertIn("Meeting moved", answer.text)
        sent = client.complete(self.daemon.port, client.user(client.picture("light.png"), client.text(READ))).json
        self.assertEqual(sent["choices"], answer.json["choices"])
        # Its bytes are what it is kept by.
        self.assertTrue(sent["gatehouse"]["modalities"][0]["cached"])
        (path, headers), = Site.seen
        self.assertEqual(path, "/light.png?size=1")
        self.assertEqual({name.lower() for name in headers}, {"host", "accept", "user-agent"})

    def test_several_pictures_keep_their_order(self):
        answer = self.ask(f"{self.here}/light.png", f"{self.here}/table", f"{self.here}/hops/0", max_tokens=1)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual([report["plugin"] for report in answer.json["gatehouse"]["modalities"]],
                         ["screen-text", "sensor", "screen-text"])

    def test_three_redirections_are_followed_and_no_more(self):
        self.assertIn("Meeting moved", self.ask(f"{self.here}/hops/2").text)
        self.refused(f"{self.here}/hops/3", "media_not_fetched", "3 redirections")
        # No cookie of one goes to the next.
        self.assertFalse([headers for _, headers in Site.seen if "Cookie" in headers])

    def test_addresses_that_are_not_public_are_refused_though_their_host_is_allowed(self):
        port = self.site.server_address[1]
        for host in ("127.0.0.1", "localhost", "a.localhost", "0x7f.1", "2130706433", "LocalHost"):
            with self.subTest(host=host):
                self.refused(f"http://{host}:{port}/light.png", "media_host_not_allowed", "is not a public one")
        self.refused(f"{self.here}/inside", "media_host_not_allowed", "127.0.0.1 is not a public one")
        self.assertEqual([path for path, _ in Site.seen], ["/inside"])

    def test_hosts_that_are_not_allowed_are_refused(self):
        for url in ("http://example.org/a.png", f"http://[::1]:{self.site.server_address[1]}/light.png",
                    "https://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://localhost.evil.org/",
                    "http://8.8.8.8/"):
            with self.subTest(url=url):
                self.refused(url, "media_host_not_allowed", "fetches nothing from the host")
        self.refused(f"{self.here}/elsewhere", "media_host_not_allowed", "example.org")
        self.assertEqual([path for path, _ in Site.seen], ["/elsewhere"])

    def test_credentials_are_not_sent_on(self):
        port = self.site.server_address[1]
        for url in (f"http://user:word@{network.PUBLIC}:{port}/light.png",
                    f"http://user@{network.PUBLIC}:{port}/light.png"):
            self.refused(url, "media_host_not_allowed", "name or password")
        self.refused(f"{self.here}/secret", "media_host_not_allowed", "name or password")
        self.assertEqual([path for path, _ in Site.seen], ["/secret"])

    def test_other_schemes_are_refused(self):
        self.refused(f"{self.here}/file", "media_host_not_allowed", "http or https")
        for url in ("file:///etc/passwd", "ftp://example.org/a", "gopher://localhost/", "httpx://a"):
            self.refused(url, "invalid_value")

    def test_what_is_no_picture_is_refused_with_the_reason(self):
        self.refused(f"{self.here}/missing", "media_not_fetched", "404")
        self.refused(f"{self.here}/empty", "invalid_value", "empty")
        self.refused("http://nowhere.invalid/a", "media_not_fetched", "nowhere.invalid")
        self.refused(f"http://{network.PUBLIC}:1/a", "media_not_fetched", network.PUBLIC)
        self.refused("http://", "media_not_fetched", "no URL")
        self.refused(f"http://{network.PUBLIC}:99999/", "media_not_fetched", "no URL")

    def test_size_is_limited_whether_it_is_told_or_not(self):
        for path in ("large", "endless"):
            with self.subTest(path=path):
                self.refused(f"{self.here}/{path}", "media_too_large", str(1 << 20))

    def test_time_is_limited_and_nobody_waits_for_what_others_fetch(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            slow = [pool.submit(self.refused, f"{self.here}/drip", "media_not_fetched", "10") for _ in range(4)]
            self.assertEqual(client.complete(self.daemon.port, "Hello", max_tokens=1).status, 200)
            for each in slow: each.result()


class ProxyTests(unittest.TestCase):
    def test_no_proxy_of_the_environment_is_asked(self):
        with network.public_address():
            site = Server(("", 0), Site)
            threading.Thread(target=site.serve_forever, daemon=True).start()
            here = f"http://{network.PUBLIC}:{site.server_address[1]}"
            with unittest.mock.patch.dict("os.environ", http_proxy="http://127.0.0.1:1", all_proxy="http://127.0.0.1:1"):
                daemon = Daemon("--allow-media-host", network.PUBLIC)
            try:
                part = {"type": "image_url", "image_url": {"url": f"{here}/light.png"}}
                answer = client.complete(daemon.port, client.user(part, client.text(READ)))
                self.assertIn("Meeting moved", answer.text)
            finally:
                daemon.kill()
                site.shutdown()
                site.server_close()


class WithoutHostsTests(DaemonTestCase):
    def test_nothing_is_fetched_unless_the_operator_says_so(self):
        part = {"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/a.png"}}
        answer = client.complete(self.daemon.port, client.user(part))
        self.assertEqual((answer.status, answer.error["param"]), (400, FIELD))
        self.assertIn("a data: URL", answer.error["message"])


if __name__ == "__main__":
    unittest.main()
