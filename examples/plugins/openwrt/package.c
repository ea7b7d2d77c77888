/* The packages of an OPKG: their records, and how they lie in a file. */
#include "openwrt.h"

text version_text(const struct version *version) {
  text written = version->epoch ? text_format("%u:%t", version->epoch, version->upstream) : text_copy(version->upstream);
  if (version->release.len) text_append(&written, text_format("-%t", version->release));
  return written;
}

struct version package_version(const opkg_t *opkg, text release_tag) {
  const opkg_plugin_model_version_t *written = &opkg->history.ptr[0].version;
  struct version version = {.epoch = written->epoch};
  opkg_plugin_rules_order_prereleases((text *)&written->upstream, &version.upstream);
  version.release = release_tag.len ? text_format("%t" TAG_SEPARATOR "%t", written->release, release_tag) : text_copy(written->release);
  return version;
}

static void report_version(struct job *job) {
  const opkg_plugin_model_version_t *written = &job->opkg->history.ptr[0].version;
  if (text_is(written->upstream, job->version.upstream)) return;
  text message = text_format("version `%t` is written `%t` on OpenWrt", written->upstream, job->version.upstream);
  say(job, OPKG_PLUGIN_MODEL_SEVERITY_NOTE, job->opkg->at, message, (text){NULL, 0});
}

static text first_maintainer(const opkg_t *opkg) {
  for (size_t i = 0; i < opkg->authors.len; i++) {
    const opkg_plugin_model_author_t *author = &opkg->authors.ptr[i];
    if (author->role == OPKG_PLUGIN_MODEL_ROLE_MAINTAINER) return text_format("%t <%t>", author->name, author->email);
  }
  return (text){NULL, 0}; /* never: there always is one */
}

static text joined_description(const opkg_t *opkg) {
  text joined = {NULL, 0};
  for (size_t i = 0; i < opkg->description.len; i++) {
    if (i > 0) text_append(&joined, TEXT("\n\n"));
    text_append(&joined, opkg->description.ptr[i]);
  }
  return joined;
}

static opkg_plugin_artefacts_archive_t new_archive(const char *name) {
  return (opkg_plugin_artefacts_archive_t){
      .name = text_copy(text_of(name)),
      /* opkg reads no extended headers. */
      .format = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_FORMAT_TAR_GNU,
      .compression = OPKG_PLUGIN_ARTEFACTS_COMPRESSION_GZIP,
      .end_marker = true,
  };
}

static opkg_plugin_artefacts_archive_entry_t member_entry(const char *path, uint32_t mode, uint8_t tag, const char *contents) {
  opkg_plugin_artefacts_archive_entry_t entry = {.tag = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_ENTRY_MEMBER};
  entry.val.member = (opkg_plugin_artefacts_member_t){.path = text_copy(text_of(path)), .mode = mode};
  entry.val.member.content.tag = tag;
  if (contents) entry.val.member.content.val.text = text_copy(text_of(contents));
  entry.val.member.owner = text_copy(TEXT("root"));
  entry.val.member.group = text_copy(TEXT("root"));
  return entry;
}

static opkg_plugin_artefacts_archive_entry_t root_entry(void) {
  return member_entry("./", 0755, OPKG_PLUGIN_ARTEFACTS_MEMBER_CONTENT_DIRECTORY, NULL);
}

static opkg_plugin_artefacts_archive_entry_t nested_entry(const char *name, const char *path) {
  opkg_plugin_artefacts_archive_entry_t entry = {.tag = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_ENTRY_ARCHIVE};
  entry.val.archive = (opkg_plugin_artefacts_nested_archive_t){text_copy(text_of(name)), text_copy(text_of(path))};
  return entry;
}

