/* From an OPKG to packages: filters, versions, manifests, scripts and files. CHANGE: the form of the manifest. */
#include "archive.h"

#include <stdlib.h>
#include <string.h>

typedef opkg_plugin_opkg_source_file_t source_file_t;
typedef opkg_plugin_artefacts_packed_file_t packed_file_t;
typedef opkg_plugin_artefacts_binary_package_t package_t;
typedef opkg_plugin_artefacts_text_file_t text_file_t;

enum { SCRIPT_TIMES = 4, PARTS = 3 };

/* In the order of the times, which is that of a manifest. */
static const char *const SCRIPT_NAMES[SCRIPT_TIMES] = {
    "pre-install", "post-install", "pre-uninstall", "post-uninstall"};
static const char *const SUFFIXES[PARTS] = {"", "-server", "-client"};
static const char *const SUMMARIES[PARTS] = {"", ", server part", ", client part"};
static const char *const OPERATORS[] = {"<", "<=", "=", ">=", ">"};
static const char *const KINDS[] = {"requires",   "pre-requires", "recommends", "suggests",  "supplements",
                                    "enhances",   "provides",     "conflicts",  "breaks",    "obsoletes"};

/* All that is known while the packages of an OPKG are made. */
struct job {
  const opkg_t *opkg;
  const target_t *target;
  struct context context;
  /* What the distribution calls the architecture, or `any`. */
  const char *arch;
  uint32_t epoch;
  text upstream, release, full_version, version_in_file_names, documentation, maintainer;
};

/* A file with the place where it is installed. */
struct installed {
  text path;
  const source_file_t *source;
};

struct attributes {
  uint32_t mode;
  text owner, group;
  bool has_config, is_ghost, has_capabilities;
  opkg_plugin_opkg_config_kind_t config;
};

/* Once: packages share what they are about. Takes the message. */
static void say(struct context *context, opkg_plugin_opkg_severity_t severity, opkg_plugin_opkg_node_t at, text message,
                text help) {
  for (size_t i = 0; i < context->diagnostics.len; i++) {
    diagnostic_t *old = &context->diagnostics.ptr[i];
    if (old->at.val == at && text_is(old->message, message)) return;
  }
  diagnostic_t said = {severity, {true, at}, message, {help.len > 0, text_copy(help)}};
  PUSH(context->diagnostics, said);
}

/* Filters */

/* The next number of a release, and what follows it; false at its end or where there is none. */
static bool next_number(text *rest, uint64_t *number) {
  size_t length = 0;
  *number = 0;
  while (length < rest->len && rest->ptr[length] >= '0' && rest->ptr[length] <= '9') {
    *number = *number * 10 + (rest->ptr[length++] - '0');
  }
  bool is_followed = length < rest->len && rest->ptr[length] == '.';
  rest->ptr += length + is_followed;
  rest->len -= length + is_followed;
  return length > 0;
}

static bool is_release(text whole) {
  uint64_t number;
  if (whole.len == 0 || whole.ptr[whole.len - 1] == '.') return false;
  while (whole.len > 0) {
    if (!next_number(&whole, &number)) return false;
  }
  return true;
}

bool release_meets(struct context *context, const opkg_plugin_opkg_dist_filter_t *dist) {
  text release = context->release, bound = dist->bound.val.version;
  if (!is_release(bound)) {
    text message = text_format("`%t` is not a version of %t, so this filter never matches", bound, dist->id);
    say(context, OPKG_PLUGIN_OPKG_SEVERITY_WARNING, dist->at, message,
        TEXT("write the number of a release, such as `9` or `9.4`"));
    return false;
  }
  int order = 0;
  while (order == 0 && bound.len > 0) {
    uint64_t limit = 0, number = 0;
    next_number(&bound, &limit);
    next_number(&release, &number); /* 0 where the release says no more */
    order = (number > limit) - (number < limit);
  }
  switch (dist->bound.val.comparison) {
    case OPKG_PLUGIN_OPKG_COMPARISON_LT: return order < 0;
    case OPKG_PLUGIN_OPKG_COMPARISON_LE: return order <= 0;
    case OPKG_PLUGIN_OPKG_COMPARISON_EQ: return order == 0;
    case OPKG_PLUGIN_OPKG_COMPARISON_GE: return order >= 0;
    default: return order > 0;
  }
}

