"""Relations in the words of apk: `depend`, `!` for conflicts, `provides`, `replaces` and `install_if`."""

import re

import version
from wit_world.imports import artefacts, model, rules

KINDS = model.RelationKind
# Fields of .PKGINFO by the kinds of relations that stand there, and what stands before the name.
FIELDS = [
    ("replaces", artefacts.NativeKind_Obsoletes, ""),
    ("depend", artefacts.NativeKind_Requires, ""),
    ("depend", artefacts.NativeKind_Conflicts, "!"),
    ("provides", artefacts.NativeKind_Provides, ""),
]
LEAVE_OUT = (
    "leave this distribution out with the `filters` of the group, and say in one of its own what it is to have"
)


def of_part(plan, own_version, diagnostics):
    """Of one part. Those that its scripts need are added where these are known."""
    relations = []
    if plan.same_version is not None:
        bound = model.Bound(model.Comparison.EQ, str(own_version))
        relations.append(relation(artefacts.NativeKind_Requires(), plan.same_version, bound))
    for planned in plan.relations:
        if planned.by_default:
            relations += translate(planned, diagnostics, has_install_if(relations))
    return relations


def relation(kind, name, bound=None):
    return artefacts.NativeRelation(kind, name, bound, [], None)


def has_install_if(relations):
    return any(isinstance(it.kind, artefacts.NativeKind_Supplements) for it in relations)


def translate(planned, diagnostics, has_install_if):
    """What a relation becomes: nothing, where apk has nothing like it; several, where it takes several to say it."""
    first, *others = planned.any_of
    if others:
        message = f"apk knows no alternatives: of those to `{element(planned.kind)}`, only `{first.name}` counts"
        diagnostics.warning(planned.at, message, LEAVE_OUT)
    kinds = {
        # What a package depends on is there before its scripts run.
        KINDS.REQUIRES: [artefacts.NativeKind_Requires()],
        KINDS.PRE_REQUIRES: [artefacts.NativeKind_Requires()],
        KINDS.SUPPLEMENTS: [] if has_install_if else [artefacts.NativeKind_Supplements()],
        KINDS.PROVIDES: [artefacts.NativeKind_Provides()],
        KINDS.CONFLICTS: [artefacts.NativeKind_Conflicts()],
        KINDS.BREAKS: [artefacts.NativeKind_Conflicts()],
        # `replaces` is about files of the other package alone; the conflict makes it go.
        KINDS.OBSOLETES: [artefacts.NativeKind_Obsoletes(), artefacts.NativeKind_Conflicts()],
    }.get(planned.kind, [])
    if not kinds:
        message = f"apk has nothing like `{element(planned.kind)}`, so that to `{first.name}` is left out"
        if planned.kind == KINDS.SUPPLEMENTS:
            message = f"apk takes all of `install_if` together, so that `{first.name}` is left out of `supplements`"
        diagnostics.warning(planned.at, message, LEAVE_OUT)
        return []
    name = native_name(first, diagnostics)
    if name is None:
        return []
    if planned.kind == KINDS.OBSOLETES:
        message = f"apk removes `{name}` for it where nobody asked for that by its name, and refuses where somebody did"
        diagnostics.note(planned.at, message)
    pairs = native_bounds(planned, first, diagnostics)
    return [] if pairs is None else [relation(kind, name, bound) for kind in kinds for bound in pairs_for(kind, pairs)]


def pairs_for(kind, pairs):
    """The bounds of a kind: of a conflict, whose bounds count each by itself, a range becomes what begins like the version."""
    is_range = len(pairs) > 1
    if is_range and isinstance(kind, artefacts.NativeKind_Provides):
        return [model.Bound(model.Comparison.EQ, pairs[0].version)]
    if is_range and isinstance(kind, (artefacts.NativeKind_Conflicts, artefacts.NativeKind_Obsoletes)):
        return [model.Bound(model.Comparison.EQ, "~" + pairs[0].version)]
    return pairs


COMPARISONS = {
    "<": model.Comparison.LT,
    "<=": model.Comparison.LE,
    "=": model.Comparison.EQ,
    ">=": model.Comparison.GE,
    ">": model.Comparison.GT,
}
OPERATORS = {comparison: text for text, comparison in COMPARISONS.items()}


