// Filters of OPKGs: whether what they stand at holds for a target.

// A distribution in one release on one architecture. What there is to say is collected in `diagnostics`.
export class Context {
  constructor(dist, release, arch) {
    Object.assign(this, { dist, release, arch, diagnostics: [] });
  }

  // Once: packages share what they are about.
  say(severity, at, message, help) {
    if (!this.diagnostics.some((it) => it.at === at && it.message === message)) {
      this.diagnostics.push({ severity, at, message, help });
    }
  }

  // Dists are alternatives, archs are alternatives, both have to match; nothing means any.
  matches(filter) {
    const dists = filter.dists.map((dist) => this.matchesDist(dist));
    return (
      (dists.length === 0 || dists.includes(true)) && (filter.archs.length === 0 || filter.archs.includes(this.arch))
    );
  }

  // CHANGE: a derivative also matches where a filter names what it is derived from.
  matchesDist(dist) {
    if (dist.id !== this.dist) return false;
    if (!dist.bound) return true;
    const bound = releaseNumber(dist.bound.version);
    if (!bound) {
      const message = `\`${dist.bound.version}\` is not a version of ${dist.id}, so this filter never matches`;
      this.say("warning", dist.at, message, "write the number of a release, such as `9` or `9.4`");
      return false;
    }
    return compares(dist.bound.comparison, preciseOrder(releaseNumber(this.release), bound));
  }
}

// Digits between dots, as numbers; undefined where it is none.
export function releaseNumber(text) {
  return /^[0-9]+(\.[0-9]+)*$/.test(text) ? text.split(".").map(Number) : undefined;
}

// Negative, 0 or positive, at the precision of the bound: 5.4 is equal to `5`, and less than `5.5`.
export function preciseOrder(release, bound) {
  const known = Math.min(release.length, bound.length);
  for (let index = 0; index < known; index++) {
    if (release[index] !== bound[index]) return release[index] - bound[index];
  }
  return bound.slice(known).some((part) => part > 0) ? -1 : 0;
}

function compares(comparison, order) {
  return { lt: order < 0, le: order <= 0, eq: order === 0, ge: order >= 0, gt: order > 0 }[comparison];
}
