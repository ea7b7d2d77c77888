/* From an OPKG to packages. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include "text.h"

/* Names of the bindings that are too long to be read. */
typedef exports_opkg_plugin_packaging_opkg_t opkg_t;
typedef exports_opkg_plugin_packaging_target_t target_t;
typedef exports_opkg_plugin_packaging_output_t output_t;
typedef exports_opkg_plugin_packaging_refusal_t refusal_t;
typedef opkg_plugin_opkg_diagnostic_t diagnostic_t;
typedef exports_opkg_plugin_packaging_list_diagnostic_t diagnostics_t;
typedef opkg_plugin_opkg_filter_t filter_t;

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

/* What filters are decided for. */
struct context {
  text dist, release, arch;
  diagnostics_t diagnostics;
};

/* Whether what stands at a filter holds for the target. */
bool filter_matches(struct context *context, const filter_t *filter);

/* Whether a bound of a release is met, at the precision of the bound: 5.4 is equal to `5`, and less than `5.5`. Nothing is
   met by what is no number, of which there is a warning. */
bool release_meets(struct context *context, const opkg_plugin_opkg_dist_filter_t *dist);

/* True with the output, or false with a refusal. */
bool archive_generate(const opkg_t *opkg, const target_t *target, output_t *output, refusal_t *refusal);

#endif
