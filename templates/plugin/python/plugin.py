"""@NAME@: each of the three packages of an OPKG is a tar with a manifest in front of its files."""

import archive
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import packaging
from wit_world.imports import artefacts, model, rules

# What `--dist` names.
ID = "@NAME@"
# CHANGE: the releases of the distribution, newest first.
RELEASES = ["1"]
# The release of which packages are where nobody names one.
DEFAULT_RELEASE = "1"
# CHANGE: architectures, by the names that OPKGs use and by those of the distribution.
ARCHS = {"x86_64": "x86_64", "aarch64": "aarch64"}
# CHANGE: shell commands that set both from the arguments that the package manager gives to its scripts.
ACTION = "OPKG_ACTION=\nOPKG_OLD_VERSION=\n"


class Packaging(exports.Packaging):
    def describe(self):
        return packaging.DistributionInfo(
            id=ID,
            name=ID,  # CHANGE: as people write it
            version="0.1.0",
            aliases=[],
            releases=[
                packaging.DistributionRelease(version, None, version == DEFAULT_RELEASE) for version in RELEASES
            ],
            archs=[packaging.ArchName(canonical, native) for canonical, native in ARCHS.items()],
            attributes=[],
        )

    def generate(self, opkg, target):
        context = filter_context(target)
        base = f"opkg-{opkg.name}"
        # CHANGE: where documents of packages go.
        documentation = f"/usr/share/doc/{base}"
        actions = [rules.ActionCommands(time, ACTION) for time in archive.SCRIPT_TIMES]
        try:
            plan = rules.plan(context, documentation, actions)
        except Err as excluded:
            raise Err(packaging.Refusal_Unavailable(excluded.value))
        builder = archive.Builder(ID, opkg, target, ARCHS[context.arch])
        packages = [builder.package(part) for part in plan.parts]
        diagnostics = plan.diagnostics + builder.diagnostics
        if any(it.severity == model.Severity.ERROR for it in diagnostics):
            raise Err(packaging.Refusal_Failed(diagnostics))
        tree = f"{base}-{builder.version.in_file_names()}"
        return artefacts.Output(
            # What `--source` writes: text that people read, and the OPKG's files as they are.
            meta_files=[
                artefacts.TextFile(
                    f"{base}/{package.name}.manifest", archive.manifest(package, opkg, target), False
                )
                for package in packages
            ],
            source=artefacts.SourcePackage_Tarball(artefacts.Tarball(f"{base}/{tree}.tar.gz", tree)),
            # CHANGE: the commands by which the distribution's own tools make the packages.
            native_build=artefacts.NativeBuild([], []),
            packages=packages,
            accepted_keys=None,
            diagnostics=diagnostics,
            attributes=[],
        )


def filter_context(target):
    """What filters of OPKGs are decided for."""
    release = target.version or DEFAULT_RELEASE
    if release not in RELEASES:
        known = ", ".join(RELEASES)
        raise Err(packaging.Refusal_UnknownTarget(f"`{release}` is no release of {ID}: there is {known}"))
    arch = target.arch or target.machine
    if arch not in ARCHS:
        known = ", ".join(ARCHS)
        raise Err(packaging.Refusal_UnknownTarget(f"{ID} has no packages for `{arch}`, only for {known}"))
    number = [int(part) for part in release.split(".")]
    # CHANGE: `names` are releases that filters may name, `fallback_identities` what the distribution is derived from.
    identity = rules.DistIdentity(id=ID, number=number, default_number=number, names=[])
    name = "-".join(part for part in [target.dist, target.version, target.arch] if part)
    return rules.FilterContext(
        name=name, identities=[identity], fallback_identities=[], arch=arch, machine=target.machine
    )


class Containers(exports.Containers):
    """What stands in packages besides their files."""

    def members(self, slot, built):
        if slot != archive.MANIFEST_SLOT:
            raise Err(f"there is no slot `{slot}` in a package for {ID}")
        return archive.members(built)

    def describe_index(self):
        return None  # CHANGE: where the package manager reads an index of a directory of packages

    def index(self, source, packages):
        raise Err(f"the plugin {ID} makes no index of packages")


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
