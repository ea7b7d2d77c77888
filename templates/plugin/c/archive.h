/* From what the host decides of an OPKG to packages, and what stands in them. */
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

/* True with the output, or false with a refusal. */
bool archive_generate(const opkg_t *opkg, const target_t *target, output_t *output, refusal_t *refusal);

/* What stands in a slot of a package: true, or false with the reason why there is no such slot. */
bool archive_members(text slot, const built_t *built, members_t *members, text *reason);

#endif
