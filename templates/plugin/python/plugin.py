"""@NAME@: each of the three packages of an OPKG is a tar with a manifest in front of its files."""

import archive
from componentize_py_types import Err
from filters import Context
from wit_world import exports
from wit_world.exports import packaging
from wit_world.imports import artefacts, opkg as wit

# What `--dist` names.
ID = "@NAME@"
# CHANGE: the releases of the distribution, newest first.
RELEASES = ["1"]
# The release of which packages are where nobody names one.
DEFAULT_RELEASE = "1"
# CHANGE: architectures, by the names that OPKGs use and by those of the distribution.
ARCHS = {"x86_64": "x86_64", "aarch64": "aarch64"}


class Packaging(exports.Packaging):
    def describe(self):
        return packaging.Description(
            id=ID,
            name=ID,  # CHANGE: as people write it
            version="0.1.0",
            aliases=[],
            releases=[packaging.Release(version, None, version == DEFAULT_RELEASE) for version in RELEASES],
            archs=[packaging.ArchName(canonical, native) for canonical, native in ARCHS.items()],
        )

    def generate(self, opkg, target):
        release = target.version or DEFAULT_RELEASE
        if release not in RELEASES:
            known = ", ".join(RELEASES)
            raise Err(packaging.Refusal_UnknownTarget(f"`{release}` is no release of {ID}: there is {known}"))
        arch = target.arch or target.machine
        if arch not in ARCHS:
            known = ", ".join(ARCHS)
            raise Err(packaging.Refusal_UnknownTarget(f"{ID} has no packages for `{arch}`, only for {known}"))
        context = Context(ID, release, arch)
        if not context.matches(opkg.filter):
            message = f"opkg-{opkg.name} is not available for {ID}: its filters name others"
            raise Err(packaging.Refusal_Unavailable(archive.diagnostic("NOTE", opkg.at, message)))
        builder = archive.Builder(opkg, target, context, ARCHS[arch])
        packages = [builder.package(part) for part in (wit.Part.API, wit.Part.SERVER, wit.Part.CLIENT)]
        builder.report_unsupported()
        diagnostics = context.diagnostics
        if any(it.severity == wit.Severity.ERROR for it in diagnostics):
            raise Err(packaging.Refusal_Failed(diagnostics))
        base = f"opkg-{opkg.name}"
        tree = f"{base}-{builder.version.in_file_names()}"
        return artefacts.Output(
            # What `--source` writes: text that people read, and the OPKG's files as they are.
            meta_files=[
                artefacts.TextFile(f"{base}/{package.name}.manifest", package.members[0].contents, False)
                for package in packages
            ],
            source=artefacts.SourcePackage_Tarball(artefacts.Tarball(f"{base}/{tree}.tar.gz", tree)),
            # CHANGE: the commands by which the distribution's own tools make the packages.
            native_build=artefacts.NativeBuild([], []),
            container=artefacts.Container_Archive(artefacts.Compression.GZIP),
            packages=packages,
            accepted_keys=None,
            diagnostics=diagnostics,
        )


def not_written(*_):
    """CHANGE: return commands instead, `package_manager.Command`, and their program in `programs`."""
    raise Err(f"the plugin {ID} drives no package manager yet: install the packages by hand")


class PackageManager(exports.PackageManager):
    """`opkgc` makes packages without it; `opm` needs it to install them."""

    def programs(self):
        return []

    def offers(self, packages, place):
        return []

    def parse_offers(self, printed):
        return []

    def simulate(self, packages, place):
        return []

    def parse_simulation(self, printed):
        return []

    def repair(self, packages, place):
        return []

    def explain(self, printed, succeeded):
        return []

    install = reinstall = remove = refresh = query = parse_query = not_written
