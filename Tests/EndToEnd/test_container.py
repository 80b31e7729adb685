"""The container file, which no test here builds: that its image has what the programs need."""

import re
import subprocess
import unittest

import checkout

# The base image has these: the C library and its kin, and Swift's own libraries, which belong to no package here.
BASE = {"libc6", "libgcc-s1", "libstdc++6"}


class ContainerTests(unittest.TestCase):
    def test_the_image_has_every_library_that_host_and_plugins_name(self):
        text = (checkout.ROOT / "Containerfile").read_text()
        installed = set(re.findall(r"[a-z0-9.+-]+", text[text.index("--no-install-recommends"):text.index("rm -rf")]))
        programs = [checkout.BINARY, checkout.WORKER, checkout.SCREEN_TEXT,
                    *checkout.ROOT.glob("Plugins/*/.build/release/lib*.so")]
        self.assertGreater(len(programs), 4)
        for program in programs:
            for library in self.needed(program) + self.opened(program):
                packages = self.packages(library)
                with self.subTest(program=program.name, library=library):
                    self.assertTrue(not packages or packages & (BASE | installed), packages)

    @staticmethod
    def needed(program):
        """Names of the libraries that a program asks for itself."""
        printed = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
        return re.findall(r"\(NEEDED\).*\[(.*)\]", printed)

    @staticmethod
    def opened(program):
        """Names of the libraries that the daemon opens when it needs them."""
        return ["libcurl-gnutls.so.4"] if program == checkout.BINARY else []

    @staticmethod
    def packages(library):
        """Debian packages that have a library of that name; none where it is not Debian's."""
        found = subprocess.run(["dpkg-query", "-S", f"*/{library}"], capture_output=True, text=True).stdout
        return {line.partition(":")[0] for line in found.splitlines()}
