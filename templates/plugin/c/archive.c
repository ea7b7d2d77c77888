/* From what the host decides of an OPKG to packages. */
#include "archive.h"

typedef opkg_plugin_rules_part_plan_t part_plan_t;
typedef opkg_plugin_artefacts_native_relation_t relation_t;
typedef opkg_plugin_artefacts_native_package_t native_package_t;

/* Of `relation-kind`, by its numbers, the kinds of relations of packages. */
static const uint8_t KINDS[] = {
    OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_REQUIRES,    OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_PRE_REQUIRES,
    OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_RECOMMENDS,  OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_SUGGESTS,
    OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_SUPPLEMENTS, OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_ENHANCES,
    OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_PROVIDES,    OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_CONFLICTS,
    OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_BREAKS,      OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_OBSOLETES,
};
/* All that is known while the packages of an OPKG are made. */
struct job {
  const opkg_t *opkg;
  const target_t *target;
  /* What the distribution calls the architecture. */
  const char *arch;
  text release, full_version, version_in_file_names, maintainer;
  diagnostics_t diagnostics;
};

/* Once: packages share what they are about. Takes the message. */
static void say(struct job *job, opkg_plugin_model_severity_t severity, opkg_plugin_model_node_t at, text message,
                text help) {
  for (size_t i = 0; i < job->diagnostics.len; i++) {
    diagnostic_t *old = &job->diagnostics.ptr[i];
    if (old->at.val == at && text_is(old->message, message)) return;
  }
  diagnostic_t said = {severity, {true, at}, message, {help.len > 0, text_copy(help)}};
  PUSH(job->diagnostics, said);
}

/* Packages */

/* CHANGE: what the package manager would not accept in a version, or would sort otherwise, is to be changed here;
   opkg_plugin_rules_order_prereleases helps. */
static void set_version(struct job *job) {
  const opkg_plugin_model_version_t *written = &job->opkg->history.ptr[0].version;
  const opkg_plugin_model_release_tag_t *tag = &job->target->release_tag;
  /* CHANGE: a tag `native` is the distribution's own, where its releases have one (`el9`, `deb12`). */
  job->release = tag->tag == OPKG_PLUGIN_MODEL_RELEASE_TAG_CUSTOM
                     ? text_format("%t.%t", written->release, tag->val.custom)
                     : written->release;
  job->full_version = full_version(written->epoch, written->upstream, job->release);
  job->version_in_file_names = text_format("%t-%t", written->upstream, job->release);
  text_replace(job->version_in_file_names, '/', '_');
}

static text first_maintainer(const opkg_t *opkg) {
  for (size_t i = 0; i < opkg->authors.len; i++) {
    const opkg_plugin_model_author_t *author = &opkg->authors.ptr[i];
    if (author->role == OPKG_PLUGIN_MODEL_ROLE_MAINTAINER) return text_format("%t <%t>", author->name, author->email);
  }
  return TEXT(""); /* never: there always is one */
}

static text joined_description(const opkg_t *opkg) {
  text joined = {NULL, 0};
  for (size_t i = 0; i < opkg->description.len; i++) {
    if (i > 0) text_append(&joined, TEXT("\n\n"));
    text_append(&joined, opkg->description.ptr[i]);
  }
  return joined;
}

/* One tar, compressed: what stands in the slot, then the files under their paths. CHANGE: as many archives as the package
   manager wants, each of which may be an entry of a later one; `parent_modes` has the modes of directories that the distribution
   has, where they are not 0755. */
