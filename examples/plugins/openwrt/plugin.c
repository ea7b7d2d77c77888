/* OpenWrt: what `--dist` may name, and for which target that is. Releases from 25.12 on have another package manager, apk. */
#include "openwrt.h"

const char *const ID = "openwrt";

/* Newest first; the first one is that of which packages are where nobody names one. */
static const char *const RELEASES[] = {"24.10", "23.05", "22.03"};
enum { RELEASE_COUNT = sizeof RELEASES / sizeof *RELEASES };

/* The names of OPKGs, and those of OpenWrt, which has many for what its routers are: these run on each of the architecture. */
static const struct {
  const char *canonical, *native;
} ARCHS[] = {{"x86_64", "x86_64"}, {"aarch64", "aarch64_generic"}, {"i386", "i386_pentium4"}};
enum { ARCH_COUNT = sizeof ARCHS / sizeof *ARCHS };

void exports_opkg_plugin_packaging_describe(exports_opkg_plugin_packaging_distribution_info_t *ret) {
  *ret = (exports_opkg_plugin_packaging_distribution_info_t){
      .id = text_copy(text_of(ID)),
      .name = text_copy(TEXT("OpenWrt")),
      .version = text_copy(TEXT("0.1.0")),
  };
  for (size_t i = 0; i < RELEASE_COUNT; i++) {
    exports_opkg_plugin_packaging_distribution_release_t release = {text_copy(text_of(RELEASES[i])), {false, {0}}, i == 0};
    PUSH(ret->releases, release);
  }
  for (size_t i = 0; i < ARCH_COUNT; i++) {
    exports_opkg_plugin_packaging_arch_name_t arch = {text_copy(text_of(ARCHS[i].canonical)),
                                                      text_copy(text_of(ARCHS[i].native))};
    PUSH(ret->archs, arch);
  }
}

/* A refusal of a target that there is not; false, for the caller to return. */
static bool refuse_target(refusal_t *refusal, text why) {
  refusal->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNKNOWN_TARGET;
  refusal->val.unknown_target = why;
  return false;
}

static bool find_target(const target_t *target, text *release, text *arch, refusal_t *refusal) {
  text asked_release = target->version.is_some ? target->version.val : text_of(RELEASES[0]);
  text asked_arch = target->arch.is_some ? target->arch.val : target->machine;
  text releases = {NULL, 0}, archs = {NULL, 0};
  *release = *arch = (text){NULL, 0};
  for (size_t i = 0; i < RELEASE_COUNT; i++) {
    if (text_is(asked_release, text_of(RELEASES[i]))) *release = text_of(RELEASES[i]);
    text_append(&releases, text_format("%s%s", i ? ", " : "", RELEASES[i]));
  }
  if (!release->len) {
    text why = text_format("`%t` is no release of OpenWrt with packages of opkg: there is %t", asked_release, releases);
    return refuse_target(refusal, why);
  }
  for (size_t i = 0; i < ARCH_COUNT; i++) {
    if (text_is(asked_arch, text_of(ARCHS[i].canonical))) *arch = text_of(ARCHS[i].native);
    text_append(&archs, text_format("%s%s", i ? ", " : "", ARCHS[i].canonical));
  }
  if (!arch->len) {
    return refuse_target(refusal, text_format("OpenWrt has no packages for `%t`, only for %t", asked_arch, archs));
  }
  return true;
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
static bool plan_packages(const struct job *job, text release, opkg_plugin_rules_opkg_plan_t *plan, diagnostic_t *why) {
  const target_t *target = job->target;
  opkg_plugin_rules_dist_identity_t identity = {.id = text_of(ID), .default_number = release_number(release)};
  identity.number.is_some = true;
  identity.number.val = release_number(release);
  opkg_plugin_rules_filter_context_t context = {
      .name = text_copy(target->dist),
      .identities = {&identity, 1},
      .arch = {true, target->arch.is_some ? target->arch.val : target->machine},
      .machine = target->machine,
  };
  if (target->version.is_some) text_append(&context.name, text_format("-%t", target->version.val));
  if (target->arch.is_some) text_append(&context.name, text_format("-%t", target->arch.val));
  text documentation = text_format("/usr/share/doc/opkg-%t", job->opkg->name);
  opkg_plugin_rules_action_commands_t actions[SCRIPT_TIME_COUNT];
  for (size_t i = 0; i < SCRIPT_TIME_COUNT; i++) {
    script_time_t time = SCRIPT_TIMES[i].time;
    actions[i] = (opkg_plugin_rules_action_commands_t){time, action_commands(time, version_text(&job->version))};
  }
  opkg_plugin_rules_list_action_commands_t all = {actions, SCRIPT_TIME_COUNT};
  return opkg_plugin_rules_plan(&context, &documentation, &all, plan, why);
}

/* OpenWrt's own packages have none, since its releases are installed as a whole; but packages of an OPKG have to rise with
   them, as everywhere. */
static text release_tag(const opkg_plugin_model_release_tag_t *asked, text release) {
  switch (asked->tag) {
    case OPKG_PLUGIN_MODEL_RELEASE_TAG_CUSTOM: return asked->val.custom;
    case OPKG_PLUGIN_MODEL_RELEASE_TAG_NATIVE: return text_format("owrt%t", release);
    default: return (text){NULL, 0};
  }
}

bool exports_opkg_plugin_packaging_generate(opkg_t *opkg, target_t *target, output_t *ret, refusal_t *err) {
  text release;
  struct job job = {.opkg = opkg, .target = target};
  if (!find_target(target, &release, &job.arch, err)) return false;
  job.release_tag = release_tag(&target->release_tag, release);
  job.version = package_version(opkg, job.release_tag);
  opkg_plugin_rules_opkg_plan_t plan;
  if (!plan_packages(&job, release, &plan, &err->val.unavailable)) {
    err->tag = EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNAVAILABLE;
    return false;
  }
  return make_output(&job, &plan, ret, err);
}

bool exports_opkg_plugin_containers_members(text *slot, built_t *built, members_t *ret, text *err) {
  return fill_slot(*slot, built, ret, err);
}

bool exports_opkg_plugin_containers_describe_index(exports_opkg_plugin_containers_index_request_t *ret) {
  *ret = (exports_opkg_plugin_containers_index_request_t){.suffixes = {NULL, 0}};
  PUSH(ret->suffixes, text_copy(TEXT(".ipk")));
  PUSH(ret->members, text_copy(text_of(CONTROL_MEMBER)));
  return true;
}

bool exports_opkg_plugin_containers_index(exports_opkg_plugin_containers_package_source_t *source,
                                          package_files_t *packages, index_files_t *ret, text *err) {
  (void)source;
  return make_index(packages, ret, err);
}

void say(struct job *job, opkg_plugin_model_severity_t severity, opkg_plugin_model_node_t at, text message, text help) {
  for (size_t i = 0; i < job->diagnostics.len; i++) {
    const diagnostic_t *old = &job->diagnostics.ptr[i];
    if (old->at.is_some && old->at.val == at && text_is(old->message, message)) return;
  }
  diagnostic_t said = {severity, {true, at}, message, {help.len > 0, text_copy(help)}};
  PUSH(job->diagnostics, said);
}

bool has_errors(const diagnostics_t *diagnostics) {
  for (size_t i = 0; i < diagnostics->len; i++) {
    if (diagnostics->ptr[i].severity == OPKG_PLUGIN_MODEL_SEVERITY_ERROR) return true;
  }
  return false;
}
