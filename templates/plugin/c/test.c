/* Run by `make test`, as a program of this machine. What the host decides of an OPKG is made up here: there is no host. */
#include "archive.h"

#include <stdio.h>
#include <stdlib.h>

#define HOME "/usr/lib/oscar/packages/demo"

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                               \
    }                                                                        \
  } while (0)

/* What the host answers next, and what it was asked for last. */
static opkg_plugin_rules_part_plan_t answer;
static bool is_available;
static text asked_arch, asked_documentation;
static uint64_t asked_number;

bool opkg_plugin_rules_plan(opkg_plugin_rules_filter_context_t *context, distribution_string_t *documentation,
                            opkg_plugin_rules_list_action_commands_t *actions, opkg_plugin_rules_opkg_plan_t *ret,
                            opkg_plugin_rules_diagnostic_t *err) {
  CHECK(actions->len == 4 && text_is(context->identities.ptr[0].id, text_of(ID)));
  asked_arch = context->arch.val;
  asked_documentation = *documentation;
  asked_number = context->identities.ptr[0].number.val.ptr[0];
  *err = (opkg_plugin_rules_diagnostic_t){.message = TEXT("it is for another one")};
  *ret = (opkg_plugin_rules_opkg_plan_t){.parts = {&answer, 1}};
  return is_available;
}

/* The least that an OPKG can be. */
static opkg_t sample_opkg(void) {
  static opkg_plugin_model_author_t author;
  static opkg_plugin_model_history_entry_t release;
  static distribution_string_t description;
  author = (opkg_plugin_model_author_t){.role = OPKG_PLUGIN_MODEL_ROLE_MAINTAINER,
                                        .name = TEXT("Ann Author"),
                                        .email = TEXT("ann@example.org")};
  release = (opkg_plugin_model_history_entry_t){.version = {.upstream = TEXT("1.0"), .release = TEXT("1")}};
  description = TEXT("A package made up for a test.");
  return (opkg_t){
      .name = TEXT("demo"),
      .summary = TEXT("A sample"),
      .description = {&description, 1},
      .license = TEXT("GPL"),
      .authors = {&author, 1},
      .history = {&release, 1},
      .home = TEXT(HOME),
  };
}

static target_t sample_target(void) {
  return (target_t){.dist = text_of(ID), .machine = TEXT("x86_64")};
}

/* What the host says of a package for the server. */
static void answer_server_plan(void) {
  is_available = true;
  answer = (opkg_plugin_rules_part_plan_t){
      .part.tag = OPKG_PLUGIN_MODEL_PART_SERVER,
      .name = TEXT("opkg-demo-server"),
      .summary = TEXT("A sample, server part"),
      .same_version = {true, TEXT("opkg-demo")},
  };
}

static output_t generate(const target_t *target) {
  opkg_t opkg = sample_opkg();
  output_t output;
  refusal_t refusal;
  CHECK(archive_generate(&opkg, target, &output, &refusal));
  return output;
}

/* What stands in a package of which the host has read one file. */
static members_t members_of(const output_t *output) {
  exports_opkg_plugin_containers_built_file_t file = {.path = TEXT("/etc/demo.conf")};
  file.kind.val.regular.f0 = 7;
  file.kind.val.regular.f1.sha256 = TEXT("5ca1ab1e");
  built_t built = {.package = output->packages.ptr[0],
                   .opkg = sample_opkg(),
                   .target = sample_target(),
                   .files = {&file, 1},
                   .installed_size = 5000000000};
  members_t members;
  text reason;
  CHECK(manifest_members(TEXT("manifest"), &built, &members, &reason));
  CHECK(!manifest_members(TEXT("other"), &built, &members, &reason));
  return members;
}

/* Whether a text has another one in it. */
static bool holds(text whole, const char *wanted) {
  for (; whole.len > 0; whole.ptr++, whole.len--) {
    if (text_begins(whole, wanted)) return true;
  }
  return false;
}

static text content(const members_t *members, size_t index) {
  return members->ptr[index].content.val.text;
}

static void what_the_host_plans_becomes_a_package(void) {
  answer_server_plan();
  target_t target = sample_target();
  target.arch = (distribution_option_string_t){true, TEXT("aarch64")};
  output_t output = generate(&target);
  CHECK(output.packages.len == 1 && output.packages.ptr[0].part.val.tag == OPKG_PLUGIN_MODEL_PART_SERVER);
  CHECK(text_is(output.packages.ptr[0].file_name, TEXT("opkg-demo-server-1.0-1.any.tar.gz")));
  CHECK(holds(output.meta_files.ptr[0].contents, "requires = opkg-demo = 1.0-1\n"));
  CHECK(asked_number == 1 && text_is(asked_arch, TEXT("aarch64")));
  CHECK(text_is(asked_documentation, TEXT("/usr/share/doc/opkg-demo")));
}

static void an_opkg_that_is_not_for_the_target_is_unavailable(void) {
  answer_server_plan();
  is_available = false;
  opkg_t opkg = sample_opkg();
  target_t target = sample_target();
  output_t output;
  refusal_t refusal;
  CHECK(!archive_generate(&opkg, &target, &output, &refusal));
  CHECK(refusal.tag == EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNAVAILABLE);
  CHECK(text_is(refusal.val.unavailable.message, TEXT("it is for another one")));
}