static opkg_plugin_artefacts_container_t container(void) {
  opkg_plugin_artefacts_archive_t tar = {
      .name = text_copy(TEXT("package")),
      .format = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_FORMAT_TAR,
      .compression = OPKG_PLUGIN_ARTEFACTS_COMPRESSION_GZIP,
      .end_marker = true,
  };
  opkg_plugin_artefacts_archive_entry_t slot = {.tag = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_ENTRY_SLOT};
  slot.val.slot = text_copy(text_of(MANIFEST_SLOT));
  PUSH(tar.entries, slot);
  opkg_plugin_artefacts_archive_entry_t files = {.tag = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_ENTRY_FILES};
  files.val.files = (opkg_plugin_artefacts_file_layout_t){.select.tag = OPKG_PLUGIN_ARTEFACTS_FILE_SELECTION_REST,
                                                          .directories = OPKG_PLUGIN_ARTEFACTS_DIRECTORY_ENTRIES_PARENTS};
  PUSH(tar.entries, files);
  opkg_plugin_artefacts_container_t made = {.tag = OPKG_PLUGIN_ARTEFACTS_CONTAINER_ARCHIVES};
  made.val.archives = (opkg_plugin_artefacts_archive_container_t){
      /* What the manifest has. The host takes anything else in a package for a mistake. */
      .metadata = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_RELATIONS | OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_SCRIPTLETS |
                  OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_CONFIGURATION | OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_GHOSTS |
                  OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_FIELDS,
      /* CHANGE: `signature` says where signatures stand that the package manager reads. */
  };
  PUSH(made.val.archives.archives, tar);
  return made;
}

/* CHANGE: what the distribution calls a package, and how it writes versions. */
static native_package_t native_package(struct job *job, const opkg_plugin_rules_planned_package_t *package) {
  if (text_has(package->name, ' ') || text_has(package->name, '|')) {
    text message = text_format("`%t` cannot be the name of a package of %s", package->name, ID);
    say(job, OPKG_PLUGIN_MODEL_SEVERITY_ERROR, package->at, message,
        TEXT("name the package that is meant, in a group with filters for this distribution"));
  }
  return (native_package_t){package->name, {package->bound.is_some, package->bound.val}};
}

static void add_relations(struct job *job, const part_plan_t *plan, package_t *package) {
  if (plan->same_version.is_some) {
    relation_t same = {.kind.tag = OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_REQUIRES, .name = plan->same_version.val};
    same.bound.is_some = true;
    same.bound.val = (opkg_plugin_model_bound_t){OPKG_PLUGIN_MODEL_COMPARISON_EQ, text_copy(job->full_version)};
    PUSH(package->relations, same);
  }
  for (size_t i = 0; i < plan->relations.len; i++) {
    const opkg_plugin_rules_planned_relation_t *planned = &plan->relations.ptr[i];
    relation_t relation = {.kind.tag = KINDS[planned->kind]};
    relation.kind.val.pre_requires = OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_INSTALL;
    for (size_t j = 0; j < planned->any_of.len; j++) {
      native_package_t one = native_package(job, &planned->any_of.ptr[j]);
      if (j == 0) {
        relation.name = one.name;
        relation.bound = one.bound;
      } else {
        PUSH(relation.alternatives, one);
      }
    }
    PUSH(package->relations, relation);
  }
}

/* What the package manager runs: each for `/bin/sh`. */
static void add_scripts(struct job *job, const part_plan_t *plan, package_t *package) {
  for (size_t i = 0; i < plan->scripts.len; i++) {
    const opkg_plugin_rules_planned_script_t *planned = &plan->scripts.ptr[i];
    if (script_name(planned->time)) {
      opkg_plugin_artefacts_scriptlet_t script = {.time = planned->time, .body = planned->body};
      PUSH(script.interpreter, text_copy(TEXT("/bin/sh")));
      PUSH(package->scriptlets, script);
    } else {
      const opkg_plugin_model_source_file_t *file = &job->opkg->files.ptr[planned->source];
      text message = text_format("packages for %s have no scripts such as `%t`", ID, file->path);
      say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, file->at, message, TEXT("let the post-install script do it"));
    }
  }
}

static void add_field(package_t *package, const char *name, text value) {
  opkg_plugin_artefacts_field_t field = {text_copy(text_of(name)), text_copy(value)};
  PUSH(package->fields, field);
}

/* Directories, files and links, and what the manifest says of files in words of its own, since only RPMs have a mark for it: of
   configuration which takes the place of what somebody has changed. */