/* An .ipk is a compressed tar of a version and two more of these: files and metadata. */
static opkg_plugin_artefacts_container_t container(void) {
  opkg_plugin_artefacts_archive_t data = new_archive(DATA_ARCHIVE);
  PUSH(data.entries, root_entry());
  opkg_plugin_artefacts_archive_entry_t files = {.tag = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_ENTRY_FILES};
  files.val.files.select.tag = OPKG_PLUGIN_ARTEFACTS_FILE_SELECTION_REST;
  files.val.files.prefix = text_copy(TEXT("./"));
  /* opkg makes no directories by itself, and gives those that are there the modes in the archive; /var is a link to /tmp. */
  files.val.files.directories = OPKG_PLUGIN_ARTEFACTS_DIRECTORY_ENTRIES_PARENTS;
  PUSH(files.val.files.parent_modes, ((opkg_plugin_artefacts_directory_mode_t){text_copy(TEXT("/tmp")), 01777}));
  PUSH(files.val.files.parent_modes, ((opkg_plugin_artefacts_directory_mode_t){text_copy(TEXT("/var")), 01777}));
  PUSH(data.entries, files);

  opkg_plugin_artefacts_archive_t control = new_archive(CONTROL_ARCHIVE);
  PUSH(control.entries, root_entry());
  opkg_plugin_artefacts_archive_entry_t slot = {.tag = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_ENTRY_SLOT};
  slot.val.slot = text_copy(TEXT(CONTROL_SLOT));
  PUSH(control.entries, slot);

  opkg_plugin_artefacts_archive_t package = new_archive("package");
  PUSH(package.entries, member_entry("./debian-binary", 0644, OPKG_PLUGIN_ARTEFACTS_MEMBER_CONTENT_TEXT, "2.0\n"));
  PUSH(package.entries, nested_entry(DATA_ARCHIVE, "./data.tar.gz"));
  PUSH(package.entries, nested_entry(CONTROL_ARCHIVE, "./control.tar.gz"));

  opkg_plugin_artefacts_container_t made = {.tag = OPKG_PLUGIN_ARTEFACTS_CONTAINER_ARCHIVES};
  made.val.archives.metadata = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_RELATIONS | OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_SCRIPTLETS |
                               OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_CONFIGURATION | OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_GHOSTS |
                               OPKG_PLUGIN_ARTEFACTS_ARCHIVE_METADATA_FIELDS;
  PUSH(made.val.archives.archives, data);
  PUSH(made.val.archives.archives, control);
  PUSH(made.val.archives.archives, package);
  return made;
}

/* A file is packed without the rights of an owner or group that it gets only on the machine. */
static uint32_t packed_mode(const opkg_plugin_artefacts_packed_file_t *file) {
  bool is_root = text_is(file->owner, TEXT("root")) && text_is(file->group, TEXT("root"));
  bool is_given = file->content.tag == OPKG_PLUGIN_ARTEFACTS_CONTENT_SOURCE && !is_root;
  return is_given ? file->mode & ~06000u : file->mode;
}

/* What the package has; a script removes ghosts. opkg always keeps configuration that somebody has changed. */
static void add_files(struct job *job, const part_plan_t *plan, package_t *package) {
  /* Marks that are not of RPMs alone. */
  const uint8_t kept = OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_DOCUMENTATION | OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_CONFIGURATION |
                       OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_GHOST;
  for (size_t i = 0; i < plan->files.len; i++) {
    opkg_plugin_artefacts_packed_file_t file = plan->files.ptr[i];
    opkg_plugin_model_node_t at =
        file.content.tag == OPKG_PLUGIN_ARTEFACTS_CONTENT_SOURCE ? file.content.val.source : job->opkg->at;
    if (file.capabilities.is_some) {
      say(job, OPKG_PLUGIN_MODEL_SEVERITY_ERROR, at, text_format("`%t` cannot have capabilities in a package of OpenWrt", file.path),
          TEXT("leave this distribution out with the `filters` of `files`"));
    }
    bool is_ghost = file.marks & OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_GHOST;
    if (file.marks & OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_REPLACED && !is_ghost) {
      say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, at,
          text_format("opkg keeps `%t` where somebody has changed it: the new one is put beside it", file.path),
          TEXT("let `config` be `keep` for OpenWrt, or `no`"));
    }
    file.mode = packed_mode(&file);
    file.marks &= kept;
    PUSH(package->files, file);
  }
}

/* `300:/usr/bin/vi:/usr/bin/vim`: one link each, the highest number counts. */
static void add_alternatives(struct job *job, const part_plan_t *plan, package_t *package) {
  text all = {NULL, 0};
  for (size_t i = 0; i < plan->alternatives.len; i++) {
    const opkg_plugin_model_alternative_t *alternative = &job->opkg->alternatives.ptr[plan->alternatives.ptr[i]];
    for (size_t j = 0; j <= alternative->slaves.len; j++) {
      const opkg_plugin_model_alternative_link_t *link = j == 0 ? &alternative->main : &alternative->slaves.ptr[j - 1];
      if (text_has(link->link, ':') || text_has(link->link, ',') || text_has(link->path, ':') || text_has(link->path, ',')) {
        say(job, OPKG_PLUGIN_MODEL_SEVERITY_ERROR, link->at,
            text_format("an alternative of opkg cannot have the signs `:` and `,` in `%t` and `%t`", link->link, link->path),
            TEXT("choose other paths, or leave OpenWrt out with a filter"));
      }
      text_append(&all, text_format("%s%u:%t:%t", all.len ? ", " : "", alternative->priority, link->link, link->path));
    }
  }
  add_field(package, "Alternatives", all);
}

/* Of the api part: what administrators may read, and opkg does not heed. */
static void add_recorded_conflicts(const part_plan_t *plan, package_t *package) {
  text names = {NULL, 0};
  for (size_t i = 0; i < plan->recorded_conflicts.len; i++) {
    if (!plan->recorded_conflicts.ptr[i].by_default) continue;
    text_append(&names, text_format("%s%t", names.len ? ", " : "", plan->recorded_conflicts.ptr[i].any_of.ptr[0].name));
  }
  add_field(package, "OPKG-Conflicts", names);
}

