/* Relations, as opkg has them. It compares versions as dpkg does: `~` sorts before everything, also before the end. */
#include "openwrt.h"

typedef opkg_plugin_artefacts_native_package_t native_package_t;
typedef opkg_plugin_rules_planned_package_t planned_package_t;
typedef opkg_plugin_rules_planned_relation_t planned_relation_t;
typedef opkg_plugin_model_bound_t bound_t;
/* On one package; of what is asked for, all hold together. */
typedef opkg_plugin_rules_list_bound_t bounds_t;

/* By the numbers of `comparison`. opkg reads `<` as `<=`. */
static const char *const OPERATORS[] = {"<<", "<=", "=", ">=", ">>"};
static const char *const WRITTEN[] = {"<", "<=", "=", ">=", ">"};

static const char FILTER_HELP[] =
    "name the package that is meant in a group with a filter for `openwrt`, or leave OpenWrt out with a filter";

static bool is_package_name(text name) {
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.ptr[i];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_letter && c != '-' && c != '_' && c != '.' && c != '+') return false;
  }
  return name.len > 0;
}

/* Whether opkg is asked for what must be there, of which there may be alternatives. */
static bool asks_for_packages(uint8_t kind) {
  return kind == OPKG_PLUGIN_MODEL_RELATION_KIND_REQUIRES || kind == OPKG_PLUGIN_MODEL_RELATION_KIND_PRE_REQUIRES ||
         kind == OPKG_PLUGIN_MODEL_RELATION_KIND_RECOMMENDS || kind == OPKG_PLUGIN_MODEL_RELATION_KIND_SUGGESTS;
}

static bound_t bound_of(opkg_plugin_model_comparison_t comparison, text version) {
  return (bound_t){comparison, version};
}

/* Behind all releases of an upstream version: a letter sorts after the end, and before all signs but `~`. */
static text above_releases(const struct version *version) {
  uint8_t last = version->upstream.ptr[version->upstream.len - 1];
  struct version above = *version;
  above.upstream = text_format("%t%sA~", version->upstream, last >= '0' && last <= '9' ? "" : "0");
  return version_text(&above);
}

/* A bound on all releases of a version. Of a conflict each bound counts by itself, so that it is with no range. */
static bounds_t bounds_on_releases(struct job *job, uint8_t kind, const planned_package_t *package, const struct version *version) {
  opkg_plugin_model_comparison_t comparison = package->bound.val.comparison;
  text exact = version_text(version), after = above_releases(version);
  bounds_t bounds = {NULL, 0};
  if (comparison == OPKG_PLUGIN_MODEL_COMPARISON_EQ && asks_for_packages(kind)) {
    PUSH(bounds, bound_of(OPKG_PLUGIN_MODEL_COMPARISON_GE, exact));
    PUSH(bounds, bound_of(OPKG_PLUGIN_MODEL_COMPARISON_LT, after));
    return bounds;
  }
  switch (comparison) {
    case OPKG_PLUGIN_MODEL_COMPARISON_LE: PUSH(bounds, bound_of(OPKG_PLUGIN_MODEL_COMPARISON_LT, after)); break;
    case OPKG_PLUGIN_MODEL_COMPARISON_GT: PUSH(bounds, bound_of(OPKG_PLUGIN_MODEL_COMPARISON_GE, after)); break;
    default: PUSH(bounds, bound_of(comparison, exact));
  }
  if (comparison == OPKG_PLUGIN_MODEL_COMPARISON_EQ) {
    text message = text_format("on OpenWrt a conflict with `= %t` is none with %t-1: it means just that", exact, exact);
    say(job, OPKG_PLUGIN_MODEL_SEVERITY_NOTE, package->at, message, (text){NULL, 0});
  }
  return bounds;
}

/* What a bound of an OPKG becomes. One with a release of another OPKG is about that release, whatever its tag. */
static bounds_t translate_bound(struct job *job, uint8_t kind, const planned_package_t *package) {
  const opkg_plugin_rules_version_parts_t *parts = &package->version.val;
  text written = package->bound.val.version, ordered = {NULL, 0};
  bounds_t bounds = {NULL, 0};
  if (package->version.is_some) opkg_plugin_rules_order_prereleases((text *)&parts->upstream, &ordered);
  if (!ordered.len || text_has(ordered, ' ') || text_has(ordered, ')')) {
    text message = text_format("`%t` cannot be a version of a package of OpenWrt", written);
    say(job, OPKG_PLUGIN_MODEL_SEVERITY_ERROR, package->at, message,
        TEXT("write `[epoch:]upstream[-release]`, such as `1.2` or `1:1.2-3`"));
    PUSH(bounds, package->bound.val);
    return bounds;
  }
  struct version version = {parts->epoch.is_some ? parts->epoch.val : 0, ordered,
                            parts->release.is_some ? parts->release.val : (text){NULL, 0}};
  if (!version.release.len) return bounds_on_releases(job, kind, package, &version);
  bound_t exact = bound_of(package->bound.val.comparison, version_text(&version));
  if (package->is_opkg && job->release_tag.len > 0) {
    opkg_plugin_rules_tag_syntax_t syntax = {TEXT(TAG_SEPARATOR), TEXT(TAG_SEPARATOR "+")};
    opkg_plugin_rules_widen_bound(kind, &exact, &job->release_tag, &syntax, &bounds);
  } else {
    PUSH(bounds, exact);
  }
  return bounds;
}

static native_package_t native_package(text name, const bound_t *bound) {
  native_package_t package = {.name = text_copy(name)};
  if (bound) {
    package.bound.is_some = true;
    package.bound.val = bound_of(bound->comparison, text_copy(bound->version));
  }
  return package;
}