static void add_files(struct job *job, const part_plan_t *plan, package_t *package) {
  /* Marks that an archive has; the others are of RPMs alone. */
  const uint8_t kept = OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_DOCUMENTATION | OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_CONFIGURATION |
                       OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_GHOST;
  for (size_t i = 0; i < plan->files.len; i++) {
    opkg_plugin_artefacts_packed_file_t file = plan->files.ptr[i];
    if (file.capabilities.is_some) {
      text message = text_format("`%t` cannot have capabilities in packages for %s", file.path, ID);
      say(job, OPKG_PLUGIN_MODEL_SEVERITY_ERROR, file.content.val.source, message,
          TEXT("leave this distribution out with the `filters` of `files`"));
    }
    if (file.marks & OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_REPLACED) add_field(package, "configuration-replaced", file.path);
    file.marks &= kept;
    PUSH(package->files, file);
  }
}

/* Takes what it can of the plan. */
static package_t make_package(struct job *job, const part_plan_t *plan) {
  const opkg_t *opkg = job->opkg;
  const opkg_plugin_model_version_t *version = &opkg->history.ptr[0].version;
  const char *arch = plan->is_arch_specific ? job->arch : "any";
  package_t package = {
      .part = {true, plan->part},
      .name = plan->name,
      .epoch = version->epoch,
      .version = text_copy(version->upstream),
      .release = text_copy(job->release),
      .arch = text_copy(text_of(arch)),
      .summary = plan->summary,
      .description = joined_description(opkg),
      .license = text_copy(opkg->license),
      .maintainer = text_copy(job->maintainer),
      .container = container(),
      .file_name = text_format("%t-%t.%s.tar.gz", plan->name, job->version_in_file_names, arch),
  };
  package.url.is_some = opkg->uri.is_some;
  if (opkg->uri.is_some) package.url.val = text_copy(opkg->uri.val);
  add_files(job, plan, &package);
  add_relations(job, plan, &package);
  add_scripts(job, plan, &package);
  return package;
}

/* What an OPKG may want and an archive cannot give: said, not lost. CHANGE: do what the distribution can. */
static void report_unsupported(struct job *job) {
  const opkg_t *opkg = job->opkg;
  text help = text_format("leave %s out with `filters`, or do it in a post-install script", ID);
  opkg_plugin_model_severity_t warning = OPKG_PLUGIN_MODEL_SEVERITY_WARNING;
  for (size_t i = 0; i < opkg->files.len; i++) {
    const opkg_plugin_model_source_file_t *file = &opkg->files.ptr[i];
    if (!file->unit.is_some) continue;
    text message = text_format("packages for %s do nothing about the unit `%t`", ID, file->path);
    say(job, warning, file->at, message, help);
  }
  for (size_t i = 0; i < opkg->files.len; i++) {
    const opkg_plugin_model_source_file_t *file = &opkg->files.ptr[i];
    if (file->accounts.len == 0) continue;
    text message = text_format("packages for %s do not make the users and groups of `%t`", ID, file->path);
    say(job, warning, file->at, message, help);
  }
  for (size_t i = 0; i < opkg->alternatives.len; i++) {
    const opkg_plugin_model_alternative_link_t *link = &opkg->alternatives.ptr[i].main;
    text message = text_format("packages for %s have no alternatives: nothing leads to `%t`", ID, link->path);
    say(job, warning, link->at, message, help);
  }
  for (size_t i = 0; i < opkg->triggers.len; i++) {
    const opkg_plugin_model_trigger_t *trigger = &opkg->triggers.ptr[i];
    text message = text_format("packages for %s have no triggers: nobody looks at `%t`", ID, trigger->path);
    say(job, warning, trigger->at, message, help);
  }
}

/* From an OPKG to packages */

static bool has_errors(const diagnostics_t *diagnostics) {
  for (size_t i = 0; i < diagnostics->len; i++) {
    if (diagnostics->ptr[i].severity == OPKG_PLUGIN_MODEL_SEVERITY_ERROR) return true;
  }
  return false;
}

