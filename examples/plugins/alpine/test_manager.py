"""How apk is driven, and what it prints. Run by `python3 -m unittest`, as test_plugin.py is."""

import sys
import unittest

sys.path.insert(0, "bindings")

import failures
import manager
from componentize_py_types import Err
from wit_world.exports import package_manager


def repository(location, unauthenticated=False):
    return package_manager.Repository(location, None, unauthenticated, [])


class ManagerTest(unittest.TestCase):
    apk = manager.PackageManager()

    def place(self, *repositories):
        return package_manager.Place("/srv/image", list(repositories), None, "x86_64", ["apk"], [])

    def words(self, commands):
        self.assertTrue(all(command.in_root for command in commands))
        return [" ".join(command.argv) for command in commands]

    def test_packages_are_asked_for_by_name_and_version(self):
        packages = [package_manager.PackageRequest("x", "1.0-r1", []), package_manager.PackageRequest("y", None, [])]
        self.assertEqual(
            self.words(self.apk.reinstall(packages, self.place())),
            ["apk add --upgrade --no-progress -- x=1.0-r1", "apk fix --reinstall --no-progress -- x y"],
        )
        source = repository("/srv/site/", unauthenticated=True)
        self.assertEqual(
            self.words(self.apk.install(packages, self.place(source))),
            ["apk add --upgrade --no-progress --repository /srv/site --allow-untrusted -- x=1.0-r1 y"],
        )
        for location in ["site", "--root=/", "https://a b", "@tag https://x"]:
            with self.assertRaises(Err):
                self.apk.refresh(self.place(repository(location)))

    def test_what_apk_prints(self):
        printed = "WARNING: opening /srv/site: No such file or directory\n"
        printed += "opkg-x-1.0_rc1-r1 noarch {opkg-x} (GPL-2.0-only) [installed]\nbusybox-1.37.0-r12 x86_64 {busybox} (GPL-2.0-only) [installed]\n"
        found = [(it.name, it.version, it.arch) for it in self.apk.parse_query([printed])]
        self.assertEqual(found, [("opkg-x", "1.0_rc1-r1", "noarch"), ("busybox", "1.37.0-r12", "x86_64")])
        with self.assertRaises(Err):
            self.apk.parse_query([""])
        policy = "x policy:\n  1.0-r9:\n    https://example.org/main\n  1.0-r10:\n    lib/apk/db/installed\n    https://example.org/main\n"
        policy += "  1.0-r11:\n    lib/apk/db/installed\ny policy:\n  2-r0:\n    /srv/site\n"
        offers = [(it.name, it.version) for it in self.apk.parse_offers([policy])]
        self.assertEqual(offers, [("x", "1.0-r10"), ("x", "1.0-r9"), ("y", "2-r0")])
        simulated = "(1/3) Purging a (1.0-r0)\n(2/3) Downgrading b (2.0-r0 -> 1.0-r0)\n( 3/13) Installing c (1-r0)\nOK: 8 MiB\n"
        effects = [(it.name, it.kind) for it in self.apk.parse_simulation([simulated])]
        kinds = package_manager.SideEffectKind
        self.assertEqual(effects, [("a", kinds.REMOVE), ("b", kinds.DOWNGRADE)])

    def causes(self, printed, succeeded=False):
        return [(it.cause, it.packages, it.transient) for it in failures.explain(printed, succeeded)]

    def test_what_went_wrong(self):
        script = "(1/1) Installing opkg-x (1.0-r1)\nExecuting opkg-x-1.0-r1.post-install\n* no network\n"
        script += "ERROR: opkg-x-1.0-r1.post-install: script exited with error 3\nOK: 8 MiB in 15 packages\n"
        expected = ("the post-install script of opkg-x failed with status 3: no network", ["opkg-x"], False)
        self.assertEqual(self.causes(script, succeeded=True), [expected])
        missing = "ERROR: unable to select packages:\n  nothing (no such package):\n    required by: opkg-x-1.0-r1[nothing]\n"
        self.assertEqual(
            self.causes(missing), [("nothing (no such package): required by: opkg-x-1.0-r1[nothing]", ["nothing"], False)]
        )
        kept = "World updated, but the following packages are not removed due to:\n  opkg-x: opkg-x-server\n\nOK: 8 MiB\n"
        self.assertEqual(self.causes(kept, succeeded=True), [("opkg-x is not removed: opkg-x-server needs it", ["opkg-x"], False)])
        locked = "ERROR: Unable to lock database: Resource temporarily unavailable\n"
        self.assertEqual(self.causes(locked), [("Unable to lock database: Resource temporarily unavailable", [], True)])
        owned = "ERROR: opkg-x-1.0-r1: trying to overwrite usr/bin/x owned by y-1-r0.\n"
        self.assertEqual(self.causes(owned), [(owned[7:-1], ["opkg-x"], False)])
        self.assertEqual(self.causes("WARNING: This is a warning\nOK: 8 MiB\n", succeeded=True), [])


if __name__ == "__main__":
    unittest.main()