/* Dists are alternatives, archs are alternatives, both have to match; nothing means any.
   CHANGE: a derivative also matches where a filter names what it is derived from. */
bool filter_matches(struct context *context, const filter_t *filter) {
  bool dists = filter->dists.len == 0, archs = filter->archs.len == 0;
  for (size_t i = 0; i < filter->dists.len; i++) {
    const opkg_plugin_opkg_dist_filter_t *dist = &filter->dists.ptr[i];
    if (text_is(dist->id, context->dist)) dists |= !dist->bound.is_some || release_meets(context, dist);
  }
  for (size_t i = 0; i < filter->archs.len; i++) archs |= text_is(filter->archs.ptr[i], context->arch);
  return dists && archs;
}

static bool is_for_arch(const struct job *job, const distribution_option_string_t *only) {
  return !only->is_some || text_is(only->val, job->context.arch);
}

/* Whether packages for one architecture may differ from those for another. */
static bool mentions_arch(const opkg_t *opkg) {
  bool mentions = opkg->filter.archs.len > 0;
  for (size_t i = 0; i < opkg->relations.len; i++) mentions |= opkg->relations.ptr[i].filter.archs.len > 0;
  for (size_t i = 0; i < opkg->file_rules.len; i++) mentions |= opkg->file_rules.ptr[i].filter.archs.len > 0;
  for (size_t i = 0; i < opkg->service_rules.len; i++) mentions |= opkg->service_rules.ptr[i].filter.archs.len > 0;
  for (size_t i = 0; i < opkg->alternatives.len; i++) mentions |= opkg->alternatives.ptr[i].filter.archs.len > 0;
  for (size_t i = 0; i < opkg->triggers.len; i++) mentions |= opkg->triggers.ptr[i].filter.archs.len > 0;
  for (size_t i = 0; i < opkg->directories.len; i++) mentions |= opkg->directories.ptr[i].only_arch.is_some;
  for (size_t i = 0; i < opkg->files.len; i++) {
    mentions |= opkg->files.ptr[i].only_arch.is_some || opkg->files.ptr[i].arch.is_some;
  }
  return mentions;
}

/* Versions and names */

/* CHANGE: what the package manager would not accept in a version, or would sort otherwise, is to be changed here. */
static void set_version(struct job *job) {
  const opkg_plugin_opkg_version_t *written = &job->opkg->history.ptr[0].version;
  const opkg_plugin_opkg_release_tag_t *tag = &job->target->release_tag;
  job->epoch = written->epoch;
  job->upstream = written->upstream;
  /* CHANGE: a tag `native` is the distribution's own, where its releases have one (`el9`, `deb12`). */
  job->release = tag->tag == OPKG_PLUGIN_OPKG_RELEASE_TAG_CUSTOM
                     ? text_format("%t.%t", written->release, tag->val.custom)
                     : written->release;
  job->full_version = job->epoch ? text_format("%u:%t-%t", job->epoch, job->upstream, job->release)
                                 : text_format("%t-%t", job->upstream, job->release);
  job->version_in_file_names = text_format("%t-%t", job->upstream, job->release);
  text_replace(job->version_in_file_names, '/', '_');
}

static text first_maintainer(const opkg_t *opkg) {
  for (size_t i = 0; i < opkg->authors.len; i++) {
    const opkg_plugin_opkg_author_t *author = &opkg->authors.ptr[i];
    if (author->role == OPKG_PLUGIN_OPKG_ROLE_MAINTAINER) return text_format("%t <%t>", author->name, author->email);
  }
  return TEXT(""); /* never: there always is one */
}

static text package_name(text opkg, opkg_plugin_opkg_part_t part) {
  return text_format("opkg-%t%s", opkg, SUFFIXES[part]);
}

