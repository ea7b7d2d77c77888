/* What stands in a package before its files: a manifest and the scripts. CHANGE: the form of the manifest. */
#include "archive.h"

typedef opkg_plugin_artefacts_native_relation_t relation_t;
typedef opkg_plugin_artefacts_native_package_t native_package_t;

const char *const MANIFEST_SLOT = "manifest";

const struct script_time SCRIPT_TIMES[SCRIPT_TIME_COUNT] = {
    {OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_INSTALL, "pre-install"},
    {OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_INSTALL, "post-install"},
    {OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_UNINSTALL, "pre-uninstall"},
    {OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_UNINSTALL, "post-uninstall"},
};

/* By the numbers of `native-kind`, and of `comparison`. */
static const char *const KIND_NAMES[] = {"requires",  "pre-requires", "provides", "conflicts",   "breaks",
                                         "obsoletes", "recommends",   "suggests", "supplements", "enhances"};
static const char *const OPERATORS[] = {"<", "<=", "=", ">=", ">"};

text full_version(uint32_t epoch, text upstream, text release) {
  return epoch ? text_format("%u:%t-%t", epoch, upstream, release) : text_format("%t-%t", upstream, release);
}

const char *script_name(opkg_plugin_model_script_time_t time) {
  for (size_t i = 0; i < SCRIPT_TIME_COUNT; i++) {
    if (SCRIPT_TIMES[i].time == time) return SCRIPT_TIMES[i].name;
  }
  return NULL;
}

static void add_line(text *manifest, const char *key, text value) {
  text_append(manifest, text_format("%s = %t\n", key, value));
}

static void add_optional(text *manifest, const char *key, const distribution_option_string_t *value) {
  if (value->is_some) add_line(manifest, key, value->val);
}

/* `a >= 1.2` */
static text related(text name, const opkg_plugin_artefacts_option_bound_t *bound) {
  if (!bound->is_some) return name;
  return text_format("%t %s %t", name, OPERATORS[bound->val.comparison], bound->val.version);
}

static text script_path(const char *name) {
  return text_format("scripts/%s", name);
}

/* The script of a time; none where there is none. */
static const opkg_plugin_artefacts_scriptlet_t *find_script(const package_t *package,
                                                            opkg_plugin_model_script_time_t time) {
  for (size_t i = 0; i < package->scriptlets.len; i++) {
    if (package->scriptlets.ptr[i].time == time) return &package->scriptlets.ptr[i];
  }
  return NULL;
}

text manifest_text(const package_t *package, const opkg_t *opkg, const target_t *target) {
  text manifest = {NULL, 0};
  add_line(&manifest, "name", package->name);
  add_line(&manifest, "version", full_version(package->epoch, package->version, package->release));
  add_line(&manifest, "arch", package->arch);
  add_line(&manifest, "summary", package->summary);
  add_line(&manifest, "license", package->license);
  add_line(&manifest, "maintainer", package->maintainer);
  add_optional(&manifest, "url", &package->url);
  add_optional(&manifest, "vendor", &target->vendor);
  add_optional(&manifest, "distribution", &target->distribution);
  add_line(&manifest, "home", opkg->home);
  for (size_t i = 0; i < package->relations.len; i++) {
    const relation_t *relation = &package->relations.ptr[i];
    text packages = text_copy(related(relation->name, &relation->bound));
    for (size_t j = 0; j < relation->alternatives.len; j++) {
      const native_package_t *other = &relation->alternatives.ptr[j];
      text_append(&packages, text_format(" | %t", related(other->name, &other->bound)));
    }
    add_line(&manifest, KIND_NAMES[relation->kind.tag], packages);
  }
  for (size_t i = 0; i < package->files.len; i++) {
    const opkg_plugin_artefacts_packed_file_t *file = &package->files.ptr[i];
    if (file->marks & OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_CONFIGURATION) add_line(&manifest, "configuration", file->path);
    if (file->marks & OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_GHOST) add_line(&manifest, "ghost", file->path);
  }
  for (size_t i = 0; i < package->fields.len; i++) {
    const opkg_plugin_artefacts_field_t *field = &package->fields.ptr[i];
    text_append(&manifest, text_format("%t = %t\n", field->name, field->value));
  }
  for (size_t i = 0; i < SCRIPT_TIME_COUNT; i++) {
    const char *name = SCRIPT_TIMES[i].name;
    if (find_script(package, SCRIPT_TIMES[i].time)) add_line(&manifest, name, script_path(name));
  }
  return manifest;
}

static void add_member(members_t *members, text path, text contents, uint32_t mode) {
  opkg_plugin_artefacts_member_t member = {.path = path, .mode = mode};
  member.content.tag = OPKG_PLUGIN_ARTEFACTS_MEMBER_CONTENT_TEXT;
  member.content.val.text = contents;
  member.owner = text_copy(TEXT("root"));
  member.group = text_copy(TEXT("root"));
  PUSH(*members, member);
}

bool manifest_members(text slot, const built_t *built, members_t *members, text *reason) {
  if (!text_is(slot, text_of(MANIFEST_SLOT))) {
    *reason = text_format("there is no slot `%t` in a package for %s", slot, ID);
    return false;
  }
  *members = (members_t){NULL, 0};
  text manifest = manifest_text(&built->package, &built->opkg, &built->target);
  text_append(&manifest, text_format("size = %l\n", built->installed_size));
  for (size_t i = 0; i < built->files.len; i++) {
    const exports_opkg_plugin_containers_built_file_t *file = &built->files.ptr[i];
    if (file->kind.tag != EXPORTS_OPKG_PLUGIN_CONTAINERS_FILE_KIND_REGULAR) continue;
    text digest = file->kind.val.regular.f1.sha256;
    text_append(&manifest, text_format("file = %t %l %t\n", digest, file->kind.val.regular.f0, file->path));
  }
  add_member(members, text_copy(TEXT("manifest")), manifest, 0644);
  for (size_t i = 0; i < SCRIPT_TIME_COUNT; i++) {
    const opkg_plugin_artefacts_scriptlet_t *script = find_script(&built->package, SCRIPT_TIMES[i].time);
    if (!script) continue;
    add_member(members, script_path(SCRIPT_TIMES[i].name), text_format("#!/bin/sh\n%t", script->body), 0755);
  }
  return true;
}