/* A refusal of a target that there is not; false, for the caller to return. */
static bool refuse_target(refusal_t *refusal, text why) {
  refusal->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNKNOWN_TARGET;
  refusal->val.unknown_target = why;
  return false;
}

/* Digits between dots, as numbers. */
static opkg_plugin_rules_release_number_t release_number(text release) {
  opkg_plugin_rules_release_number_t number = {NULL, 0};
  uint64_t part = 0;
  for (size_t i = 0; i <= release.len; i++) {
    if (i == release.len || release.ptr[i] == '.') {
      PUSH(number, part);
      part = 0;
    } else {
      part = part * 10 + (release.ptr[i] - '0');
    }
  }
  return number;
}

/* What each package gets, which the host decides for the target; false where the OPKG is not for it. */
static bool plan_packages(const opkg_t *opkg, const target_t *target, text release, text arch,
                          opkg_plugin_rules_opkg_plan_t *plan, diagnostic_t *why) {
  /* CHANGE: `names` are releases that filters may name, `fallback_identities` what the distribution is derived from. */
  opkg_plugin_rules_dist_identity_t identity = {.id = text_of(ID), .default_number = release_number(release)};
  identity.number.is_some = true;
  identity.number.val = release_number(release);
  opkg_plugin_rules_filter_context_t context = {
      .name = text_copy(target->dist),
      .identities = {&identity, 1},
      .arch = {true, arch},
      .machine = target->machine,
  };
  if (target->version.is_some) text_append(&context.name, text_format("-%t", target->version.val));
  if (target->arch.is_some) text_append(&context.name, text_format("-%t", target->arch.val));
  /* CHANGE: where documents of packages go. */
  text documentation = text_format("/usr/share/doc/opkg-%t", opkg->name);
  opkg_plugin_rules_action_commands_t actions[SCRIPT_TIME_COUNT];
  for (size_t i = 0; i < SCRIPT_TIME_COUNT; i++) {
    actions[i] = (opkg_plugin_rules_action_commands_t){SCRIPT_TIMES[i].time, text_of(ACTION)};
  }
  opkg_plugin_rules_list_action_commands_t all = {actions, SCRIPT_TIME_COUNT};
  return opkg_plugin_rules_plan(&context, &documentation, &all, plan, why);
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

  opkg_plugin_rules_opkg_plan_t plan;
  if (!plan_packages(opkg, target, release, arch, &plan, &refusal->val.unavailable)) {
    refusal->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNAVAILABLE;
    return false;
  }
  struct job job = {.opkg = opkg, .target = target, .arch = native, .maintainer = first_maintainer(opkg)};
  set_version(&job);
  for (size_t i = 0; i < plan.diagnostics.len; i++) PUSH(job.diagnostics, plan.diagnostics.ptr[i]);
  *output = (output_t){.source.tag = OPKG_PLUGIN_ARTEFACTS_SOURCE_PACKAGE_TARBALL};
  for (size_t i = 0; i < plan.parts.len; i++) PUSH(output->packages, make_package(&job, &plan.parts.ptr[i]));
  report_unsupported(&job);
  if (has_errors(&job.diagnostics)) {
    refusal->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_FAILED;
    refusal->val.failed = job.diagnostics;
    return false;
  }

  /* What `--source` writes: text that people read, and the OPKG's files as they are. */
  for (size_t i = 0; i < output->packages.len; i++) {
    const package_t *package = &output->packages.ptr[i];
    text path = text_format("opkg-%t/%t.manifest", opkg->name, package->name);
    opkg_plugin_artefacts_text_file_t file = {path, manifest_text(package, opkg, target), false};
    PUSH(output->meta_files, file);
  }
  text tree = text_format("opkg-%t-%t", opkg->name, job.version_in_file_names);
  output->source.val.tarball.path = text_format("opkg-%t/%t.tar.gz", opkg->name, tree);
  output->source.val.tarball.prefix = tree;
  /* CHANGE: `native_build` has the commands by which the distribution's own tools make the packages. */
  output->diagnostics = (opkg_plugin_artefacts_list_diagnostic_t){job.diagnostics.ptr, job.diagnostics.len};
  return true;
}