/* CHANGE: what the distribution calls a package, and how it writes versions. */
static text related_package(struct job *job, const opkg_plugin_opkg_related_package_t *package,
                            opkg_plugin_opkg_part_t part) {
  text name = package->name.val.native;
  if (package->name.tag == OPKG_PLUGIN_OPKG_RELATED_NAME_OPKG) {
    const opkg_plugin_opkg_opkg_part_t *of = &package->name.val.opkg;
    name = package_name(of->name, of->part.is_some ? of->part.val : part);
  }
  if (text_has(name, ' ') || text_has(name, '|')) {
    text message = text_format("`%t` cannot be the name of a package of %s", name, ID);
    say(&job->context, OPKG_PLUGIN_OPKG_SEVERITY_ERROR, package->at, message,
        TEXT("name the package that is meant, in a group with filters for this distribution"));
  }
  if (!package->bound.is_some) return name;
  return text_format("%t %s %t", name, OPERATORS[package->bound.val.comparison], package->bound.val.version);
}

/* Files */

static text install_path(const struct job *job, const opkg_plugin_opkg_destination_t *destination) {
  if (destination->tag == OPKG_PLUGIN_OPKG_DESTINATION_PATH) return destination->val.path;
  if (destination->val.documentation.len == 0) return job->documentation;
  return text_format("%t/%t", job->documentation, destination->val.documentation);
}

/* What the rules of the OPKG say of a file; of several a later one counts. */
static struct attributes decide_attributes(struct job *job, distribution_list_u32_t rules, uint32_t mode,
                                           bool is_directory, bool is_link) {
  struct attributes decided = {.mode = mode, .owner = TEXT("root"), .group = TEXT("root")};
  for (size_t i = 0; i < rules.len; i++) {
    const opkg_plugin_opkg_file_rule_t *rule = &job->opkg->file_rules.ptr[rules.ptr[i]];
    if (!filter_matches(&job->context, &rule->filter)) continue;
    if (rule->owner.is_some) decided.owner = rule->owner.val;
    if (rule->group.is_some) decided.group = rule->group.val;
    if (is_link) continue;
    const distribution_option_u32_t *ruled = is_directory ? &rule->directory_mode : &rule->mode;
    if (ruled->is_some) decided.mode = ruled->val;
    if (is_directory) continue;
    if (rule->config.is_some) {
      decided.has_config = true;
      decided.config = rule->config.val;
    }
    if (rule->ghost.is_some) decided.is_ghost = rule->ghost.val;
    decided.has_capabilities |= rule->capabilities.is_some;
  }
  return decided;
}

static struct attributes file_attributes(struct job *job, const source_file_t *file) {
  return decide_attributes(job, file->rules, file->mode, false, file->link.is_some);
}

static packed_file_t packed_file(text path, opkg_plugin_artefacts_content_t content,
                                 const struct attributes *attributes, bool is_document) {
  packed_file_t file = {.path = text_copy(path), .content = content, .mode = attributes->mode};
  file.owner = text_copy(attributes->owner);
  file.group = text_copy(attributes->group);
  file.marks = is_document ? OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_DOCUMENTATION : 0;
  return file;
}

static int by_path(const void *one, const void *other) {
  return text_compare(((const packed_file_t *)one)->path, ((const packed_file_t *)other)->path);
}

static int by_install_path(const void *one, const void *other) {
  return text_compare(((const struct installed *)one)->path, ((const struct installed *)other)->path);
}

/* The directory of a path, without the slash at its end. */
static text directory_of(text path) {
  while (path.len > 0 && path.ptr[path.len - 1] != '/') path.len--;
  if (path.len > 0) path.len--;
  return path;
}

/* The first step of a path, which is taken off it. */
static text take_step(text *path) {
  text step = {path->ptr, 0};
  while (step.len < path->len && step.ptr[step.len] != '/') step.len++;
  size_t taken = step.len < path->len ? step.len + 1 : step.len;
  path->ptr += taken;
  path->len -= taken;
  return step;
}