static package_t make_package(struct job *job, const part_plan_t *plan) {
  const opkg_t *opkg = job->opkg;
  text arch = plan->is_arch_specific ? job->arch : TEXT("all");
  struct version without_epoch = {0, job->version.upstream, job->version.release};
  package_t package = {
      .part = {true, plan->part},
      .name = text_copy(plan->name),
      .epoch = job->version.epoch,
      .version = text_copy(job->version.upstream),
      .release = text_copy(job->version.release),
      .arch = text_copy(arch),
      .summary = text_copy(plan->summary),
      .description = joined_description(opkg),
      .license = text_copy(opkg->license),
      .section = text_copy(TEXT("admin")),
      .maintainer = first_maintainer(opkg),
      .container = container(),
      .file_name = text_format("%t_%t_%t.ipk", plan->name, version_text(&without_epoch), arch),
  };
  text_replace(package.file_name, '/', '_');
  package.url.is_some = opkg->uri.is_some;
  if (opkg->uri.is_some) package.url.val = text_copy(opkg->uri.val);
  add_files(job, plan, &package);
  add_relations(job, plan, &package);
  add_recorded_conflicts(plan, &package);
  add_alternatives(job, plan, &package);
  add_field(&package, "Require-User", required_users(job, plan));
  if (job->target->vendor.is_some) add_field(&package, "Vendor", job->target->vendor.val);
  if (job->target->distribution.is_some) add_field(&package, "Distribution", job->target->distribution.val);
  add_scripts(job, plan, &package);
  return package;
}

/* What an OPKG may want and OpenWrt does not have: said, not lost. */
static void report_unsupported(struct job *job) {
  const opkg_t *opkg = job->opkg;
  for (size_t i = 0; i < opkg->files.len; i++) {
    const opkg_plugin_model_source_file_t *file = &opkg->files.ptr[i];
    if (!file->unit.is_some) continue;
    say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, file->at,
        text_format("OpenWrt has no systemd: nothing is done about the unit `%t`", file->path),
        TEXT("lay a script into `files/etc/init.d` for OpenWrt: it is enabled and started"));
  }
  for (size_t i = 0; i < opkg->service_rules.len; i++) {
    const opkg_plugin_model_service_rule_t *rule = &opkg->service_rules.ptr[i];
    say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, rule->at,
        text_format("OpenWrt has no systemd: what is said of the unit `%t` is left out", rule->name), (text){NULL, 0});
  }
  for (size_t i = 0; i < opkg->triggers.len; i++) {
    const opkg_plugin_model_trigger_t *trigger = &opkg->triggers.ptr[i];
    say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, trigger->at,
        text_format("opkg has no triggers: nobody looks at `%t`", trigger->path),
        TEXT("leave OpenWrt out with `filters`, or let the post-install script look"));
  }
}

/* What ipkg-build reads of a directory beside the files: for people, and for `--source`. */
static void add_meta_files(const opkg_t *opkg, const package_t *package, output_t *output) {
  text directory = text_format("opkg-%t/%t/CONTROL", opkg->name, package->name);
  opkg_plugin_artefacts_text_file_t control = {text_format("%t/control", directory), control_text(package, 0), false};
  PUSH(output->meta_files, control);
  members_t scripts = {NULL, 0};
  add_script_members(package, &scripts);
  for (size_t i = 0; i < scripts.len; i++) {
    text name = {scripts.ptr[i].path.ptr + 2, scripts.ptr[i].path.len - 2};
    opkg_plugin_artefacts_text_file_t script = {text_format("%t/%t", directory, name), scripts.ptr[i].content.val.text, true};
    PUSH(output->meta_files, script);
  }
}

bool make_output(struct job *job, opkg_plugin_rules_opkg_plan_t *plan, output_t *output, refusal_t *refusal) {
  const opkg_t *opkg = job->opkg;
  for (size_t i = 0; i < plan->diagnostics.len; i++) PUSH(job->diagnostics, plan->diagnostics.ptr[i]);
  *output = (output_t){.source.tag = OPKG_PLUGIN_ARTEFACTS_SOURCE_PACKAGE_TREE};
  output->source.val.tree = text_format("opkg-%t", opkg->name);
  report_version(job);
  for (size_t i = 0; i < plan->parts.len; i++) PUSH(output->packages, make_package(job, &plan->parts.ptr[i]));
  report_unsupported(job);
  if (has_errors(&job->diagnostics)) {
    refusal->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_FAILED;
    refusal->val.failed = job->diagnostics;
    return false;
  }
  for (size_t i = 0; i < output->packages.len; i++) add_meta_files(opkg, &output->packages.ptr[i], output);
  output->diagnostics = (opkg_plugin_artefacts_list_diagnostic_t){job->diagnostics.ptr, job->diagnostics.len};
  return true;
}
