"""How apk is driven, inside the root that it is about."""

import re

import failures
import version
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import package_manager

PROGRAM = "apk"


class PackageManager(exports.PackageManager):
    def programs(self):
        return [PROGRAM]

    def offers(self, packages, place):
        return [apk(place, ["policy"], packages)] if packages else []

    def parse_offers(self, printed):
        """Of each package its versions, and where each comes from; of what is installed alone, from the database of the root."""
        found, name, offered = {}, None, None
        for line in lines(printed):
            text = line.strip()
            if text.endswith(" policy:") and not line.startswith(" "):
                name, offered = text.removesuffix(" policy:"), None
            elif name and line.startswith("  ") and not line.startswith("    ") and text.endswith(":"):
                offered = text.removesuffix(":")
            elif name and offered and text and not text.endswith("/installed") and not text.endswith("/db/installed"):
                versions = found.setdefault(name, [])
                if offered not in versions:
                    versions.append(offered)
        return [
            package_manager.Offer(name, offered)
            for name, versions in found.items()
            for offered in version.newest_first(versions)
        ]

    def install(self, packages, place):
        """Of names, or absolute paths of package files. A version is what the root wants from then on, until another one is
        asked for; of what nobody named apk downgrades and removes only what `simulate` tells."""
        return [apk(place, ["add", "--upgrade"], specs(packages))] if packages else []

    def reinstall(self, packages, place):
        """apk installs anew what is there; a version is asked for before."""
        exact = [package for package in packages if package.version is not None]
        names = [package.name for package in packages]
        return self.install(exact, place) + ([apk(place, ["fix", "--reinstall"], names)] if names else [])

    def simulate(self, packages, place):
        return [apk(place, ["add", "--simulate", "--upgrade"], specs(packages))] if packages else []

    def parse_simulation(self, printed):
        """`(1/2) Purging x (1.0-r0)`, `(2/2) Downgrading y (2.0-r0 -> 1.0-r0)`"""
        kinds = {
            "Purging": package_manager.SideEffectKind.REMOVE,
            "Downgrading": package_manager.SideEffectKind.DOWNGRADE,
        }
        pattern = re.compile(r"\(\s*\d+/\d+\) (Purging|Downgrading) (\S+) \(", re.ASCII)
        found = [it for it in map(pattern.match, lines(printed)) if it]
        return [package_manager.SideEffect(it[2], kinds[it[1]]) for it in found]

    def remove(self, packages, place):
        """With their configuration. apk leaves there what others need, which `explain` tells."""
        return [apk(place, ["del", "--purge"], packages, with_sources=False)] if packages else []

    def repair(self, packages, place):
        return [apk(place, ["fix"], [package.name for package in packages])] if packages else []

    def refresh(self, place):
        return [apk(place, ["update"], [])]

    def query(self, place):
        return [apk(place, ["list", "--installed"], [], with_sources=False)]

    def parse_query(self, printed):
        """`busybox-1.37.0-r12 x86_64 {busybox} (GPL-2.0-only) [installed]`"""
        installed = []
        for line in lines(printed):
            if not line.rstrip().endswith("[installed]"):
                continue
            words = line.split()
            name = failures.package_name(words[0])
            if name is None or len(words) < 3:
                raise Err(f"apk named a package in a way that is not known: {line.strip()}")
            state = package_manager.InstallState_Complete()
            installed.append(package_manager.Installed(name, words[0][len(name) + 1 :], words[1], None, state, []))
        if not installed:
            raise Err("apk named no package that is installed")
        return installed

    def explain(self, printed, succeeded):
        return failures.explain(printed, succeeded)


def lines(printed):
    """Of all that the commands printed."""
    return [line for text in printed for line in text.splitlines()]


def apk(place, applet, words, with_sources=True):
    """A command; sources that the root's configuration does not name are options of it."""
    argv = [PROGRAM, *applet, "--no-progress"]
    for source in place.repositories if with_sources else []:
        argv += ["--repository", location(source)]
    if with_sources and any(source.unauthenticated for source in place.repositories):
        argv.append("--allow-untrusted")
    argv += ["--", *words]
    return package_manager.Command(argv, [("LC_ALL", "C")], place.root != "/", [], [0], [])


def location(source):
    """A directory, or an address; what is a list of words in apk's configuration is none here."""
    if source.location.startswith("/"):
        return source.location.rstrip("/") or "/"
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[!#-&(-;=?-Z_a-z~]+", source.location, re.ASCII):
        known = "give the absolute path of a directory, or an address such as `https://example.org/packages`"
        raise Err(f"`{source.location}` is no package source: {known}")
    return source.location


def specs(packages):
    """What apk is told for a package."""
    return [it.name if it.version is None else f"{it.name}={it.version}" for it in packages]
