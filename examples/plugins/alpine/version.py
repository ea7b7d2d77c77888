"""Versions of apk: `digits{.digits}…{letter}{_suffix{digits}}…{-r digits}`, see apk-package(5)."""

import functools
import re
from dataclasses import dataclass

from wit_world.imports import model, rules

# Suffixes in their order: those before the second line are of something before the version without them.
BEFORE = ["alpha", "beta", "pre", "rc"]
AFTER = ["cvs", "svn", "git", "hg", "p"]
# What upstream calls pre-releases, and what that is for apk.
PRERELEASES = {"a": "alpha", "b": "beta", "preview": "pre", "dev": "pre"} | {name: name for name in BEFORE}
PATCHES = {"patch": "p", "pl": "p", "post": "p"} | {name: name for name in AFTER}
VALID = re.compile(
    r"(\d+)((?:\.\d+)*)([a-z]?)((?:_(?:%s)\d*)*)(?:-r(\d+))?" % "|".join(BEFORE + AFTER), re.ASCII
)


@dataclass
class Version:
    """`upstream` is one that apk takes; there is no epoch."""

    upstream: str
    release: str

    def __str__(self):
        return f"{self.upstream}-r{self.release}"


def adapt(upstream):
    """The upstream part as apk orders it, or nothing."""
    head, *prereleases = rules.order_prereleases(upstream).split("~")
    number = re.match(r"\d+(?:\.\d+)*(?:[a-z](?![A-Za-z0-9]))?", head, re.ASCII)
    if number is None:
        return None
    adapted = number.group()
    for word, digits in split_words(head[number.end() :]):
        suffix = PATCHES.get(word) if word else "p"
        if suffix is None:
            return None
        adapted += f"_{suffix}{digits}"
    for prerelease in prereleases:
        for position, (word, digits) in enumerate(split_words(prerelease)):
            suffix = (PRERELEASES if position == 0 else PATCHES).get(word) if word else "p"
            if suffix is None:
                return None
            adapted += f"_{suffix}{digits}"
    return adapted if VALID.fullmatch(adapted) else None


def split_words(text):
    """Words with the digits behind them, whatever separates them: either may be empty."""
    found = re.findall(r"([A-Za-z]+)[._-]?(\d*)|(\d+)", text, re.ASCII)
    return [(word.lower(), digits or number) for word, digits, number in found]


def of_opkg(opkg, diagnostics):
    """The version being built. What apk does not take is an error; what it has no place for is said."""
    written = opkg.history[0].version
    text = f"{written.upstream}-{written.release}"
    upstream, release = adapt(written.upstream), written.release
    if upstream is not None and not re.fullmatch(r"\d+", release, re.ASCII):
        # A release that is no number goes to the upstream part.
        upstream, release = adapt(f"{upstream}_p{release}"), "0"
    if upstream is None:
        message = f"apk takes no version `{text}`"
        help = (
            "write numbers with dots, a pre-release such as `-rc1`, and a release that is a number, or leave this "
            "distribution out with `filters`"
        )
        diagnostics.error(opkg.at, message, help)
        return Version("0", "0")
    version = Version(upstream, release)
    if upstream != written.upstream:
        diagnostics.note(opkg.at, f"version `{text}` is written `{version}` on Alpine Linux")
    if written.epoch:
        message = f"apk has no epochs: `{written.epoch}:{text}` is `{version}`, and sorts by that alone"
        help = "raise the upstream part, where one that was there before sorts later"
        diagnostics.warning(opkg.at, message, help)
    return version


# What sorts behind all releases of a version, and before every further version.
BEHIND = "_cvs"


def bounds(comparison, parts):
    """Pairs of an operator and a version that hold together where a bound does; nothing where apk cannot compare the version.
    A bound without a release is about all releases of the version."""
    kinds = model.Comparison
    operators = {kinds.LT: "<", kinds.LE: "<=", kinds.EQ: "=", kinds.GE: ">=", kinds.GT: ">"}
    upstream = adapt(parts.upstream)
    if upstream is None:
        return None
    if parts.release is not None:
        release = re.fullmatch(r"r?(\d+)", parts.release, re.ASCII)
        return [(operators[comparison], f"{upstream}-r{release.group(1)}")] if release else None
    behind = upstream + BEHIND
    return {
        kinds.LT: [("<", upstream)],
        kinds.LE: [("<", behind)],
        kinds.EQ: [(">=", upstream), ("<", behind)],
        kinds.GE: [(">=", upstream)],
        kinds.GT: [(">=", behind)],
    }[comparison]


def compare(one, other):
    """Which of two valid versions is the newer one: negative, zero or positive. One that is not valid is older than all."""
    one, other = key(one), key(other)
    return (one > other) - (one < other)


def key(version):
    """What sorts as versions do. Further numbers and a letter come behind the end of a version, suffixes of pre-releases before
    it."""
    match = VALID.fullmatch(version)
    if match is None:
        return ()
    first, more, letter, suffixes, release = match.groups()
    parts = [(4, int(first))]
    # With a zero in front, a number is compared as a text.
    parts += [(4, 0, it) if it.startswith("0") else (4, 1, int(it)) for it in more.split(".")[1:]]
    if letter:
        parts.append((3, letter))
    for name, digits in re.findall(r"_([a-z]+)(\d*)", suffixes):
        kind, order = (0, BEFORE) if name in BEFORE else (2, AFTER)
        parts.append((kind, order.index(name), int(digits) if digits else -1))
    # The end comes behind pre-releases, and before the first release.
    parts.append((0, len(BEFORE)) if release is None else (1, int(release)))
    return tuple(parts)


newest_first = functools.partial(sorted, key=functools.cmp_to_key(lambda one, other: -compare(one, other)))
