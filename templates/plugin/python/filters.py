"""Filters of OPKGs: whether what they stand at holds for a target."""

from wit_world.imports import opkg as wit


class Context:
    """A distribution in one release on one architecture. What there is to say is collected in `diagnostics`."""

    def __init__(self, dist, release, arch):
        self.dist = dist
        self.release = release
        self.arch = arch
        self.diagnostics = []

    def say(self, diagnostic):
        """Once: packages share what they are about."""
        if diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)

    def matches(self, filter):
        """Dists are alternatives, archs are alternatives, both have to match; nothing means any."""
        dists = not filter.dists or any([self.matches_dist(dist) for dist in filter.dists])
        return dists and (not filter.archs or self.arch in filter.archs)

    # CHANGE: a derivative also matches where a filter names what it is derived from.
    def matches_dist(self, dist):
        if dist.id != self.dist:
            return False
        if dist.bound is None:
            return True
        bound = release_number(dist.bound.version)
        if bound is None:
            message = f"`{dist.bound.version}` is not a version of {dist.id}, so this filter never matches"
            help = "write the number of a release, such as `9` or `9.4`"
            self.say(wit.Diagnostic(wit.Severity.WARNING, dist.at, message, help))
            return False
        return compares(dist.bound.comparison, precise_order(release_number(self.release), bound))


def release_number(text):
    """Digits between dots, as numbers; None where it is none."""
    parts = text.split(".")
    return [int(part) for part in parts] if all(part.isascii() and part.isdigit() for part in parts) else None


def precise_order(release, bound):
    """-1, 0 or 1, at the precision of the bound: 5.4 is equal to `5`, and less than `5.5`."""
    known = min(len(release), len(bound))
    front, limit = release[:known], bound[:known]
    if front != limit:
        return -1 if front < limit else 1
    return -1 if any(bound[known:]) else 0


def compares(comparison, order):
    return {
        wit.Comparison.LT: order < 0,
        wit.Comparison.LE: order <= 0,
        wit.Comparison.EQ: order == 0,
        wit.Comparison.GE: order >= 0,
        wit.Comparison.GT: order > 0,
    }[comparison]
