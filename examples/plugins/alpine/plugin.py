"""Alpine Linux: an OPKG becomes three packages of apk, in version 2 of its format."""

import index
import manager
import metadata
import package
import recipe
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import packaging
from wit_world.imports import artefacts, model, rules

ID = "alpine"
# Newest first. What is not released yet counts as later than all of them.
EDGE = "edge"
RELEASES = [EDGE, "3.23", "3.22", "3.21", "3.20", "3.19"]
DEFAULT_RELEASE = "3.23"
LATEST = 2**32
# By the names that OPKGs use and by those of the distribution.
ARCHS = {
    "x86_64": "x86_64",
    "i386": "x86",
    "aarch64": "aarch64",
    "arm": "armv7",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}


class Packaging(exports.Packaging):
    def describe(self):
        return packaging.DistributionInfo(
            id=ID,
            name="Alpine Linux",
            version="1.0.0",
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
        try:
            plan = rules.plan(context, f"/usr/share/doc/{base}", package.ACTIONS)
        except Err as excluded:
            raise Err(packaging.Refusal_Unavailable(excluded.value))
        builder = package.Builder(opkg, target, ARCHS[context.arch or context.machine])
        packages = [builder.package(part) for part in plan.parts]
        diagnostics = plan.diagnostics + builder.diagnostics.found
        if any(it.severity == model.Severity.ERROR for it in diagnostics):
            raise Err(packaging.Refusal_Failed(diagnostics))
        tree = f"{base}-{builder.version.upstream}"
        return artefacts.Output(
            meta_files=recipe.meta_files(opkg, base, tree, packages),
            source=artefacts.SourcePackage_Tarball(artefacts.Tarball(f"{base}/{tree}.tar.gz", tree)),
            # abuild lays packages into directories that it names itself.
            native_build=artefacts.NativeBuild([], []),
            packages=packages,
            # Signatures are of RSA, which the container says.
            accepted_keys=None,
            diagnostics=diagnostics,
            attributes=[],
        )


def filter_context(target):
    """What filters of OPKGs are decided for."""
    if target.version is not None and target.version not in RELEASES:
        known = ", ".join(RELEASES)
        raise Err(packaging.Refusal_UnknownTarget(f"`{target.version}` is no release of Alpine Linux: there is {known}"))
    arch = target.arch or target.machine
    if arch not in ARCHS:
        known = ", ".join(ARCHS)
        raise Err(packaging.Refusal_UnknownTarget(f"Alpine Linux has no packages for `{arch}`, only for {known}"))
    identity = rules.DistIdentity(
        id=ID,
        number=release_number(target.version) if target.version else None,
        default_number=release_number(DEFAULT_RELEASE),
        names=[rules.NamedRelease(EDGE, [LATEST])],
    )
    name = "-".join(part for part in [target.dist, target.version, target.arch] if part)
    return rules.FilterContext(
        name=name, identities=[identity], fallback_identities=[], arch=target.arch, machine=target.machine
    )


def release_number(release):
    return [LATEST] if release == EDGE else [int(part) for part in release.split(".")]


class Containers(exports.Containers):
    """What stands in packages besides their files, and the index of a directory of packages."""

    def members(self, slot, built):
        if slot != metadata.SLOT:
            raise Err(f"there is no slot `{slot}` in a package of apk")
        return metadata.members(built)

    def describe_index(self):
        return index.REQUEST

    def index(self, source, packages):
        return index.write(source, packages, ARCHS)


PackageManager = manager.PackageManager
