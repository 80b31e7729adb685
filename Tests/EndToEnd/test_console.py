"""The page at `/`, in a browser: as a person uses it, by keyboard. Screenshots stay in .build-console."""

import base64
import json
import pathlib
import tempfile
import unittest

import checkout
import client
from browser import Browser
from daemon import Daemon, DaemonTestCase

PICTURES = checkout.ROOT / ".build-console"
LIGHT = base64.b64encode((checkout.IMAGES / "light.png").read_bytes()).decode()
TURNS = "[...document.querySelectorAll('.turn:not(.user)')]"


class ConsoleTests(DaemonTestCase):
    options = ("--admin",)

    def open(self, **options):
        browser = Browser(f"http://127.0.0.1:{self.daemon.port}/", **options)
        self.addCleanup(browser.close)
        browser.wait("document.getElementById('model').textContent")
        browser.run("document.getElementById('temperature').value = 0; document.getElementById('most').value = 40")
        return browser

    def answered(self, browser, count):
        browser.wait(f"{TURNS}.length === {count} && document.getElementById('send').textContent === 'Send'")

    def test_a_question_is_typed_and_the_answer_streamed(self):
        browser = self.open()
        browser.run("document.getElementById('words').focus()")
        browser.type("What is the capital of France?")
        browser.press("Enter")
        self.answered(browser, 1)
        self.assertIn("Paris", browser.run(f"{TURNS}[0].innerText"))
        self.assertRegex(browser.run("document.querySelector('.facts').textContent"), r"^\d+ tokens read.*first after .* s; \d+ written")
        browser.type("And of Italy?")
        browser.press("Enter")
        self.answered(browser, 2)
        self.assertIn("tokens read", browser.run(f"{TURNS}[1].innerText"))
        browser.picture(PICTURES / "chat.png")
        browser.run("document.getElementById('fresh').click()")
        self.assertEqual(browser.run("document.querySelectorAll('.turn').length"), 0)
        self.assertEqual(browser.complaints, [])

    def test_an_image_is_dropped_and_what_became_of_it_is_drawn(self):
        browser = self.open()
        browser.run(f"""(() => {{
          const bytes = Uint8Array.from(atob({json.dumps(LIGHT)}), letter => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], 'light.png', {{ type: 'image/png' }}));
          document.dispatchEvent(new DragEvent('drop', {{ dataTransfer: transfer, bubbles: true }}));
        }})()""")
        browser.wait("document.querySelector('.chip')")
        browser.run("document.getElementById('words').focus()")
        browser.type("What does the screen say?")
        browser.press("Enter")
        self.answered(browser, 1)
        row = browser.run("document.querySelector('.parts').innerText")
        self.assertIn("screen-text 0.1.0", row)
        self.assertIn("1.00", row)
        self.assertGreater(browser.run("document.querySelector('.media img').naturalWidth"), 10)
        self.assertGreater(browser.run("document.querySelector('.meter i').getBoundingClientRect().width"), 50)
        browser.wait("document.querySelector('.plugin')?.innerText.includes('screen-text')")
        browser.picture(PICTURES / "image.png")
        browser.run("[...document.querySelectorAll('.plugin button')].find(button => button.textContent === 'Unload').click()")
        browser.wait("document.querySelector('.plugin').innerText.includes('unloaded')")
        self.assertEqual(browser.complaints, [])

    def test_an_error_is_shown_and_the_talk_goes_on(self):
        browser = self.open()
        browser.run("document.getElementById('words').focus()")
        browser.run("""(() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(['no image'], 'broken.png', { type: 'image/png' }));
          document.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }));
        })()""")
        browser.wait("document.querySelector('.chip')")
        browser.type("What is this?")
        browser.press("Enter")
        browser.wait("document.querySelector('[role=alert]')")
        self.assertTrue(browser.run("document.querySelector('[role=alert]').textContent"))
        browser.complaints.clear()  # the browser itself notes the 400
        browser.type("Name a colour.")
        browser.press("Enter")
        self.answered(browser, 2)
        self.assertIn("tokens read", browser.run(f"{TURNS}[1].innerText"))
        self.assertEqual(browser.complaints, [])

    def test_a_sound_is_recorded(self):
        browser = self.open()
        browser.run("document.getElementById('record').click()")
        browser.wait("document.getElementById('record').getAttribute('aria-pressed') === 'true'")
        browser.wait("recording && recording.pieces.length > 2")
        browser.run("document.getElementById('record').click()")
        browser.wait("attached.length === 1")
        head = base64.b64decode(browser.run("attached[0].url.split(',')[1].slice(0, 60)"))
        self.assertEqual((head[:4], head[8:16]), (b"RIFF", b"WAVEfmt "))
        self.assertEqual(browser.complaints, [])

    def test_dark_and_narrow(self):
        for name, options in (("dark", {"dark": True}), ("narrow", {"width": 390, "height": 800})):
            with self.subTest(name=name):
                browser = self.open(**options)
                self.assertLessEqual(browser.run("document.documentElement.scrollWidth"), options.get("width", 1280))
                back = browser.run("getComputedStyle(document.body).backgroundColor")
                self.assertEqual(back, "rgb(22, 24, 27)" if name == "dark" else "rgb(246, 245, 241)")
                browser.wait("document.getElementById('memoryLine').getAttribute('points')")
                browser.picture(PICTURES / f"{name}.png")
                self.assertEqual(browser.complaints, [])

    def test_the_page_lets_nothing_in_but_its_own(self):
        answer = client.request(self.daemon.port, "GET", "/")
        policy = answer.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertNotRegex(answer.body.decode(), r"https?://")


class KeyedConsoleTests(unittest.TestCase):
    def test_a_key_is_asked_for(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        keys = folder / "keys"
        key = checkout.answer("key", "new", "me", "--api-key-file", keys).split()[-1]
        daemon = Daemon("--api-key-file", keys)
        self.addCleanup(daemon.kill)
        browser = Browser(f"http://127.0.0.1:{daemon.port}/")
        self.addCleanup(browser.close)
        browser.wait("document.getElementById('door').open")
        browser.run("document.getElementById('key').focus()")
        browser.type(key)
        browser.press("Enter")
        browser.wait("document.getElementById('model').textContent")
        browser.run("document.getElementById('words').focus()")
        browser.type("Name a colour.")
        browser.press("Enter")
        browser.wait("document.querySelector('.facts')")
        self.assertEqual(daemon.stop(), 0)
