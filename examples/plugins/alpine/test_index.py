"""The index of packages. Run by `python3 -m unittest`, as test_plugin.py is."""

import sys
import unittest

sys.path.insert(0, "bindings")

import index
import plugin
from componentize_py_types import Err
from wit_world.exports import containers


class IndexTest(unittest.TestCase):
    def package(self, name, info, segments=2):
        digests = [containers.Digests("0", f"{number:02}" * 20, "0", "0") for number in range(segments)]
        return containers.PackageFile(
            name,
            100,
            digests[0],
            [containers.Segment(50, it) for it in digests],
            [containers.MemberBytes(".PKGINFO", info.encode())],
            [],
        )

    def text(self, *packages, archs=()):
        files = index.write(containers.PackageSource("site", 7, list(archs), None, []), list(packages), plugin.ARCHS)
        self.assertEqual([file.path for file in files], ["APKINDEX.tar.gz"])
        entries = [entry.value for entry in files[0].content.value[0].entries]
        self.assertEqual([entry.path for entry in entries], ["DESCRIPTION", "APKINDEX"])
        return entries[1].content.value

    def test_a_package_is_described(self):
        info = "# x\npkgname = x\npkgver = 1.0-r1\npkgdesc = a = b\nurl = u\nsize = 7\narch = noarch\nlicense = GPL\n"
        info += "depend = a>=1\ndepend = !b\nprovides = p=1\nbuilddate = 9\ndatahash = ff\n"
        other = "pkgname = y\npkgver = 2-r0\narch = x86_64\n"
        expected = (
            "C:Q1AQEBAQEBAQEBAQEBAQEBAQEBAQE=\nP:x\nV:1.0-r1\nA:x86_64\nS:100\nI:7\nT:a = b\nU:u\nL:GPL\nt:9\nD:a>=1 !b\np:p=1\n\n"
        )
        found = self.text(self.package("y-2-r0.apk", other), self.package("x-1.0-r1.apk", info, segments=3))
        self.assertTrue(found.startswith(expected), found)

    def test_what_is_no_package_is_refused(self):
        info = "pkgname = x\npkgver = 1-r0\narch = {}\n"
        for packages, text in [
            ([self.package("x-1-r0.apk", "pkgname = x\n")], "has no pkgver"),
            ([self.package("y.apk", info.format("x86_64"))], "rename it"),
            ([self.package("x-1-r0.apk", info.format("x86_64"), segments=1)], "not made of two archives"),
            ([self.package("x-1-r0.apk", info.format(arch)) for arch in ("x86_64", "aarch64")], "a directory for each"),
        ]:
            with self.assertRaises(Err) as refused:
                self.text(*packages)
            self.assertIn(text, refused.exception.value)

    def test_packages_for_any_machine_are_listed_where_their_directory_is(self):
        package = self.package("x-1-r0.apk", "pkgname = x\npkgver = 1-r0\narch = noarch\n")
        self.assertIn("\nA:noarch\n", self.text(package))
        self.assertIn("\nA:x86\n", self.text(package, archs=["i386"]))
        with self.assertRaises(Err):
            self.text(package, archs=["i386", "aarch64"])


if __name__ == "__main__":
    unittest.main()
