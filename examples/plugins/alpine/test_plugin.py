"""Run by `python3 -m unittest`, with the bindings in the directory `bindings` (see README.md). What the host decides of an OPKG
is made up here: there is no host."""

import sys
import unittest
from unittest import mock

sys.path.insert(0, "bindings")

from componentize_py_types import Err
from wit_world.exports import containers, packaging
from wit_world.imports import artefacts, model, rules

# What the host does, as far as tests need it.
rules.shell_quote = lambda word: "'" + word.replace("'", "'\\''") + "'"
rules.order_prereleases = lambda upstream: upstream.replace("-rc", "~rc").replace("_beta.", "~beta")
rules.is_core_perl_module = lambda module: module == "File::Copy"
rules.attribute_commands = lambda files, unkept: "".join(f"give {it.path} {it.mode:o}\n" for it in files if it.mode & 0o6000)
rules.ghost_commands = lambda files: "".join(f"rm {it.path}\n" for it in files if artefacts.FileMarks.GHOST in it.marks)

import metadata
import plugin
import relations
import scripts
import version
from diagnostics import Diagnostics

TIMES = model.ScriptTime
KINDS = model.RelationKind


def opkg(**changes):
    """The least that an OPKG can be."""
    author = model.Author(model.Role.MAINTAINER, "Ann Author", None, "ann@example.org", None, None, None)
    fields = {
        "at": 0,
        "name": "demo",
        "class_": model.Class.BASE,
        "summary": "A sample",
        "description": ["A package made up for a test."],
        "license": "GPL-2.0-only",
        "groups": ["Applications/System"],
        "uri": "https://example.org",
        "authors": [author],
        "filter": model.Filter([], []),
        "relations": [],
        "file_rules": [],
        "service_rules": [],
        "alternatives": [],
        "triggers": [],
        "history": [model.HistoryEntry(model.Version(0, "1.0", "1"), [])],
        "home": "/usr/lib/oscar/packages/demo",
        "files": [],
        "directories": [],
        "tells_action": False,
        "source_date": model.Timestamp(1386061212, 0),
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


def api_plan(**changes):
    changes = {"part": model.Part_Api(), "name": "opkg-demo", "same_version": None} | changes
    return server_plan(**changes)


def planned(kind, name, comparison=None, upstream=None, release=None, epoch=None):
    bound = model.Bound(comparison, upstream if release is None else f"{upstream}-{release}") if comparison else None
    parts = rules.VersionParts(epoch, upstream, release) if comparison else None
    package = rules.PlannedPackage(7, name, bound, parts, False)
    return rules.PlannedRelation(7, kind, [package], rules.FilterMatch_Always(), True)


def source_file(at, path, **changes):
    fields = {"mode": 0o644, "owner": "root", "group": "root", "capabilities": None, "marks": artefacts.FileMarks(0)}
    return artefacts.PackedFile(path, artefacts.Content_Source(at), **(fields | changes))


def described(at):
    """What the OPKG has of a file."""
    return mock.Mock(at=at, path=f"files/server/{at}", unit=None, accounts=[])


def generate(*plans, opkg=opkg(files=[described(at) for at in range(1, 4)]), target=target()):
    with mock.patch.object(rules, "plan", return_value=rules.OpkgPlan(list(plans), [])):
        return plugin.Packaging().generate(opkg, target)


def members(package, opkg=opkg()):
    digests = containers.Digests("0", "0", "da7a", "0")
    data = containers.BuiltArchive(metadata.DATA, 100, 200, digests)
    built = containers.Built(package, opkg, target(), [], 7, [data])
    return {member.path: member for member in plugin.Containers().members(metadata.SLOT, built)}


def package_info(plan, opkg=opkg(), target=target()):
    output = generate(api_plan(), plan, opkg=opkg, target=target)
    return members(output.packages[1], opkg)[".PKGINFO"].content.value


class VersionTest(unittest.TestCase):
    def test_versions_are_written_as_apk_orders_them(self):
        for written, expected in [
            ("1.0", "1.0"),
            ("1.0-rc1", "1.0_rc1"),
            ("1.0_beta.2", "1.0_beta2"),
            ("2.0~dev3", "2.0_pre3"),
            ("1.0~rc1.2", "1.0_rc1_p2"),
            ("1.1.1w", "1.1.1w"),
            ("1.0+git5", "1.0_git5"),
            ("1.0_2", "1.0_p2"),
            ("2.0.patch1", "2.0_p1"),
            ("v1", None),
            ("1.0+dfsg", None),
            ("", None),
        ]:
            self.assertEqual(version.adapt(written), expected, written)

    def test_the_order_of_versions_is_that_of_apk(self):
        rows = [
            ["1.0_alpha", "1.0_alpha1", "1.0_rc", "1.0_rc2", "1.0", "1.0-r0", "1.0-r10", "1.0_cvs", "1.0_p1", "1.0a", "1.0.1"],
            ["9", "10", "10.1", "10.9", "10.10", "2024"],
        ]
        for row in rows:
            for older, newer in zip(row, row[1:]):
                self.assertLess(version.compare(older, newer), 0, (older, newer))
                self.assertGreater(version.compare(newer, older), 0, (newer, older))
        self.assertEqual(version.newest_first(["1.0-r1", "1.0-r2", "1.0_rc1-r5"]), ["1.0-r2", "1.0-r1", "1.0_rc1-r5"])

    def test_a_bound_without_a_release_is_about_all_releases(self):
        kinds = model.Comparison
        for comparison, expected in [
            (kinds.EQ, [(">=", "1.0"), ("<", "1.0_cvs")]),
            (kinds.GT, [(">=", "1.0_cvs")]),
            (kinds.LE, [("<", "1.0_cvs")]),
            (kinds.LT, [("<", "1.0")]),
        ]:
            found = version.bounds(comparison, rules.VersionParts(None, "1.0", None))
            self.assertEqual(found, expected)
            holds = {"<": lambda it: it < 0, ">=": lambda it: it >= 0}
            for installed, order in [("0.9-r9", -1), ("1.0-r0", 0), ("1.0-r9", 0), ("1.0.1-r0", 1)]:
                allowed = {kinds.EQ: order == 0, kinds.GT: order > 0, kinds.LE: order <= 0, kinds.LT: order < 0}
                answer = all(holds[operator](version.compare(installed, bound)) for operator, bound in found)
                self.assertEqual(answer, allowed[comparison], (comparison, installed))

    def test_what_apk_has_no_place_for_is_said(self):
        for written, severity, text in [
            (model.Version(2, "1.0", "1"), model.Severity.WARNING, "apk has no epochs"),
            (model.Version(0, "1.0", "1.1"), model.Severity.NOTE, "is written `1.0_p1_p1-r0`"),
            (model.Version(0, "nightly", "1"), model.Severity.ERROR, "apk takes no version `nightly-1`"),
        ]:
            diagnostics = Diagnostics()
            version.of_opkg(opkg(history=[model.HistoryEntry(written, [])]), diagnostics)
            self.assertEqual(diagnostics.found[0].severity, severity)
            self.assertIn(text, diagnostics.found[0].message)


class RelationTest(unittest.TestCase):
    def lines(self, *relations_of_plan):
        diagnostics = Diagnostics()
        own = version.Version(0, "1.0", "1")
        found = relations.of_part(server_plan(relations=list(relations_of_plan)), own, diagnostics)
        return relations.lines(found), [it.message for it in diagnostics.found]

    def test_relations_of_each_kind(self):
        kinds = model.Comparison
        found, told = self.lines(
            planned(KINDS.REQUIRES, "a", kinds.GE, "1.2", "3"),
            planned(KINDS.PRE_REQUIRES, "b", kinds.EQ, "1-rc1"),
            planned(KINDS.CONFLICTS, "c", kinds.EQ, "2.0"),
            planned(KINDS.OBSOLETES, "d", kinds.LT, "4"),
            planned(KINDS.PROVIDES, "e", kinds.EQ, "5"),
            planned(KINDS.SUPPLEMENTS, "f"),
            planned(KINDS.SUPPLEMENTS, "g"),
            planned(KINDS.RECOMMENDS, "h"),
            planned(KINDS.REQUIRES, "perl(File::Copy)", kinds.GE, "2.0"),
        )
        expected = [
            ("replaces", "d<4"),
            ("depend", "opkg-demo=1.0-r1"),
            ("depend", "a>=1.2-r3"),
            ("depend", "b>=1_rc1"),
            ("depend", "b<1_rc1_cvs"),
            ("depend", "perl"),
            ("depend", "!c~2.0"),
            ("depend", "!d<4"),
            ("provides", "e=5"),
            ("install_if", "f"),
        ]
        self.assertEqual(found, expected)
        self.assertIn("`perl(File::Copy)` is part of Perl, which counts its versions otherwise: `2.0` is left out", told)
        self.assertIn("apk has nothing like `recommends`, so that to `h` is left out", told)
        self.assertIn("apk takes all of `install_if` together, so that `g` is left out of `supplements`", told)

    def test_capabilities_have_the_names_that_packages_provide(self):
        for written, expected in [
            ("/usr/bin/rsync", "cmd:rsync"),
            ("libfoo.so.1()(64bit)", "so:libfoo.so.1"),
            ("perl(XML::Simple)", "perl-xml-simple"),
            ("perl(File::Copy)", "perl"),
            ("perl(:VERSION)", None),
            ("pkgconfig(zlib)", "pc:zlib"),
            ("python3dist(Foo_bar)", "py3-foo-bar"),
            ("/bin/sh", "/bin/sh"),
            ("gcc-c++", "gcc-c++"),
            ("/etc/passwd", None),
            ("a b", None),
            ("config(x)", None),
        ]:
            self.assertEqual(relations.adapt_name(written), expected, written)

    def test_of_alternatives_the_first_counts(self):
        either = planned(KINDS.REQUIRES, "a")
        either.any_of.append(planned(KINDS.REQUIRES, "b").any_of[0])
        found, told = self.lines(either)
        self.assertEqual(found[1:], [("depend", "a")])
        self.assertEqual(told, ["apk knows no alternatives: of those to `requires`, only `a` counts"])


class PackageTest(unittest.TestCase):
    def test_the_package_says_what_it_is(self):
        info = package_info(server_plan(), target=target(vendor="Site"))
        self.assertEqual(
            info,
            "pkgname = opkg-demo-server\npkgver = 1.0-r1\npkgdesc = A sample, server part\nurl = https://example.org\n"
            "builddate = 1386061212\npackager = Ann Author <ann@example.org>\nsize = 7\narch = noarch\norigin = opkg-demo\n"
            "maintainer = Ann Author <ann@example.org>\nlicense = GPL-2.0-only\ndepend = opkg-demo=1.0-r1\nvendor = Site\n"
            "datahash = da7a\n",
        )

    def test_scripts_run_at_installations_and_upgrades(self):
        script = rules.PlannedScript(0, TIMES.POST_INSTALL, "exec '/x' \"$@\"\n", False, ["/usr/bin/perl"])
        package = generate(api_plan(), server_plan(scripts=[script])).packages[1]
        found = members(package)
        self.assertEqual(list(found), [".PKGINFO", ".post-install", ".post-upgrade"])
        self.assertEqual(found[".post-install"].content.value, "#!/bin/sh\nexec '/x' \"$@\"\n")
        self.assertEqual(found[".post-install"].mode, 0o755)
        self.assertIn("depend = /bin/sh\ndepend = cmd:perl\n", found[".PKGINFO"].content.value)

    def test_a_script_is_told_of_the_directories_of_its_triggers(self):
        triggers = [model.Trigger(0, path, None, model.Filter([], [])) for path in ("/etc/site.d", "/usr/share/x")]
        script = rules.PlannedScript(0, TIMES.TRIGGERED, 'echo "$*"\n', False, [])
        plan = server_plan(scripts=[script], triggers=[0, 1])
        package = generate(api_plan(), plan, opkg=opkg(triggers=triggers)).packages[1]
        found = members(package)
        self.assertIn("triggers = /etc/site.d /etc/site.d/* /etc/site.d/*/* ", found[".PKGINFO"].content.value)
        self.assertEqual(self.run_script(found[".trigger"], "/etc/site.d/deep"), "/etc/site.d\n")
        self.assertEqual(self.run_script(found[".trigger"], "/usr/share/x", "/etc/site.d"), "/etc/site.d /usr/share/x\n")
        self.assertEqual(self.run_script(found[".trigger"], "/etc/site.dummy"), "")

    def run_script(self, member, *arguments):
        import subprocess

        command = ["/bin/sh", "-c", member.content.value, "script", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def test_users_are_made_before_files_are_theirs(self):
        site = model.UserAccount("site", 431, None, "It's a site", "/var/lib/site", None)
        accounts = [model.Account_User(site), model.Account_Member(model.Membership("site", "ops"))]
        path = "files/server/usr/lib/sysusers.d/site.conf"
        described = mock.Mock(at=9, path=path, unit=None, accounts=accounts)
        text = scripts.accounts(opkg(files=[described]), server_plan(files=[source_file(9, "/usr/lib/sysusers.d/site.conf")]))
        self.assertEqual(
            text,
            "getent group 'site' > /dev/null || addgroup -S -g 431 'site' 2> /dev/null || addgroup -S 'site' || :\n"
            "getent group 'ops' > /dev/null || addgroup -S 'ops' || :\n"
            "getent passwd 'site' > /dev/null || adduser -S -D -H -h '/var/lib/site' -s '/sbin/nologin' -G 'site' "
            "-g 'It'\\''s a site' -u 431 'site' 2> /dev/null || adduser -S -D -H -h '/var/lib/site' -s '/sbin/nologin' "
            "-G 'site' -g 'It'\\''s a site' 'site' || :\naddgroup 'site' 'ops' || :\n",
        )

    def test_what_a_package_cannot_say_of_files_its_scripts_do(self):
        marks = artefacts.FileMarks
        files = [
            source_file(1, "/usr/bin/own", owner="site", mode=0o4755),
            source_file(2, "/usr/bin/can", capabilities="cap_chown=ep", mode=0o4755),
            source_file(3, "/etc/site", marks=marks.GHOST | marks.MISSING_OK),
        ]
        output = generate(api_plan(), server_plan(files=files))
        package = output.packages[1]
        packed = [(file.path, file.mode, file.capabilities, file.marks) for file in package.files]
        self.assertEqual(
            packed,
            [
                ("/etc/site", 0o644, None, marks.GHOST),
                ("/usr/bin/can", 0o4755, None, marks(0)),
                ("/usr/bin/own", 0o755, None, marks(0)),
            ],
        )
        bodies = {script.time: script.body for script in package.scriptlets}
        self.assertEqual(bodies[TIMES.POST_INSTALL], "give /usr/bin/own 4755\ngive /usr/bin/can 4755\n")
        self.assertEqual(bodies[TIMES.POST_UNINSTALL], "rm /etc/site\n")
        self.assertIn("depend = cmd:setcap\n", members(package)[".PKGINFO"].content.value)
        self.assertNotIn("/etc/site", output.meta_files[0].contents)

    def test_apk_is_told_what_it_would_not_keep_by_itself(self):
        kept = artefacts.FileMarks.CONFIGURATION
        files = [source_file(1, "/etc/a", marks=kept), source_file(2, "/etc/b"), source_file(3, "/opt/c", marks=kept)]
        package = generate(api_plan(), server_plan(files=files)).packages[1]
        told = next(file for file in package.files if file.path.startswith("/etc/apk/"))
        self.assertEqual(told.path, "/etc/apk/protected_paths.d/opkg-demo-server.list")
        self.assertEqual(told.content.value, "-etc/b\n+opt/c\n")

    def test_the_data_is_made_before_what_tells_of_it(self):
        archives = metadata.container().value.archives
        self.assertEqual([it.name for it in archives], ["data", "control", "signature", "package"])
        self.assertEqual([it.end_marker for it in archives], [True, False, False, False])
        self.assertEqual([entry.value.name for entry in archives[3].entries], ["signature", "control", "data"])
        self.assertEqual(archives[2].entries[0].value.name, "control")

    def test_a_target_that_there_is_not_is_refused(self):
        for wrong in [target(version="2"), target(arch="sparc")]:
            with self.assertRaises(Err) as refused:
                plugin.Packaging().generate(opkg(), wrong)
            self.assertIsInstance(refused.exception.value, packaging.Refusal_UnknownTarget)

    def test_the_recipe_is_read_by_a_shell(self):
        import subprocess

        files = [source_file(9, "/usr/it's")]
        described = mock.Mock(at=9, path="files/server/usr/it's", unit=None, accounts=[])
        output = generate(api_plan(), server_plan(files=files), opkg=opkg(files=[described]))
        recipe = output.meta_files[0].contents
        subprocess.run(["/bin/sh", "-n"], input=recipe, text=True, check=True)
        self.assertIn("subpackages='opkg-demo-server:server:noarch'\n", recipe)


if __name__ == "__main__":
    unittest.main()