static relation_t new_relation(uint8_t kind, text name, const bound_t *bound) {
  native_package_t package = native_package(name, bound);
  relation_t relation = {.kind.tag = kind, .name = package.name, .bound = package.bound};
  relation.kind.val.pre_requires = OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_INSTALL;
  return relation;
}

/* `Provides` and `Replaces` have names alone. */
static void say_bound_is_lost(struct job *job, const planned_package_t *package, const char *field) {
  if (!package->bound.is_some) return;
  text message = text_format("`%s` of opkg has no versions: `%s %t` of `%t` is left out", field,
                             WRITTEN[package->bound.val.comparison], package->bound.val.version, package->name);
  say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, package->at, message, TEXT("write no version for OpenWrt"));
}

static void check_name(struct job *job, const planned_package_t *package) {
  if (is_package_name(package->name)) return;
  text message = text_format("`%t` cannot be the name of a package of OpenWrt", package->name);
  say(job, OPKG_PLUGIN_MODEL_SEVERITY_ERROR, package->at, message, text_of(FILTER_HELP));
}

/* Of packages each of which is enough, one relation. A range of versions is two bounds, between which there is no `or`: then one
   relation for each choice of one bound of each range, all of which hold together. */
static void add_request(struct job *job, const planned_relation_t *planned, uint8_t kind, package_t *package) {
  size_t ranges = 0;
  for (size_t choice = 0; choice < (size_t)1 << ranges; choice++) {
    relation_t relation = {.kind.tag = kind};
    size_t seen = 0;
    for (size_t i = 0; i < planned->any_of.len; i++) {
      const planned_package_t *one = &planned->any_of.ptr[i];
      const bound_t *bound = NULL;
      check_name(job, one);
      if (one->bound.is_some) {
        bounds_t bounds = translate_bound(job, planned->kind, one);
        bool is_range = bounds.len == 2;
        bound = &bounds.ptr[is_range && (choice >> seen & 1)];
        seen += is_range;
      }
      if (i == 0) {
        relation = new_relation(kind, one->name, bound);
      } else {
        native_package_t other = native_package(one->name, bound);
        PUSH(relation.alternatives, other);
      }
    }
    ranges = seen;
    PUSH(package->relations, relation);
  }
}

/* A conflict has one package, and each of its bounds counts. */
static void add_conflict(struct job *job, const planned_package_t *one, uint8_t planned_kind, package_t *package) {
  check_name(job, one);
  if (!one->bound.is_some) {
    PUSH(package->relations, new_relation(OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_CONFLICTS, one->name, NULL));
    return;
  }
  bounds_t bounds = translate_bound(job, planned_kind, one);
  for (size_t i = 0; i < bounds.len; i++) {
    PUSH(package->relations, new_relation(OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_CONFLICTS, one->name, &bounds.ptr[i]));
  }
}

static void add_relation(struct job *job, const planned_relation_t *planned, package_t *package) {
  const planned_package_t *first = &planned->any_of.ptr[0];
  switch (planned->kind) {
    case OPKG_PLUGIN_MODEL_RELATION_KIND_REQUIRES:
      return add_request(job, planned, OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_REQUIRES, package);
    case OPKG_PLUGIN_MODEL_RELATION_KIND_PRE_REQUIRES:
      return add_request(job, planned, OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_PRE_REQUIRES, package);
    case OPKG_PLUGIN_MODEL_RELATION_KIND_RECOMMENDS:
      return add_request(job, planned, OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_RECOMMENDS, package);
    case OPKG_PLUGIN_MODEL_RELATION_KIND_SUGGESTS:
      return add_request(job, planned, OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_SUGGESTS, package);
    case OPKG_PLUGIN_MODEL_RELATION_KIND_PROVIDES:
      check_name(job, first);
      say_bound_is_lost(job, first, "Provides");
      PUSH(package->relations, new_relation(OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_PROVIDES, first->name, NULL));
      return;
    case OPKG_PLUGIN_MODEL_RELATION_KIND_CONFLICTS:
    case OPKG_PLUGIN_MODEL_RELATION_KIND_BREAKS: return add_conflict(job, first, planned->kind, package);
    case OPKG_PLUGIN_MODEL_RELATION_KIND_OBSOLETES:
      /* Both together let opkg take the new package for the old one. */
      add_conflict(job, first, planned->kind, package);
      say_bound_is_lost(job, first, "Replaces");
      PUSH(package->relations, new_relation(OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_OBSOLETES, first->name, NULL));
      return;
    default: {
      text message = text_format("opkg has nothing that installs or mentions a package beside `%t`: the relation is left out",
                                 first->name);
      say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, planned->at, message,
          TEXT("let the other package recommend this one where it is yours"));
    }
  }
}

void add_relations(struct job *job, const part_plan_t *plan, package_t *package) {
  if (plan->same_version.is_some) {
    bound_t own = bound_of(OPKG_PLUGIN_MODEL_COMPARISON_EQ, version_text(&job->version));
    PUSH(package->relations, new_relation(OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_REQUIRES, plan->same_version.val, &own));
  }
  for (size_t i = 0; i < plan->relations.len; i++) {
    if (plan->relations.ptr[i].by_default) add_relation(job, &plan->relations.ptr[i], package);
  }
}

static text package_text(text name, const opkg_plugin_artefacts_option_bound_t *bound) {
  if (!bound->is_some) return name;
  return text_format("%t (%s %t)", name, OPERATORS[bound->val.comparison], bound->val.version);
}

text relation_text(const relation_t *relation) {
  text all = text_copy(package_text(relation->name, &relation->bound));
  for (size_t i = 0; i < relation->alternatives.len; i++) {
    const native_package_t *other = &relation->alternatives.ptr[i];
    text_append(&all, text_format(" | %t", package_text(other->name, &other->bound)));
  }
  return all;
}