/* Where a relative path leads from a directory: without `.` and `..`. */
static text follow(text directory, text path) {
  text end = text_copy(directory);
  while (path.len > 0) {
    text step = take_step(&path);
    if (text_is(step, TEXT(".."))) {
      end = directory_of(end);
    } else if (step.len > 0 && !text_is(step, TEXT("."))) {
      end = end.len > 0 ? text_format("%t/%t", end, step) : text_copy(step);
    }
  }
  return end;
}

/* The way from a directory to a path, both absolute. */
static text relative_path(text from, text to) {
  for (;;) {
    text front = from, back = to;
    if (from.len == 0 || !text_is(take_step(&front), take_step(&back))) break;
    from = front;
    to = back;
  }
  text way = {NULL, 0};
  while (from.len > 0) {
    take_step(&from);
    text_append(&way, way.len > 0 ? TEXT("/..") : TEXT(".."));
  }
  if (to.len > 0) text_append(&way, way.len > 0 ? text_format("/%t", to) : to);
  return way.len > 0 ? way : TEXT(".");
}

/* What a link has to hold where it is installed: files of one directory may be installed in several. */
static text installed_link(const struct job *job, const struct installed *link) {
  text written = link->source->link.val;
  if (text_begins(link->source->path, "files/")) return written; /* laid into the root as it stands */
  text target = follow(directory_of(link->source->path), written);
  for (size_t i = 0; i < job->opkg->files.len; i++) {
    const source_file_t *file = &job->opkg->files.ptr[i];
    text path = file->path, place = install_path(job, &file->destination);
    if (path.len < target.len || !text_is((text){path.ptr, target.len}, target)) continue;
    text rest = {path.ptr + target.len, path.len - target.len};
    /* It is a file, or the directory of one. */
    if (rest.len > 0 && rest.ptr[0] != '/') continue;
    if (place.len < rest.len || !text_is((text){place.ptr + place.len - rest.len, rest.len}, rest)) continue;
    place.len -= rest.len;
    return relative_path(directory_of(link->path), place);
  }
  return written;
}

static packed_file_t pack_file(struct job *job, const struct installed *file, struct attributes attributes) {
  const source_file_t *source = file->source;
  if (attributes.has_capabilities) {
    text message = text_format("`%t` cannot have capabilities in packages for %s", file->path, ID);
    say(&job->context, OPKG_PLUGIN_OPKG_SEVERITY_ERROR, source->at, message,
        TEXT("leave this distribution out with the `filters` of `files`"));
  }
  opkg_plugin_artefacts_content_t content = {.tag = OPKG_PLUGIN_ARTEFACTS_CONTENT_SOURCE, .val.source = source->at};
  if (source->link.is_some) {
    content.tag = OPKG_PLUGIN_ARTEFACTS_CONTENT_LINK;
    content.val.link = text_copy(installed_link(job, file));
  }
  bool is_document = source->destination.tag == OPKG_PLUGIN_OPKG_DESTINATION_DOCUMENTATION;
  return packed_file(file->path, content, &attributes, is_document);
}

/* The manifest */

static void add_line(text *manifest, const char *key, text value) {
  text_append(manifest, text_format("%s = %t\n", key, value));
}

static void add_optional(text *manifest, const char *key, const distribution_option_string_t *value) {
  if (value->is_some) add_line(manifest, key, value->val);
}

static void add_relations(struct job *job, opkg_plugin_opkg_part_t part, text *manifest) {
  distribution_list_string_t lines = {NULL, 0};
  if (part == OPKG_PLUGIN_OPKG_PART_SERVER) {
    PUSH(lines, text_format("requires = opkg-%t = %t\n", job->opkg->name, job->full_version));
  }
  for (size_t i = 0; i < job->opkg->relations.len; i++) {
    const opkg_plugin_opkg_relation_t *relation = &job->opkg->relations.ptr[i];
    bool counts = relation->scope.tag == OPKG_PLUGIN_OPKG_SCOPE_PART ? relation->scope.val.part == part
                                                                    : part != OPKG_PLUGIN_OPKG_PART_API;
    if (!counts || !filter_matches(&job->context, &relation->filter)) continue;
    text line = text_format("%s = ", KINDS[relation->kind]);
    for (size_t j = 0; j < relation->any_of.len; j++) {
      if (j > 0) text_append(&line, TEXT(" | "));
      text_append(&line, related_package(job, &relation->any_of.ptr[j], part));
    }
    text_append(&line, TEXT("\n"));
    bool is_new = true;
    for (size_t j = 0; j < lines.len; j++) is_new &= !text_is(lines.ptr[j], line);
    if (is_new) PUSH(lines, line);
  }
  for (size_t i = 0; i < lines.len; i++) text_append(manifest, lines.ptr[i]);
}

