/* From what the host decides of an OPKG to packages of opkg, and what stands in them. */
#ifndef OPENWRT_H
#define OPENWRT_H

#include "text.h"

/* Names of the bindings that are too long to be read. */
typedef opkg_plugin_model_opkg_t opkg_t;
typedef opkg_plugin_model_build_target_t target_t;
typedef opkg_plugin_model_diagnostic_t diagnostic_t;
typedef opkg_plugin_model_script_time_t script_time_t;
typedef opkg_plugin_rules_part_plan_t part_plan_t;
typedef opkg_plugin_artefacts_binary_package_t package_t;
typedef opkg_plugin_artefacts_native_relation_t relation_t;
typedef opkg_plugin_artefacts_output_t output_t;
typedef exports_opkg_plugin_packaging_refusal_t refusal_t;
typedef exports_opkg_plugin_packaging_list_diagnostic_t diagnostics_t;
typedef exports_opkg_plugin_containers_built_t built_t;
typedef exports_opkg_plugin_containers_list_member_t members_t;
typedef exports_opkg_plugin_containers_list_package_file_t package_files_t;
typedef exports_opkg_plugin_containers_list_index_file_t index_files_t;

/* The archives of a package, and what is filled in once they are known. */
#define DATA_ARCHIVE "data"
#define CONTROL_ARCHIVE "control"
#define CONTROL_SLOT "control"

/* `[epoch:]upstream[-release]`, as opkg reads it. */
struct version {
  uint32_t epoch;
  text upstream;
  /* None where a bound is about all releases of a version. */
  text release;
};

/* Between a release and its tag. */
#define TAG_SEPARATOR "+"

/* All that is known while the packages of an OPKG are made. */
struct job {
  const opkg_t *opkg;
  const target_t *target;
  /* OpenWrt's name of the architecture. */
  text arch;
  /* Of the packages, with the release tag. */
  struct version version;
  /* Without the sign in front of it; empty where there is none. */
  text release_tag;
  diagnostics_t diagnostics;
};

/* Once: packages share what they are about. Takes the message. */
void say(struct job *job, opkg_plugin_model_severity_t severity, opkg_plugin_model_node_t at, text message, text help);
bool has_errors(const diagnostics_t *diagnostics);

/* plugin.c */
extern const char *const ID;

/* package.c */
text version_text(const struct version *version);
/* The version of the OPKG with the tag that was asked for. Without a note of what was changed. */
struct version package_version(const opkg_t *opkg, text release_tag);
/* False with a refusal. */
bool make_output(struct job *job, opkg_plugin_rules_opkg_plan_t *plan, output_t *output, refusal_t *refusal);

/* relation.c */
void add_relations(struct job *job, const part_plan_t *plan, package_t *package);
/* `a (>= 1.2) | b` */
text relation_text(const relation_t *relation);

/* script.c: each time at which opkg runs a script. */
struct script_time {
  script_time_t time;
  /* What opkg runs. */
  const char *file;
  /* What that has OpenWrt's functions run; none where it is the script itself. */
  const char *own_file;
  /* The function. */
  const char *function;
};
enum { SCRIPT_TIME_COUNT = 4 };
extern const struct script_time SCRIPT_TIMES[SCRIPT_TIME_COUNT];
/* Commands that set OPKG_ACTION and OPKG_OLD_VERSION, in a script of a package of this version. */
text action_commands(script_time_t time, text version);
void add_scripts(struct job *job, const part_plan_t *plan, package_t *package);
/* The scripts of a package, as members of its archive of metadata. */
void add_script_members(const package_t *package, members_t *members);

/* account.c: `name=1000:group=1000`, as `Require-User` has it; empty where there are no accounts. */
text required_users(struct job *job, const part_plan_t *plan);

/* control.c */
void add_field(package_t *package, const char *name, text value);
void add_member(members_t *members, text path, text contents, uint32_t mode);
/* The control file of a package. `installed_size` counts bytes; 0 where that is not known yet. */
text control_text(const package_t *package, uint64_t installed_size);
/* What stands in the slot: true, or false with the reason why there is no such slot. */
bool fill_slot(text slot, const built_t *built, members_t *members, text *reason);

/* index.c */
extern const char *const CONTROL_MEMBER;
bool make_index(const package_files_t *packages, index_files_t *index, text *reason);

#endif