static void relations_stand_in_the_manifest(void) {
  answer_server_plan();
  opkg_plugin_rules_planned_package_t packages[] = {
      {.name = TEXT("a"), .bound = {true, {OPKG_PLUGIN_MODEL_COMPARISON_GE, TEXT("1.2")}}},
      {.name = TEXT("b")},
  };
  opkg_plugin_rules_planned_relation_t relations[] = {
      {.kind = OPKG_PLUGIN_MODEL_RELATION_KIND_PRE_REQUIRES, .any_of = {packages, 2}},
      {.kind = OPKG_PLUGIN_MODEL_RELATION_KIND_OBSOLETES, .any_of = {&packages[1], 1}},
  };
  answer.relations = (opkg_plugin_rules_list_planned_relation_t){relations, 2};
  target_t target = sample_target();
  output_t output = generate(&target);
  CHECK(holds(output.meta_files.ptr[0].contents, "pre-requires = a >= 1.2 | b\nobsoletes = b\n"));
}

static void scripts_are_members_of_the_package(void) {
  answer_server_plan();
  opkg_plugin_rules_planned_script_t scripts[] = {
      {.time = OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_INSTALL, .body = TEXT("exit 1\n")},
      {.time = OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_INSTALL, .body = TEXT("exit 2\n")},
  };
  answer.scripts = (opkg_plugin_rules_list_planned_script_t){scripts, 2};
  target_t target = sample_target();
  output_t output = generate(&target);
  members_t members = members_of(&output);
  CHECK(members.len == 3);
  CHECK(holds(content(&members, 0), "pre-install = scripts/pre-install\npost-install = scripts/post-install\n"));
  CHECK(text_is(members.ptr[1].path, TEXT("scripts/pre-install")) && members.ptr[1].mode == 0755);
  CHECK(text_is(content(&members, 1), TEXT("#!/bin/sh\nexit 2\n")));
}

static void the_manifest_has_what_is_kept_and_what_the_host_has_read(void) {
  answer_server_plan();
  opkg_plugin_artefacts_packed_file_t file = {.path = TEXT("/etc/demo.conf"),
                                              .marks = OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_CONFIGURATION};
  answer.files = (opkg_plugin_rules_list_packed_file_t){&file, 1};
  target_t target = sample_target();
  output_t output = generate(&target);
  members_t members = members_of(&output);
  CHECK(holds(content(&members, 0), "configuration = /etc/demo.conf\n"));
  CHECK(holds(content(&members, 0), "size = 5000000000\nfile = 5ca1ab1e 7 /etc/demo.conf\n"));
}

static void what_is_said_of_files_stands_in_the_manifest(void) {
  answer_server_plan();
  uint8_t configuration = OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_CONFIGURATION, ghost = OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_GHOST;
  opkg_plugin_artefacts_packed_file_t files[] = {
      {.path = TEXT("/etc/new"), .marks = configuration | OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_REPLACED},
      {.path = TEXT("/usr/share/licenses/demo"), .marks = OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_LICENSE},
      {.path = TEXT("/var/state"), .marks = ghost | OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_MISSING_OK},
  };
  answer.files = (opkg_plugin_rules_list_packed_file_t){files, 3};
  target_t target = sample_target();
  output_t output = generate(&target);
  CHECK(holds(output.meta_files.ptr[0].contents,
              "configuration = /etc/new\nghost = /var/state\nconfiguration-replaced = /etc/new\n"));
  /* A record with what only an RPM has would be refused. */
  const opkg_plugin_artefacts_packed_file_t *packed = output.packages.ptr[0].files.ptr;
  CHECK(packed[0].marks == configuration && packed[1].marks == 0 && packed[2].marks == ghost);
}

static void a_release_tag_follows_the_release(void) {
  answer_server_plan();
  target_t target = sample_target();
  target.release_tag = (opkg_plugin_model_release_tag_t){OPKG_PLUGIN_MODEL_RELEASE_TAG_CUSTOM, {TEXT("site")}};
  output_t output = generate(&target);
  CHECK(text_is(output.packages.ptr[0].release, TEXT("1.site")));
}

static void a_target_that_there_is_not_is_refused(void) {
  opkg_t opkg = sample_opkg();
  output_t output;
  refusal_t refusal;
  for (int i = 0; i < 2; i++) {
    target_t target = sample_target();
    if (i == 0) target.version = (distribution_option_string_t){true, TEXT("no")};
    if (i == 1) target.arch = (distribution_option_string_t){true, TEXT("s390x")};
    CHECK(!archive_generate(&opkg, &target, &output, &refusal));
    CHECK(refusal.tag == EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNKNOWN_TARGET);
  }
}

int main(void) {
  what_the_host_plans_becomes_a_package();
  an_opkg_that_is_not_for_the_target_is_unavailable();
  relations_stand_in_the_manifest();
  scripts_are_members_of_the_package();
  the_manifest_has_what_is_kept_and_what_the_host_has_read();
  what_is_said_of_files_stands_in_the_manifest();
  a_release_tag_follows_the_release();
  a_target_that_there_is_not_is_refused();
  puts("8 tests passed");
  return 0;
}
