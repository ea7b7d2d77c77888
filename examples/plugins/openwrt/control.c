/* The metadata of a package, as opkg's `control` has them: fields as those of a deb. */
#include "openwrt.h"

/* Of `native-kind`, in the order in which the fields stand. opkg takes a package for another one's successor only where its
   conflicts are known before what it replaces. */
static const struct {
  uint8_t kind;
  const char *field;
} RELATION_FIELDS[] = {
    {OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_PRE_REQUIRES, "Pre-Depends"},
    {OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_REQUIRES, "Depends"},
    {OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_RECOMMENDS, "Recommends"},
    {OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_SUGGESTS, "Suggests"},
    {OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_CONFLICTS, "Conflicts"},
    {OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_PROVIDES, "Provides"},
    {OPKG_PLUGIN_ARTEFACTS_NATIVE_KIND_OBSOLETES, "Replaces"},
};

void add_field(package_t *package, const char *name, text value) {
  if (!value.len) return;
  opkg_plugin_artefacts_field_t field = {text_copy(text_of(name)), text_copy(value)};
  PUSH(package->fields, field);
}

/* A value is one line. */
static void add_line(text *control, text name, text value) {
  if (!value.len) return;
  text line = text_copy(value);
  text_replace(line, '\n', ' ');
  text_append(control, text_format("%t: %t\n", name, line));
}

static void add_relation_fields(text *control, const package_t *package) {
  for (size_t i = 0; i < sizeof RELATION_FIELDS / sizeof *RELATION_FIELDS; i++) {
    text all = {NULL, 0};
    for (size_t j = 0; j < package->relations.len; j++) {
      const relation_t *relation = &package->relations.ptr[j];
      if (relation->kind.tag != RELATION_FIELDS[i].kind) continue;
      text_append(&all, text_format("%s%t", all.len ? ", " : "", relation_text(relation)));
    }
    add_line(control, text_of(RELATION_FIELDS[i].field), all);
  }
}

/* The summary, then paragraphs, each in a line: what follows begins with a blank, so that none of it is a field. */
static void add_description(text *control, const package_t *package) {
  add_line(control, TEXT("Description"), package->summary);
  text rest = package->description;
  while (rest.len > 0) {
    size_t length = 0;
    while (length < rest.len && rest.ptr[length] != '\n') length++;
    text line = {rest.ptr, length};
    text_append(control, text_format(" %t\n", line.len ? line : TEXT(".")));
    size_t taken = length < rest.len ? length + 1 : length;
    rest = (text){rest.ptr + taken, rest.len - taken};
  }
}

text control_text(const package_t *package, uint64_t installed_size) {
  struct version version = {package->epoch, package->version, package->release};
  text control = {NULL, 0};
  add_line(&control, TEXT("Package"), package->name);
  add_line(&control, TEXT("Version"), version_text(&version));
  add_relation_fields(&control, package);
  for (size_t i = 0; i < package->fields.len; i++) {
    add_line(&control, package->fields.ptr[i].name, package->fields.ptr[i].value);
  }
  add_line(&control, TEXT("License"), package->license);
  add_line(&control, TEXT("Section"), package->section);
  if (package->url.is_some) add_line(&control, TEXT("URL"), package->url.val);
  add_line(&control, TEXT("Maintainer"), package->maintainer);
  add_line(&control, TEXT("Architecture"), package->arch);
  if (installed_size) text_append(&control, text_format("Installed-Size: %l\n", installed_size));
  add_description(&control, package);
  return control;
}

void add_member(members_t *members, text path, text contents, uint32_t mode) {
  opkg_plugin_artefacts_member_t member = {.path = path, .mode = mode};
  member.content.tag = OPKG_PLUGIN_ARTEFACTS_MEMBER_CONTENT_TEXT;
  member.content.val.text = contents;
  member.owner = text_copy(TEXT("root"));
  member.group = text_copy(TEXT("root"));
  PUSH(*members, member);
}

static text conffiles(const built_t *built) {
  text paths = {NULL, 0};
  for (size_t i = 0; i < built->files.len; i++) {
    const exports_opkg_plugin_containers_built_file_t *file = &built->files.ptr[i];
    if (file->is_configuration) text_append(&paths, text_format("%t\n", file->path));
  }
  return paths;
}

bool fill_slot(text slot, const built_t *built, members_t *members, text *reason) {
  if (!text_is(slot, TEXT(CONTROL_SLOT))) {
    *reason = text_format("there is no slot `%t` in a package of OpenWrt", slot);
    return false;
  }
  /* What ipkg-build counts: the files as a tar. */
  uint64_t installed_size = built->installed_size;
  for (size_t i = 0; i < built->archives.len; i++) {
    if (text_is(built->archives.ptr[i].name, TEXT(DATA_ARCHIVE))) installed_size = built->archives.ptr[i].unpacked_size;
  }
  *members = (members_t){NULL, 0};
  add_member(members, text_copy(TEXT("./control")), control_text(&built->package, installed_size), 0644);
  text configuration = conffiles(built);
  if (configuration.len) add_member(members, text_copy(TEXT("./conffiles")), configuration, 0644);
  add_script_members(&built->package, members);
  return true;
}