/* Adds to the members what scripts the archive carries, and to the manifest where each is. */
static void add_scripts(struct job *job, const struct installed *files, size_t count, text *manifest,
                        opkg_plugin_artefacts_list_text_file_t *members) {
  for (int time = 0; time < SCRIPT_TIMES; time++) {
    for (size_t i = 0; i < count; i++) {
      const opkg_plugin_opkg_option_scriptlet_t *script = &files[i].source->scriptlet;
      if (!script->is_some || script->val.time != time) continue;
      if (script->val.text.is_some) {
        text path = text_format("scripts/%s", SCRIPT_NAMES[time]);
        add_line(manifest, SCRIPT_NAMES[time], path);
        text_file_t member = {path, text_copy(script->val.text.val), true};
        PUSH(*members, member);
      } else {
        add_line(manifest, SCRIPT_NAMES[time], files[i].path);
      }
    }
  }
  for (size_t i = 0; i < count; i++) {
    const source_file_t *file = files[i].source;
    if (file->scriptlet.is_some && file->scriptlet.val.time >= SCRIPT_TIMES) {
      text message = text_format("packages for %s have no scripts such as `%t`", ID, file->path);
      say(&job->context, OPKG_PLUGIN_OPKG_SEVERITY_WARNING, file->at, message,
          TEXT("let the post-install script do it"));
    }
  }
}

static void add_configuration(struct job *job, const struct installed *files, size_t count, text *manifest) {
  for (size_t i = 0; i < count; i++) {
    struct attributes attributes = file_attributes(job, files[i].source);
    if (attributes.is_ghost) {
      add_line(manifest, "ghost", files[i].path);
    } else if (attributes.has_config ? attributes.config == OPKG_PLUGIN_OPKG_CONFIG_KIND_KEEP
                              : files[i].source->configuration) {
      add_line(manifest, "configuration", files[i].path);
    } else if (attributes.has_config && attributes.config == OPKG_PLUGIN_OPKG_CONFIG_KIND_REPLACE) {
      add_line(manifest, "configuration-replaced", files[i].path);
    }
  }
}

/* Packages */

static text joined_description(const opkg_t *opkg) {
  text joined = {NULL, 0};
  for (size_t i = 0; i < opkg->description.len; i++) {
    if (i > 0) text_append(&joined, TEXT("\n\n"));
    text_append(&joined, opkg->description.ptr[i]);
  }
  return joined;
}

