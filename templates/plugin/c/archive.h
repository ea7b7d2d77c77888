/* What the files of the plugin have of each other. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include "text.h"

/* Names of the bindings that are too long to be read. */
typedef opkg_plugin_model_opkg_t opkg_t;
typedef opkg_plugin_model_build_target_t target_t;
typedef opkg_plugin_model_diagnostic_t diagnostic_t;
typedef opkg_plugin_artefacts_binary_package_t package_t;
typedef opkg_plugin_artefacts_output_t output_t;
typedef exports_opkg_plugin_packaging_refusal_t refusal_t;
typedef exports_opkg_plugin_packaging_list_diagnostic_t diagnostics_t;
typedef exports_opkg_plugin_containers_built_t built_t;
typedef exports_opkg_plugin_containers_list_member_t members_t;

/* The canonical name of an architecture, and the distribution's own. */
struct arch {
  const char *canonical, *native;
};

/* What plugin.c says of the distribution. */
extern const char *const ID;
extern const char *const RELEASES[];
extern const size_t RELEASE_COUNT;
extern const char *const DEFAULT_RELEASE;
extern const struct arch ARCHS[];
extern const size_t ARCH_COUNT;
extern const char *const ACTION;

/* archive.c: true with the output, or false with a refusal. */
bool archive_generate(const opkg_t *opkg, const target_t *target, output_t *output, refusal_t *refusal);

/* manifest.c: where the manifest and the scripts stand in a package. */
extern const char *const MANIFEST_SLOT;

/* The times at which the package manager runs scripts, in the order in which they stand in a manifest. */
struct script_time {
  opkg_plugin_model_script_time_t time;
  const char *name;
};
enum { SCRIPT_TIME_COUNT = 4 };
extern const struct script_time SCRIPT_TIMES[SCRIPT_TIME_COUNT];
/* None where the package manager runs no such script. */
const char *script_name(opkg_plugin_model_script_time_t time);

/* `[epoch:]upstream-release` */
text full_version(uint32_t epoch, text upstream, text release);

/* What is known of a package before its files are read: `key = value`, a line each. */
text manifest_text(const package_t *package, const opkg_t *opkg, const target_t *target);

/* What stands in the slot: true with the manifest and the scripts, or false with the reason why there is no such slot. By now the
   host has read all files: how much the package takes is known, and of each file its SHA-256 and size. */
bool manifest_members(text slot, const built_t *built, members_t *members, text *reason);

#endif
