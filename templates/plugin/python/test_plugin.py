"""Run by `python3 -m unittest`, with the bindings in the directory `bindings` (see README.md). What the host decides of an OPKG
is made up here: there is no host."""

import sys
import unittest
from unittest import mock

sys.path.insert(0, "bindings")

import archive
import plugin
from componentize_py_types import Err
from wit_world.exports import containers, packaging
from wit_world.imports import artefacts, model, rules

HOME = "/usr/lib/oscar/packages/demo"


def opkg(**changes):
    """The least that an OPKG can be."""
    version = model.Version(0, "1.0", "1")
    author = model.Author(model.Role.MAINTAINER, "Ann Author", None, "ann@example.org", None, None, None)
    fields = {
        "at": 0,
        "name": "demo",
        "class_": model.Class.BASE,
        "summary": "A sample",
        "description": ["A package made up for a test."],
        "license": "GPL",
        "groups": ["Applications/System"],
        "uri": None,
        "authors": [author],
        "filter": model.Filter([], []),
        "relations": [],
        "file_rules": [],
        "service_rules": [],
        "alternatives": [],
        "triggers": [],
        "history": [model.HistoryEntry(version, [])],
        "home": HOME,
        "files": [],
        "directories": [],
        "tells_action": False,
        "source_date": model.Timestamp(0, 0),
        "attributes": [],
    }
    return model.Opkg(**(fields | changes))


def target(**changes):
    fields = {
        "dist": plugin.ID,
        "version": None,
        "arch": None,
        "machine": "x86_64",
        "release_tag": model.ReleaseTag_Native(),
        "vendor": None,
        "distribution": None,
        "attributes": [],
    }
    return model.BuildTarget(**(fields | changes))


def server_plan(**changes):
    """What the host says of a package for the server."""
    fields = {
        "part": model.Part_Server(),
        "name": "opkg-demo-server",
        "summary": "A sample, server part",
        "relations": [],
        "recorded_conflicts": [],
        "same_version": "opkg-demo",
        "is_arch_specific": False,
        "program_archs": [],
        "files": [],
        "scripts": [],
        "service_rules": [],
        "alternatives": [],
        "triggers": [],
    }
    return rules.PartPlan(**(fields | changes))


def related(name, comparison=None, version=None):
    bound = model.Bound(comparison, version) if comparison else None
    return rules.PlannedPackage(7, name, bound, None, False)


def file(path, marks):
    return artefacts.PackedFile(path, artefacts.Content_Source(9), 0o644, "root", "root", None, marks)


def generate(plan, opkg=opkg(), target=target()):
    with mock.patch.object(rules, "plan", return_value=rules.OpkgPlan([plan], [])):
        return plugin.Packaging().generate(opkg, target)


def members(package):
    """Of a package of which the host has read one file."""
    digests = containers.Digests("0", "0", "5ca1ab1e", "0")
    read = containers.BuiltFile("/etc/demo.conf", containers.FileKind_Regular((7, digests)), 0o644, "root", "root", True)
    built = containers.Built(package, opkg(), target(), [read], 7, [])
    return plugin.Containers().members(archive.MANIFEST_SLOT, built)


class PluginTest(unittest.TestCase):
    def test_what_the_host_plans_becomes_a_package(self):
        output = generate(server_plan())
        package = output.packages[0]
        self.assertEqual(package.file_name, "opkg-demo-server-1.0-1.any.tar.gz")
        self.assertIn("requires = opkg-demo = 1.0-1\n", output.meta_files[0].contents)

    def test_the_host_is_asked_for_the_target(self):
        with mock.patch.object(rules, "plan", return_value=rules.OpkgPlan([], [])) as asked:
            plugin.Packaging().generate(opkg(), target(arch="aarch64"))
        context, documentation, actions = asked.call_args.args
        self.assertEqual((context.identities[0].id, context.identities[0].number), (plugin.ID, [1]))
        self.assertEqual((context.arch, documentation), ("aarch64", "/usr/share/doc/opkg-demo"))
        self.assertEqual(len(actions), len(archive.SCRIPT_TIMES))

    def test_an_opkg_that_is_not_for_the_target_is_unavailable(self):
        why = model.Diagnostic(model.Severity.NOTE, 0, "it is for another one", None)
        with mock.patch.object(rules, "plan", side_effect=Err(why)), self.assertRaises(Err) as refused:
            plugin.Packaging().generate(opkg(), target())
        self.assertEqual(refused.exception.value, packaging.Refusal_Unavailable(why))

    def test_relations_stand_in_the_manifest(self):
        either = [related("a", model.Comparison.GE, "1.2"), related("b")]
        relation = rules.PlannedRelation(
            7, model.RelationKind.PRE_REQUIRES, either, rules.FilterMatch_Always(), True
        )
        manifest = generate(server_plan(relations=[relation])).meta_files[0].contents
        self.assertIn("pre-requires = a >= 1.2 | b\n", manifest)

    def test_scripts_are_members_of_the_package(self):
        times = model.ScriptTime
        scripts = [
            rules.PlannedScript(0, time, f"exit {status}\n", False, [])
            for time, status in [(times.POST_INSTALL, 1), (times.PRE_INSTALL, 2)]
        ]
        found = members(generate(server_plan(scripts=scripts)).packages[0])
        self.assertIn("pre-install = scripts/pre-install\npost-install = scripts/post-install\n", found[0].content.value)
        self.assertEqual(
            [(member.path, member.mode) for member in found],
            [("manifest", 0o644), ("scripts/pre-install", 0o755), ("scripts/post-install", 0o755)],
        )
        self.assertEqual(found[1].content.value, "#!/bin/sh\nexit 2\n")

    def test_the_manifest_has_what_is_kept_and_what_the_host_has_read(self):
        kept = file("/etc/demo.conf", artefacts.FileMarks.CONFIGURATION)
        manifest = members(generate(server_plan(files=[kept])).packages[0])[0].content.value
        self.assertIn("configuration = /etc/demo.conf\n", manifest)
        self.assertTrue(manifest.endswith("size = 7\nfile = 5ca1ab1e 7 /etc/demo.conf\n"), manifest)

    def test_what_is_said_of_files_stands_in_the_manifest(self):
        marks = artefacts.FileMarks
        files = [
            file("/etc/new", marks.CONFIGURATION | marks.REPLACED),
            file("/usr/share/licenses/demo", marks.LICENSE),
            file("/var/state", marks.GHOST | marks.MISSING_OK),
        ]
        output = generate(server_plan(files=files))
        lines = "configuration = /etc/new\nghost = /var/state\nconfiguration-replaced = /etc/new\n"
        self.assertIn(lines, output.meta_files[0].contents)
        # A record with what only an RPM has would be refused.
        kept = [packed.marks for packed in output.packages[0].files]
        self.assertEqual(kept, [marks.CONFIGURATION, marks(0), marks.GHOST])

    def test_a_release_tag_follows_the_release(self):
        tagged = target(release_tag=model.ReleaseTag_Custom("site"))
        self.assertEqual(generate(server_plan(), target=tagged).packages[0].release, "1.site")

    def test_a_target_that_there_is_not_is_refused(self):
        for wrong in [target(version="no"), target(arch="s390x")]:
            with self.assertRaises(Err) as refused:
                plugin.Packaging().generate(opkg(), wrong)
            self.assertIsInstance(refused.exception.value, packaging.Refusal_UnknownTarget)


if __name__ == "__main__":
    unittest.main()