static package_t make_package(struct job *job, opkg_plugin_opkg_part_t part) {
  const opkg_t *opkg = job->opkg;
  struct { struct installed *ptr; size_t len; } files = {NULL, 0};
  for (size_t i = 0; i < opkg->files.len; i++) {
    const source_file_t *source = &opkg->files.ptr[i];
    if (source->part != part || !is_for_arch(job, &source->only_arch)) continue;
    struct installed file = {install_path(job, &source->destination), source};
    PUSH(files, file);
  }
  if (files.len) qsort(files.ptr, files.len, sizeof *files.ptr, by_install_path);

  text name = package_name(opkg->name, part);
  text summary = text_format("%t%s", opkg->summary, SUMMARIES[part]);
  text manifest = {NULL, 0};
  add_line(&manifest, "name", name);
  add_line(&manifest, "version", job->full_version);
  add_line(&manifest, "arch", text_of(job->arch));
  add_line(&manifest, "summary", summary);
  add_line(&manifest, "license", opkg->license);
  add_line(&manifest, "maintainer", job->maintainer);
  add_optional(&manifest, "url", &opkg->uri);
  add_optional(&manifest, "vendor", &job->target->vendor);
  add_optional(&manifest, "distribution", &job->target->distribution);
  /* Scripts find it in $OSCAR_PACKAGE_HOME, which whoever runs them has to set. */
  add_line(&manifest, "home", opkg->home);
  add_relations(job, part, &manifest);
  add_configuration(job, files.ptr, files.len, &manifest);

  /* An archive has no place for relations and scripts but its members. */
  package_t package = {.name = name, .epoch = job->epoch, .summary = summary};
  PUSH(package.members, ((text_file_t){text_copy(TEXT("manifest")), manifest, false}));
  add_scripts(job, files.ptr, files.len, &manifest, &package.members);
  package.members.ptr[0].contents = manifest;
  for (size_t i = 0; i < opkg->directories.len; i++) {
    const opkg_plugin_opkg_directory_t *directory = &opkg->directories.ptr[i];
    if (directory->part != part || !is_for_arch(job, &directory->only_arch)) continue;
    struct attributes attributes = decide_attributes(job, directory->rules, 0755, true, false);
    opkg_plugin_artefacts_content_t content = {.tag = OPKG_PLUGIN_ARTEFACTS_CONTENT_DIRECTORY};
    PUSH(package.files, packed_file(install_path(job, &directory->destination), content, &attributes, false));
  }
  for (size_t i = 0; i < files.len; i++) {
    struct attributes attributes = file_attributes(job, files.ptr[i].source);
    /* What is a ghost is known to the manifest alone. */
    if (!attributes.is_ghost) PUSH(package.files, pack_file(job, &files.ptr[i], attributes));
  }
  if (package.files.len) qsort(package.files.ptr, package.files.len, sizeof *package.files.ptr, by_path);

  package.version = text_copy(job->upstream);
  package.release = text_copy(job->release);
  package.arch = text_copy(text_of(job->arch));
  package.description = joined_description(opkg);
  package.license = text_copy(opkg->license);
  package.url = (distribution_option_string_t){opkg->uri.is_some, {NULL, 0}};
  if (opkg->uri.is_some) package.url.val = text_copy(opkg->uri.val);
  package.maintainer = text_copy(job->maintainer);
  package.file_name = text_format("%t-%t.%s.tar.gz", name, job->version_in_file_names, job->arch);
  return package;
}

/* What an OPKG may want and an archive cannot give: said, not lost. CHANGE: do what the distribution can. */
static void report_unsupported(struct job *job) {
  const opkg_t *opkg = job->opkg;
  text help = text_format("leave %s out with `filters`, or do it in a post-install script", ID);
  opkg_plugin_opkg_severity_t warning = OPKG_PLUGIN_OPKG_SEVERITY_WARNING;
  for (size_t i = 0; i < opkg->files.len; i++) {
    const source_file_t *file = &opkg->files.ptr[i];
    if (!file->unit.is_some) continue;
    text message = text_format("packages for %s do nothing about the unit `%t`", ID, file->path);
    say(&job->context, warning, file->at, message, help);
  }
  for (size_t i = 0; i < opkg->files.len; i++) {
    const source_file_t *file = &opkg->files.ptr[i];
    if (file->accounts.len == 0) continue;
    text message = text_format("packages for %s do not make the users and groups of `%t`", ID, file->path);
    say(&job->context, warning, file->at, message, help);
  }
  for (size_t i = 0; i < opkg->alternatives.len; i++) {
    const opkg_plugin_opkg_alternative_link_t *link = &opkg->alternatives.ptr[i].main;
    text message = text_format("packages for %s have no alternatives: nothing leads to `%t`", ID, link->path);
    say(&job->context, warning, link->at, message, help);
  }
  for (size_t i = 0; i < opkg->triggers.len; i++) {
    const opkg_plugin_opkg_trigger_t *trigger = &opkg->triggers.ptr[i];
    text message = text_format("packages for %s have no triggers: nobody looks at `%t`", ID, trigger->path);
    say(&job->context, warning, trigger->at, message, help);
  }
}

