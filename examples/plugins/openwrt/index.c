/* The index of a directory of packages: `Packages`, the same compressed as opkg fetches it, and nothing else. OpenWrt signs it
   with usign, whose keys and signatures are not those of OpenPGP. */
#include "openwrt.h"

const char *const CONTROL_MEMBER = "./control.tar.gz//./control";

/* The control file with what there is to know of the file, before the description, whose lines go on to the end. */
static bool add_entry(text *packages, const exports_opkg_plugin_containers_package_file_t *file, text *reason) {
  text control = {NULL, 0};
  for (size_t i = 0; i < file->members.len; i++) {
    if (!text_is(file->members.ptr[i].path, text_of(CONTROL_MEMBER))) continue;
    control = (text){file->members.ptr[i].contents.ptr, file->members.ptr[i].contents.len};
  }
  if (!text_begins(control, "Package: ")) {
    *reason = text_format("%t has no control file that begins with `Package`", file->file_name);
    return false;
  }
  bool is_told = false, is_line_start = true;
  text of_file = text_format("Filename: %t\nSize: %l\nSHA256sum: %t\n", file->file_name, file->size, file->digests.sha256);
  for (size_t i = 0; i < control.len; i++) {
    text rest = {control.ptr + i, control.len - i};
    if (is_line_start && !is_told && text_begins(rest, "Description:")) {
      text_append(packages, of_file);
      is_told = true;
    }
    is_line_start = rest.ptr[0] == '\n';
    /* A blank line would end the entry. */
    if (is_line_start && rest.len > 1 && rest.ptr[1] == '\n') continue;
    text_append(packages, (text){rest.ptr, 1});
  }
  if (!is_line_start) text_append(packages, TEXT("\n"));
  if (!is_told) text_append(packages, of_file);
  text_append(packages, TEXT("\n"));
  return true;
}

static void add_file(index_files_t *index, const char *path, text contents, opkg_plugin_artefacts_compression_t compression) {
  opkg_plugin_artefacts_archive_entry_t entry = {.tag = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_ENTRY_MEMBER};
  opkg_plugin_artefacts_member_t *member = &entry.val.member;
  *member = (opkg_plugin_artefacts_member_t){.mode = 0644};
  member->content.tag = OPKG_PLUGIN_ARTEFACTS_MEMBER_CONTENT_TEXT;
  member->content.val.text = text_copy(contents);
  member->owner = text_copy(TEXT("root"));
  member->group = text_copy(TEXT("root"));
  opkg_plugin_artefacts_archive_t archive = {
      .name = text_copy(TEXT("index")),
      .format = OPKG_PLUGIN_ARTEFACTS_ARCHIVE_FORMAT_CONCATENATION,
      .compression = compression,
  };
  PUSH(archive.entries, entry);
  exports_opkg_plugin_containers_index_file_t file = {.path = text_copy(text_of(path))};
  file.content.tag = EXPORTS_OPKG_PLUGIN_CONTAINERS_INDEX_CONTENT_ARCHIVES;
  PUSH(file.content.val.archives, archive);
  PUSH(*index, file);
}

bool make_index(const package_files_t *packages, index_files_t *index, text *reason) {
  text all = {NULL, 0};
  for (size_t i = 0; i < packages->len; i++) {
    if (!add_entry(&all, &packages->ptr[i], reason)) return false;
  }
  *index = (index_files_t){NULL, 0};
  add_file(index, "Packages", all, OPKG_PLUGIN_ARTEFACTS_COMPRESSION_NONE);
  add_file(index, "Packages.gz", all, OPKG_PLUGIN_ARTEFACTS_COMPRESSION_GZIP);
  return true;
}