def native_bounds(planned, package, diagnostics):
    """A list of bounds that hold together, `[None]` for none; nothing, and an error, where apk cannot compare the version."""
    if package.bound is None:
        return [None]
    if is_part_of_perl(package.name):
        message = f"`{package.name}` is part of Perl, which counts its versions otherwise: `{package.bound.version}` is left out"
        diagnostics.note(package.at, message)
        return [None]
    pairs = version.bounds(package.bound.comparison, package.version) if package.version else None
    if pairs is None:
        message = f"apk cannot compare the version `{package.bound.version}`"
        help = "write numbers with dots, a pre-release such as `-rc1`, and a release that is a number"
        diagnostics.error(package.at, message, help)
        return None
    if package.version.epoch:
        message = f"apk has no epochs: that of `{package.name} {package.bound.version}` is left out"
        diagnostics.note(package.at, message)
    if len(pairs) > 1 and planned.kind in (KINDS.CONFLICTS, KINDS.BREAKS, KINDS.OBSOLETES):
        message = f"apk takes `{package.name} = {package.bound.version}` for all versions that begin so"
        diagnostics.note(package.at, message)
    return [model.Bound(COMPARISONS[operator], text) for operator, text in pairs]


def native_name(package, diagnostics):
    """What the distribution calls it; nothing, and an error, where it can have no such package."""
    name = adapt_name(package.name)
    if name is None:
        message = f"`{package.name}` cannot be the name of a package of Alpine Linux"
        help = (
            "name the package that Alpine Linux has instead under `<filters><dist>alpine</dist></filters>`, and keep this "
            "one for the others with filters that name them"
        )
        diagnostics.error(package.at, message, help)
    elif name != package.name:
        diagnostics.note(package.at, f"`{package.name}` is called `{name}` on Alpine Linux")
    return name


PERL_MODULE = r"perl\(((?:[A-Za-z0-9_]+::)*[A-Za-z0-9_]+)\)"


def is_part_of_perl(written):
    module = re.fullmatch(PERL_MODULE, written, re.ASCII)
    return module is not None and rules.is_core_perl_module(module[1])


def perl_package(module):
    return "perl" if rules.is_core_perl_module(module) else "perl-" + module.replace("::", "-").lower()


# Capabilities of other formats, and what the packages of Alpine provide for them.
CAPABILITIES = [
    (r"/(?:usr/)?s?bin/([^/ ]+)", lambda found: f"cmd:{found[1]}"),
    (r"(lib[^() ]+\.so[^() ]*)\(\)(?:\(64bit\))?", lambda found: f"so:{found[1]}"),
    (PERL_MODULE, lambda found: perl_package(found[1])),
    (r"pkgconfig\(([^() ]+)\)", lambda found: f"pc:{found[1]}"),
    (r"python3(?:\.\d+)?dist\(([^() ]+)\)", lambda found: "py3-" + found[1].lower().replace("_", "-")),
]


def adapt_name(written):
    if written == "/bin/sh":
        return written
    for pattern, name in CAPABILITIES:
        if found := re.fullmatch(pattern, written, re.ASCII):
            return name(found)
    name = written.lower()
    return name if re.fullmatch(r"[a-z0-9_][a-z0-9+._-]*", name, re.ASCII) else None


def lines(relations):
    """Fields of .PKGINFO, each line once."""
    found = []
    for field, kind, before in FIELDS:
        found += [(field, before + text(it)) for it in relations if isinstance(it.kind, kind)]
    together = [text(it) for it in relations if isinstance(it.kind, artefacts.NativeKind_Supplements)]
    if together:
        found.append(("install_if", " ".join(together)))
    return list(dict.fromkeys(found))


def text(relation):
    """`a>=1.2-r3`, `a~1.2`"""
    if relation.bound is None:
        return relation.name
    if relation.bound.version.startswith("~"):
        return relation.name + relation.bound.version
    return f"{relation.name}{OPERATORS[relation.bound.comparison]}{version.native(relation.bound.version)}"


def element(kind):
    """As config.xml calls it: `preRequires`."""
    first, *rest = kind.name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)
