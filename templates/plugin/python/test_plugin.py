"""Run by `python3 -m unittest`, with the bindings in the directory `bindings` (see README.md)."""

import sys
import unittest

sys.path.insert(0, "bindings")

import archive
import filters
import plugin
from componentize_py_types import Err
from wit_world.exports import packaging
from wit_world.imports import opkg as wit


def any_target():
    return wit.Filter([], [])


def opkg(**changes):
    """The least that an OPKG can be."""
    home = "/usr/lib/oscar/packages/demo"
    version = wit.Version(0, "1.0", "1")
    author = wit.Author(wit.Role.MAINTAINER, "Ann Author", None, "ann@example.org", None, None, None)
    fields = {
        "at": 0,
        "name": "demo",
        "class_": wit.Class.BASE,
        "summary": "A sample",
        "description": ["A package made up for a test."],
        "license": "GPL",
        "groups": ["Applications/System"],
        "uri": None,
        "authors": [author],
        "filter": any_target(),
        "relations": [],
        "file_rules": [],
        "service_rules": [],
        "alternatives": [],
        "triggers": [],
        "history": [wit.Release(version, [])],
        "home": home,
        "files": [],
        "directories": [wit.Directory(wit.Part.API, wit.Destination_Path(home), None, [])],
        "tells_action": False,
        "source_date": wit.Timestamp(0, 0),
    }
    return wit.Opkg(**(fields | changes))


def target(**changes):
    fields = {
        "dist": plugin.ID,
        "version": None,
        "arch": None,
        "machine": "x86_64",
        "release_tag": wit.ReleaseTag_Native(),
        "vendor": None,
        "distribution": None,
    }
    return wit.Target(**(fields | changes))


def script(path, time, text):
    home = "/usr/lib/oscar/packages/demo"
    fields = dict.fromkeys(wit.SourceFile.__dataclass_fields__)
    fields |= {
        "at": 9,
        "path": f"scripts/{path}",
        "part": wit.Part.SERVER,
        "destination": wit.Destination_Path(f"{home}/{path}"),
        "mode": 0o755,
        "configuration": False,
        "rules": [],
        "accounts": [],
        "scriptlet": wit.Scriptlet(time, text),
    }
    return wit.SourceFile(**fields)


def generate(opkg, target=target()):
    return plugin.Packaging().generate(opkg, target)


class PluginTest(unittest.TestCase):
    def test_an_opkg_becomes_three_packages(self):
        packages = generate(opkg()).packages
        names = [package.file_name for package in packages]
        expected = ["opkg-demo", "opkg-demo-server", "opkg-demo-client"]
        self.assertEqual(names, [f"{name}-1.0-1.any.tar.gz" for name in expected])
        self.assertIn("requires = opkg-demo = 1.0-1\n", packages[1].members[0].contents)

    def test_relations_count_where_their_filters_say_so(self):
        def relation(name, dist, bound):
            package = wit.RelatedPackage(7, wit.RelatedName_Native(name), None)
            filter = wit.Filter([wit.DistFilter(7, dist, bound)], [])
            return wit.Relation(7, wit.Scope_Part(wit.Part.CLIENT), wit.Kind.REQUIRES, [package], filter)

        later = wit.Bound(wit.Comparison.GT, plugin.DEFAULT_RELEASE)
        relations = [
            relation("here", plugin.ID, None),
            relation("later", plugin.ID, later),
            relation("elsewhere", "other", None),
        ]
        manifest = generate(opkg(relations=relations)).packages[2].members[0].contents
        self.assertIn("requires = here\n", manifest)
        self.assertNotIn("later", manifest)
        self.assertNotIn("elsewhere", manifest)

    def test_scripts_are_in_the_package_or_in_its_manifest(self):
        files = [
            script("server-post-install", wit.HookTime.POST_INSTALL, None),
            script("server-pre-install", wit.HookTime.PRE_INSTALL, "#!/bin/sh\nexit 0\n"),
        ]
        server = generate(opkg(files=files)).packages[1]
        lines = server.members[0].contents.splitlines()[-2:]
        expected = "post-install = /usr/lib/oscar/packages/demo/server-post-install"
        self.assertEqual(lines, ["pre-install = scripts/pre-install", expected])
        self.assertEqual((server.members[1].path, server.members[1].executable), ("scripts/pre-install", True))

    def test_a_release_tag_follows_the_release(self):
        tagged = target(release_tag=wit.ReleaseTag_Custom("site"))
        self.assertEqual(generate(opkg(), tagged).packages[0].release, "1.site")

    def test_a_target_that_there_is_not_is_refused(self):
        for wrong in [target(version="no"), target(arch="s390x")]:
            with self.assertRaises(Err) as refused:
                generate(opkg(), wrong)
            self.assertIsInstance(refused.exception.value, packaging.Refusal_UnknownTarget)

    def test_releases_compare_at_the_precision_of_the_bound(self):
        for release, bound, order in [("5.4", "5", 0), ("5", "5.4", -1), ("6", "5", 1), ("5.4", "5.5", -1)]:
            numbers = filters.release_number(release), filters.release_number(bound)
            self.assertEqual(filters.precise_order(*numbers), order, (release, bound))
        self.assertIsNone(filters.release_number("9b"))


if __name__ == "__main__":
    unittest.main()
