/* @NAME@: each of the three packages of an OPKG is a tar with a manifest in front of its files. */
#include "archive.h"

/* What `--dist` names. */
const char *const ID = "@NAME@";

/* CHANGE: the releases of the distribution, newest first. */
const char *const RELEASES[] = {"1"};
const size_t RELEASE_COUNT = sizeof RELEASES / sizeof *RELEASES;

/* The release of which packages are where nobody names one. */
const char *const DEFAULT_RELEASE = "1";

/* CHANGE: architectures, by the names that OPKGs use and by those of the distribution. */
const struct arch ARCHS[] = {{"x86_64", "x86_64"}, {"aarch64", "aarch64"}};
const size_t ARCH_COUNT = sizeof ARCHS / sizeof *ARCHS;

/* CHANGE: shell commands that set both from the arguments that the package manager gives to its scripts. */
const char *const ACTION = "OPKG_ACTION=\nOPKG_OLD_VERSION=\n";

void exports_opkg_plugin_packaging_describe(exports_opkg_plugin_packaging_distribution_info_t *ret) {
  *ret = (exports_opkg_plugin_packaging_distribution_info_t){
      .id = text_copy(text_of(ID)),
      .name = text_copy(text_of(ID)), /* CHANGE: as people write it */
      .version = text_copy(TEXT("0.1.0")),
  };
  for (size_t i = 0; i < RELEASE_COUNT; i++) {
    bool is_default = text_is(text_of(RELEASES[i]), text_of(DEFAULT_RELEASE));
    exports_opkg_plugin_packaging_distribution_release_t release = {text_copy(text_of(RELEASES[i])), {false, {0}}, is_default};
    PUSH(ret->releases, release);
  }
  for (size_t i = 0; i < ARCH_COUNT; i++) {
    exports_opkg_plugin_packaging_arch_name_t arch = {text_copy(text_of(ARCHS[i].canonical)),
                                                      text_copy(text_of(ARCHS[i].native))};
    PUSH(ret->archs, arch);
  }
}

bool exports_opkg_plugin_packaging_generate(opkg_t *opkg, target_t *target, output_t *ret, refusal_t *err) {
  return archive_generate(opkg, target, ret, err);
}

bool exports_opkg_plugin_containers_members(text *slot, built_t *built, members_t *ret, text *err) {
  return manifest_members(*slot, built, ret, err);
}

/* CHANGE: true with a request, where the package manager reads an index of a directory of packages. */
bool exports_opkg_plugin_containers_describe_index(exports_opkg_plugin_containers_index_request_t *ret) {
  (void)ret;
  return false;
}

bool exports_opkg_plugin_containers_index(exports_opkg_plugin_containers_package_source_t *source,
                                          exports_opkg_plugin_containers_list_package_file_t *packages,
                                          exports_opkg_plugin_containers_list_index_file_t *ret, text *err) {
  (void)source, (void)packages, (void)ret;
  *err = text_format("the plugin %s makes no index of packages", ID);
  return false;
}

/* How the package manager is driven. `opkgc` makes packages without it; `opm` needs it to install them.
   CHANGE: return true with commands in `ret` instead, and their program from `programs`. */

static bool not_written(text *err) {
  *err = text_format("the plugin %s drives no package manager yet: install the packages by hand", ID);
  return false;
}

/* Lists in which there is nothing. */
#define NOTHING(list) ((list).ptr = NULL, (list).len = 0)

typedef exports_opkg_plugin_package_manager_place_t place_t;
typedef exports_opkg_plugin_package_manager_list_command_t commands_t;
typedef exports_opkg_plugin_package_manager_list_package_request_t requests_t;

void exports_opkg_plugin_package_manager_programs(distribution_list_string_t *ret) {
  NOTHING(*ret);
}

bool exports_opkg_plugin_package_manager_offers(distribution_list_string_t *packages, place_t *place, commands_t *ret,
                                                text *err) {
  (void)packages, (void)place, (void)err;
  NOTHING(*ret);
  return true;
}

bool exports_opkg_plugin_package_manager_parse_offers(distribution_list_string_t *printed,
                                                      exports_opkg_plugin_package_manager_list_offer_t *ret, text *err) {
  (void)printed, (void)err;
  NOTHING(*ret);
  return true;
}

bool exports_opkg_plugin_package_manager_install(requests_t *packages, place_t *place, commands_t *ret, text *err) {
  (void)packages, (void)place, (void)ret;
  return not_written(err);
}

bool exports_opkg_plugin_package_manager_reinstall(requests_t *packages, place_t *place, commands_t *ret, text *err) {
  (void)packages, (void)place, (void)ret;
  return not_written(err);
}

bool exports_opkg_plugin_package_manager_simulate(requests_t *packages, place_t *place, commands_t *ret, text *err) {
  (void)packages, (void)place, (void)err;
  NOTHING(*ret);
  return true;
}

bool exports_opkg_plugin_package_manager_parse_simulation(
    distribution_list_string_t *printed, exports_opkg_plugin_package_manager_list_side_effect_t *ret, text *err) {
  (void)printed, (void)err;
  NOTHING(*ret);
  return true;
}

bool exports_opkg_plugin_package_manager_remove(distribution_list_string_t *packages, place_t *place, commands_t *ret,
                                                text *err) {
  (void)packages, (void)place, (void)ret;
  return not_written(err);
}

bool exports_opkg_plugin_package_manager_repair(exports_opkg_plugin_package_manager_list_installed_t *packages,
                                                place_t *place, commands_t *ret, text *err) {
  (void)packages, (void)place, (void)err;
  NOTHING(*ret);
  return true;
}

bool exports_opkg_plugin_package_manager_refresh(place_t *place, commands_t *ret, text *err) {
  (void)place, (void)ret;
  return not_written(err);
}

bool exports_opkg_plugin_package_manager_query(place_t *place, commands_t *ret, text *err) {
  (void)place, (void)ret;
  return not_written(err);
}

bool exports_opkg_plugin_package_manager_parse_query(distribution_list_string_t *printed,
                                                     exports_opkg_plugin_package_manager_list_installed_t *ret,
                                                     text *err) {
  (void)printed, (void)ret;
  return not_written(err);
}

void exports_opkg_plugin_package_manager_explain(text *printed, bool succeeded,
                                                 exports_opkg_plugin_package_manager_list_command_failure_t *ret) {
  (void)printed, (void)succeeded;
  NOTHING(*ret);
}