static bool has_errors(const diagnostics_t *diagnostics) {
  for (size_t i = 0; i < diagnostics->len; i++) {
    if (diagnostics->ptr[i].severity == OPKG_PLUGIN_OPKG_SEVERITY_ERROR) return true;
  }
  return false;
}

/* A refusal of a target that there is not; false, for the caller to return. */
static bool refuse_target(refusal_t *refusal, text why) {
  refusal->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNKNOWN_TARGET;
  refusal->val.unknown_target = why;
  return false;
}

bool archive_generate(const opkg_t *opkg, const target_t *target, output_t *output, refusal_t *refusal) {
  text release = target->version.is_some ? target->version.val : text_of(DEFAULT_RELEASE);
  text arch = target->arch.is_some ? target->arch.val : target->machine;
  text releases = {NULL, 0}, archs = {NULL, 0};
  bool is_known = false;
  for (size_t i = 0; i < RELEASE_COUNT; i++) {
    is_known |= text_is(release, text_of(RELEASES[i]));
    text_append(&releases, text_format("%s%s", i ? ", " : "", RELEASES[i]));
  }
  if (!is_known) {
    return refuse_target(refusal, text_format("`%t` is no release of %s: there is %t", release, ID, releases));
  }
  const char *native = NULL;
  for (size_t i = 0; i < ARCH_COUNT; i++) {
    if (text_is(arch, text_of(ARCHS[i].canonical))) native = ARCHS[i].native;
    text_append(&archs, text_format("%s%s", i ? ", " : "", ARCHS[i].canonical));
  }
  if (!native) {
    return refuse_target(refusal, text_format("%s has no packages for `%t`, only for %t", ID, arch, archs));
  }

  struct job job = {.opkg = opkg, .target = target, .arch = mentions_arch(opkg) ? native : "any"};
  job.context = (struct context){text_of(ID), release, arch, {NULL, 0}};
  if (!filter_matches(&job.context, &opkg->filter)) {
    text message = text_format("opkg-%t is not available for %s: its filters name others", opkg->name, ID);
    refusal->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNAVAILABLE;
    refusal->val.unavailable = (diagnostic_t){OPKG_PLUGIN_OPKG_SEVERITY_NOTE, {true, opkg->at}, message, {false, {NULL, 0}}};
    return false;
  }
  set_version(&job);
  job.maintainer = first_maintainer(opkg);
  /* CHANGE: where documents of packages go. */
  job.documentation = text_format("/usr/share/doc/opkg-%t", opkg->name);
  *output = (output_t){.container.tag = OPKG_PLUGIN_ARTEFACTS_CONTAINER_ARCHIVE,
                       .container.val.archive = OPKG_PLUGIN_ARTEFACTS_COMPRESSION_GZIP};
  for (int part = 0; part < PARTS; part++) PUSH(output->packages, make_package(&job, (opkg_plugin_opkg_part_t)part));
  report_unsupported(&job);
  if (has_errors(&job.context.diagnostics)) {
    refusal->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_FAILED;
    refusal->val.failed = job.context.diagnostics;
    return false;
  }

  /* What `--source` writes: text that people read, and the OPKG's files as they are. */
  for (size_t i = 0; i < output->packages.len; i++) {
    const package_t *package = &output->packages.ptr[i];
    text path = text_format("opkg-%t/%t.manifest", opkg->name, package->name);
    text_file_t file = {path, text_copy(package->members.ptr[0].contents), false};
    PUSH(output->meta_files, file);
  }
  text tree = text_format("opkg-%t-%t", opkg->name, job.version_in_file_names);
  output->source.tag = OPKG_PLUGIN_ARTEFACTS_SOURCE_PACKAGE_TARBALL;
  output->source.val.tarball.path = text_format("opkg-%t/%t.tar.gz", opkg->name, tree);
  output->source.val.tarball.prefix = tree;
  /* CHANGE: `native_build` has the commands by which the distribution's own tools make the packages. */
  output->diagnostics = (opkg_plugin_artefacts_list_diagnostic_t){job.context.diagnostics.ptr, job.context.diagnostics.len};
  return true;
}
