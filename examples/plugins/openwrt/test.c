/* Run by `make test`, as a program of this machine. What the host decides of an OPKG is made up here: there is no host. What
   opkg prints is what it did print. */
#include "openwrt.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

/* The host */

/* What the host answers next, and what it was asked for last. */
static part_plan_t answer;
static bool is_available;
static text asked_arch;
static opkg_plugin_rules_release_number_t asked_number;

bool opkg_plugin_rules_plan(opkg_plugin_rules_filter_context_t *context, distribution_string_t *documentation,
                            opkg_plugin_rules_list_action_commands_t *actions, opkg_plugin_rules_opkg_plan_t *ret,
                            opkg_plugin_rules_diagnostic_t *err) {
  CHECK(actions->len == 4 && text_is(*documentation, TEXT("/usr/share/doc/opkg-demo")));
  asked_arch = context->arch.val;
  asked_number = context->identities.ptr[0].number.val;
  *err = (opkg_plugin_rules_diagnostic_t){.message = TEXT("it is for another one")};
  *ret = (opkg_plugin_rules_opkg_plan_t){.parts = {&answer, 1}};
  return is_available;
}

void opkg_plugin_rules_order_prereleases(distribution_string_t *upstream, distribution_string_t *ret) {
  *ret = text_copy(*upstream);
  text_replace(*ret, '-', '~');
}

void opkg_plugin_rules_shell_quote(distribution_string_t *word, distribution_string_t *ret) {
  *ret = text_format("'%t'", *word);
}

void opkg_plugin_rules_widen_bound(opkg_plugin_model_relation_kind_t kind, opkg_plugin_rules_bound_t *bound,
                                   distribution_string_t *tag, opkg_plugin_rules_tag_syntax_t *syntax,
                                   opkg_plugin_rules_list_bound_t *ret) {
  CHECK(kind == OPKG_PLUGIN_MODEL_RELATION_KIND_RECOMMENDS && text_is(*tag, TEXT("site")));
  *ret = (opkg_plugin_rules_list_bound_t){NULL, 0};
  opkg_plugin_rules_bound_t wide = {OPKG_PLUGIN_MODEL_COMPARISON_LT, text_format("%t%t", bound->version, syntax->after_all)};
  PUSH(*ret, wide);
}

void opkg_plugin_rules_attribute_commands(opkg_plugin_rules_list_packed_file_t *files, opkg_plugin_rules_unkept_t unkept,
                                          distribution_string_t *ret) {
  CHECK(unkept == OPKG_PLUGIN_RULES_UNKEPT_OWNERS);
  *ret = (text){NULL, 0};
  for (size_t i = 0; i < files->len; i++) {
    if (files->ptr[i].mode & 06000) text_append(ret, text_format("give %t\n", files->ptr[i].path));
  }
}

void opkg_plugin_rules_ghost_commands(opkg_plugin_rules_list_packed_file_t *files, distribution_string_t *ret) {
  *ret = (text){NULL, 0};
  for (size_t i = 0; i < files->len; i++) {
    bool is_ghost = files->ptr[i].marks & OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_GHOST;
    if (is_ghost) text_append(ret, text_format("rm %t\n", files->ptr[i].path));
  }
}

/* Samples */

static opkg_plugin_model_source_file_t source_file;

/* The least that an OPKG can be. */
static opkg_t sample_opkg(void) {
  static opkg_plugin_model_author_t author;
  static opkg_plugin_model_history_entry_t release;
  static distribution_string_t paragraphs[2];
  author = (opkg_plugin_model_author_t){
      .role = OPKG_PLUGIN_MODEL_ROLE_MAINTAINER, .name = TEXT("Ann Author"), .email = TEXT("ann@example.org")};
  release = (opkg_plugin_model_history_entry_t){.version = {.epoch = 1, .upstream = TEXT("1.0-rc1"), .release = TEXT("1")}};
  paragraphs[0] = TEXT("A package made up for a test.");
  paragraphs[1] = TEXT("Depends: nothing");
  return (opkg_t){.name = TEXT("demo"),
                  .summary = TEXT("A sample"),
                  .description = {paragraphs, 2},
                  .license = TEXT("GPL"),
                  .authors = {&author, 1},
                  .history = {&release, 1},
                  .files = {&source_file, 1},
                  .home = TEXT("/usr/lib/oscar/packages/demo")};
}

static target_t sample_target(void) {
  return (target_t){.dist = text_of(ID),
                    .machine = TEXT("x86_64"),
                    .release_tag = {OPKG_PLUGIN_MODEL_RELEASE_TAG_CUSTOM, {TEXT("site")}}};
}

static void answer_server_plan(void) {
  is_available = true;
  source_file = (opkg_plugin_model_source_file_t){.part.tag = OPKG_PLUGIN_MODEL_PART_SERVER, .path = TEXT("scripts/odd")};
  answer = (part_plan_t){
      .part.tag = OPKG_PLUGIN_MODEL_PART_SERVER,
      .name = TEXT("opkg-demo-server"),
      .summary = TEXT("A sample, server part"),
      .same_version = {true, TEXT("opkg-demo")},
  };
}

static bool ask(const target_t *target, output_t *output, refusal_t *refusal) {
  static opkg_t opkg;
  opkg = sample_opkg();
  return exports_opkg_plugin_packaging_generate(&opkg, (target_t *)target, output, refusal);
}

static output_t generate(void) {
  target_t target = sample_target();
  output_t output;
  refusal_t refusal;
  CHECK(ask(&target, &output, &refusal));
  return output;
}

/* What stands in the metadata of the package. */
static members_t members_of(const output_t *output) {
  exports_opkg_plugin_containers_built_archive_t data = {.name = TEXT("data"), .unpacked_size = 5000000000};
  exports_opkg_plugin_containers_built_file_t files[] = {
      {.path = TEXT("/etc/demo.conf"), .is_configuration = true},
      {.path = TEXT("/srv/demo")},
  };
  built_t built = {.package = output->packages.ptr[0],
                   .opkg = sample_opkg(),
                   .target = sample_target(),
                   .files = {files, 2},
                   .archives = {&data, 1}};
  members_t members;
  text slot = TEXT("control"), wrong = TEXT("other"), reason;
  CHECK(exports_opkg_plugin_containers_members(&slot, &built, &members, &reason));
  CHECK(!exports_opkg_plugin_containers_members(&wrong, &built, &members, &reason));
  return members;
}

/* Whether a text has another one in it. */
static bool holds(text whole, const char *wanted) {
  for (; whole.len > 0; whole.ptr++, whole.len--) {
    if (text_begins(whole, wanted)) return true;
  }
  return false;
}

/* The content of a member; nothing where there is none. */
static text content(const members_t *members, const char *path) {
  for (size_t i = 0; i < members->len; i++) {
    if (text_is(members->ptr[i].path, text_of(path))) return members->ptr[i].content.val.text;
  }
  return (text){NULL, 0};
}

static text control(void) {
  output_t output = generate();
  members_t members = members_of(&output);
  return content(&members, "./control");
}

static bool is_said(const output_t *output, const char *message) {
  for (size_t i = 0; i < output->diagnostics.len; i++) {
    if (holds(output->diagnostics.ptr[i].message, message)) return true;
  }
  return false;
}

/* Packages */

static void a_package_has_its_name_version_and_texts(void) {
  answer_server_plan();
  output_t output = generate();
  CHECK(text_is(output.packages.ptr[0].file_name, TEXT("opkg-demo-server_1.0~rc1-1+site_all.ipk")));
  CHECK(is_said(&output, "version `1.0-rc1` is written `1.0~rc1`"));
  text fields = control();
  CHECK(holds(fields, "Package: opkg-demo-server\nVersion: 1:1.0~rc1-1+site\nDepends: opkg-demo (= 1:1.0~rc1-1+site)\n"));
  CHECK(holds(fields, "\nArchitecture: all\nInstalled-Size: 5000000000\nDescription: A sample, server part\n A package"));
  CHECK(holds(fields, "test.\n .\n Depends: nothing\n"));
  CHECK(text_is(asked_arch, TEXT("x86_64")) && asked_number.len == 2 && asked_number.ptr[1] == 10);
}

static void relations_are_fields(void) {
  answer_server_plan();
  opkg_plugin_rules_planned_package_t packages[] = {
      {.name = TEXT("a"),
       .bound = {true, {OPKG_PLUGIN_MODEL_COMPARISON_EQ, TEXT("1.2")}},
       .version = {true, {.upstream = TEXT("1.2")}}},
      {.name = TEXT("b"),
       .bound = {true, {OPKG_PLUGIN_MODEL_COMPARISON_LT, TEXT("2-1")}},
       .version = {true, {.upstream = TEXT("2"), .release = {true, TEXT("1")}}}},
      {.name = TEXT("opkg-c"),
       .is_opkg = true,
       .bound = {true, {OPKG_PLUGIN_MODEL_COMPARISON_LE, TEXT("3-1")}},
       .version = {true, {.upstream = TEXT("3"), .release = {true, TEXT("1")}}}},
  };
  opkg_plugin_rules_planned_relation_t relations[] = {
      {.kind = OPKG_PLUGIN_MODEL_RELATION_KIND_PRE_REQUIRES, .any_of = {packages, 2}, .by_default = true},
      {.kind = OPKG_PLUGIN_MODEL_RELATION_KIND_RECOMMENDS, .any_of = {&packages[2], 1}, .by_default = true},
      {.kind = OPKG_PLUGIN_MODEL_RELATION_KIND_OBSOLETES, .any_of = {&packages[1], 1}, .by_default = true},
      {.kind = OPKG_PLUGIN_MODEL_RELATION_KIND_SUPPLEMENTS, .any_of = {&packages[1], 1}, .by_default = true},
      {.kind = OPKG_PLUGIN_MODEL_RELATION_KIND_SUGGESTS, .any_of = {&packages[1], 1}, .by_default = false},
  };
  answer.relations = (opkg_plugin_rules_list_planned_relation_t){relations, 5};
  text fields = control();
  CHECK(holds(fields, "\nPre-Depends: a (>= 1.2) | b (<< 2-1), a (<< 1.2A~) | b (<< 2-1)\n"));
  CHECK(holds(fields, "\nRecommends: opkg-c (<< 3-1++)\n"));
  CHECK(holds(fields, "\nConflicts: b (<< 2-1)\nReplaces: b\n") && !holds(fields, "Suggests"));
  output_t output = generate();
  CHECK(is_said(&output, "nothing that installs or mentions") && is_said(&output, "`Replaces` of opkg has no versions"));

  packages[0].name = TEXT("perl(A::B)");
  target_t target = sample_target();
  refusal_t refusal;
  CHECK(!ask(&target, &output, &refusal) && refusal.tag == EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_FAILED);
}

static void scripts_are_run_by_the_functions_of_the_distribution(void) {
  answer_server_plan();
  opkg_plugin_rules_planned_script_t scripts[] = {
      {.time = OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_INSTALL, .body = TEXT("exit 1\n")},
      {.time = OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_INSTALL, .body = TEXT("exit 2\n")},
      {.time = OPKG_PLUGIN_MODEL_SCRIPT_TIME_TRIGGERED, .body = TEXT("exit 3\n")},
  };
  opkg_plugin_artefacts_packed_file_t files[] = {
      {.path = TEXT("/srv/demo"), .mode = 04750, .owner = TEXT("daemon"), .group = TEXT("root")},
      {.path = TEXT("/etc/demo.conf"),
       .owner = TEXT("root"),
       .group = TEXT("root"),
       .marks = OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_CONFIGURATION | OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_REPLACED},
      {.path = TEXT("/var/made"),
       .owner = TEXT("root"),
       .group = TEXT("root"),
       .marks = OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_GHOST | OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_MISSING_OK},
  };
  answer.scripts = (opkg_plugin_rules_list_planned_script_t){scripts, 3};
  answer.files = (opkg_plugin_rules_list_packed_file_t){files, 3};
  output_t output = generate();
  const opkg_plugin_artefacts_packed_file_t *packed = output.packages.ptr[0].files.ptr;
  CHECK(packed[0].mode == 0750 && packed[1].marks == OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_CONFIGURATION);
  CHECK(packed[2].marks == OPKG_PLUGIN_ARTEFACTS_FILE_MARKS_GHOST && is_said(&output, "opkg keeps `/etc/demo.conf`"));
  CHECK(is_said(&output, "opkg runs no scripts such as `scripts/odd`"));
  members_t members = members_of(&output);
  CHECK(holds(content(&members, "./postinst"), "\ndefault_postinst \"$0\" \"$@\"\n"));
  CHECK(holds(content(&members, "./postinst-pkg"), "shift\ngive /srv/demo\nexit 1\n"));
  CHECK(text_is(content(&members, "./preinst"), TEXT("#!/bin/sh\nexit 2\n")));
  CHECK(holds(content(&members, "./postrm"), "if [ \"$1\" != upgrade ]; then\nrm /var/made\nfi\n"));
  CHECK(text_is(content(&members, "./conffiles"), TEXT("/etc/demo.conf\n")) && !content(&members, "./prerm-pkg").len);
}

static void accounts_and_alternatives_are_fields(void) {
  answer_server_plan();
  opkg_plugin_model_account_t accounts[] = {
      {.tag = OPKG_PLUGIN_MODEL_ACCOUNT_USER, .val.user = {.name = TEXT("one"), .uid = {true, 300}, .home = {true, TEXT("/srv")}}},
      {.tag = OPKG_PLUGIN_MODEL_ACCOUNT_GROUP, .val.group = {.name = TEXT("g"), .gid = {true, 5}}},
      {.tag = OPKG_PLUGIN_MODEL_ACCOUNT_MEMBER, .val.member = {TEXT("one"), TEXT("g")}},
  };
  source_file.accounts = (opkg_plugin_model_list_account_t){accounts, 3};
  opkg_plugin_model_alternative_link_t slave = {.link = TEXT("/usr/share/vi.1"), .path = TEXT("/usr/share/vim.1")};
  opkg_plugin_model_alternative_t alternative = {
      .main = {.link = TEXT("/usr/bin/vi"), .path = TEXT("/usr/bin/vim")}, .priority = 30, .slaves = {&slave, 1}};
  uint32_t first = 0;
  answer.alternatives = (distribution_list_u32_t){&first, 1};
  opkg_t opkg = sample_opkg();
  opkg.alternatives = (opkg_plugin_model_list_alternative_t){&alternative, 1};
  target_t target = sample_target();
  output_t output;
  refusal_t refusal;
  CHECK(exports_opkg_plugin_packaging_generate(&opkg, &target, &output, &refusal));
  CHECK(is_said(&output, "home and shell of its own choice"));
  members_t members = members_of(&output);
  text fields = content(&members, "./control");
  CHECK(holds(fields, "\nAlternatives: 30:/usr/bin/vi:/usr/bin/vim, 30:/usr/share/vi.1:/usr/share/vim.1\n"));
  CHECK(holds(fields, "\nRequire-User: one=300:one=300 :g=5 one:g\n"));
}

static void what_there_is_not_is_refused(void) {
  answer_server_plan();
  output_t output;
  refusal_t refusal;
  target_t target = sample_target();
  target.version = (distribution_option_string_t){true, TEXT("25.12")};
  CHECK(!ask(&target, &output, &refusal) && refusal.tag == EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNKNOWN_TARGET);
  target = sample_target();
  target.arch = (distribution_option_string_t){true, TEXT("s390x")};
  CHECK(!ask(&target, &output, &refusal) && refusal.tag == EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNKNOWN_TARGET);
  is_available = false;
  target = sample_target();
  CHECK(!ask(&target, &output, &refusal) && refusal.tag == EXPORTS_OPKG_PLUGIN_PACKAGING_REFUSAL_UNAVAILABLE);
}

static void an_index_has_each_package(void) {
  text file_control = TEXT("Package: a\nVersion: 1\nDescription: x\n\n Filename: y\n");
  exports_opkg_plugin_containers_member_bytes_t member = {text_of(CONTROL_MEMBER), {file_control.ptr, file_control.len}};
  exports_opkg_plugin_containers_package_file_t file = {
      .file_name = TEXT("a_1_all.ipk"), .size = 7, .digests.sha256 = TEXT("5ca1ab1e"), .members = {&member, 1}};
  package_files_t files = {&file, 1};
  index_files_t index;
  text reason;
  CHECK(make_index(&files, &index, &reason) && index.len == 2);
  const opkg_plugin_artefacts_archive_t *plain = index.ptr[0].content.val.archives.ptr;
  CHECK(text_is(plain->entries.ptr[0].val.member.content.val.text,
                TEXT("Package: a\nVersion: 1\nFilename: a_1_all.ipk\nSize: 7\nSHA256sum: 5ca1ab1e\n"
                     "Description: x\n Filename: y\n\n")));
  file.members.len = 0;
  CHECK(!make_index(&files, &index, &reason));
}

/* The package manager */

static exports_opkg_plugin_package_manager_place_t image(void) {
  static exports_opkg_plugin_package_manager_repository_t repository;
  repository = (exports_opkg_plugin_package_manager_repository_t){.location = TEXT("/srv/packages")};
  return (exports_opkg_plugin_package_manager_place_t){.root = TEXT("/srv/image"), .repositories = {&repository, 1}};
}

static void commands_say_what_is_wanted(void) {
  exports_opkg_plugin_package_manager_package_request_t request = {.name = TEXT("opkg-demo")};
  exports_opkg_plugin_package_manager_list_package_request_t requests = {&request, 1};
  exports_opkg_plugin_package_manager_place_t place = image();
  exports_opkg_plugin_package_manager_list_command_t commands;
  text err;
  CHECK(exports_opkg_plugin_package_manager_install(&requests, &place, &commands, &err) && commands.len == 1);
  CHECK(commands.ptr[0].argv.len == 3 && text_is(commands.ptr[0].argv.ptr[2], TEXT("opkg-demo")) && commands.ptr[0].in_root);
  CHECK(text_is(commands.ptr[0].files.ptr[0].contents, TEXT("src/gz opkg-extra-1 file:///srv/packages\n")));
  request.version = (distribution_option_string_t){true, TEXT("1.0-1")};
  CHECK(!exports_opkg_plugin_package_manager_install(&requests, &place, &commands, &err));
  request = (exports_opkg_plugin_package_manager_package_request_t){.name = TEXT("opkg-*")};
  CHECK(!exports_opkg_plugin_package_manager_install(&requests, &place, &commands, &err));
}

static void what_is_installed_is_read(void) {
  text printed =
      TEXT("Package: ok\nVersion: 1.0-1\nStatus: install user installed\nArchitecture: all\nConffiles:\n"
           " /etc/ok.conf 6d5cbfd3\nInstalled-Time: 1795994822\n\n"
           "Package: f\nVersion: 1\nStatus: install user unpacked\nArchitecture: all\n\n");
  exports_opkg_plugin_package_manager_list_installed_t all;
  text err, nothing = TEXT("\n"), half = TEXT("Package: ok\n\n");
  distribution_list_string_t outputs = {&printed, 1};
  CHECK(exports_opkg_plugin_package_manager_parse_query(&outputs, &all, &err) && all.len == 2);
  CHECK(text_is(all.ptr[0].version, TEXT("1.0-1")) && text_is(all.ptr[0].arch.val, TEXT("all")));
  CHECK(all.ptr[0].state.tag == EXPORTS_OPKG_PLUGIN_PACKAGE_MANAGER_INSTALL_STATE_COMPLETE);
  CHECK(text_is(all.ptr[1].state.val.incomplete, TEXT("unpacked")));
  outputs.ptr = &nothing;
  CHECK(!exports_opkg_plugin_package_manager_parse_query(&outputs, &all, &err));
  outputs.ptr = &half;
  CHECK(!exports_opkg_plugin_package_manager_parse_query(&outputs, &all, &err));
}

static void what_would_be_removed_is_read(void) {
  text printed =
      TEXT("Installing new (2) to root...\nDownloading file:///repo/new_2_all.ipk\nRemoving package old from root...\n");
  exports_opkg_plugin_package_manager_list_side_effect_t effects;
  text err;
  distribution_list_string_t outputs = {&printed, 1};
  CHECK(exports_opkg_plugin_package_manager_parse_simulation(&outputs, &effects, &err) && effects.len == 1);
  CHECK(text_is(effects.ptr[0].name, TEXT("old")));
}

/* The only failure that is found. */
static exports_opkg_plugin_package_manager_command_failure_t explained(const char *printed) {
  exports_opkg_plugin_package_manager_list_command_failure_t failures;
  text all = text_of(printed);
  exports_opkg_plugin_package_manager_explain(&all, false, &failures);
  CHECK(failures.len == 1);
  return failures.ptr[0];
}

static void what_went_wrong_is_told(void) {
  CHECK(text_is(explained("broken\nCollected errors:\n * pkg_run_script: package \"f\" postinst script returned status 3.\n"
                          " * opkg_configure: f.postinst returned 3.\n")
                    .packages.ptr[0],
                TEXT("f")));
  CHECK(text_is(explained("Collected errors:\n * pkg_hash_check_unresolved: cannot find dependency nothere (>= 2) for needs\n"
                          " * opkg_install_cmd: Cannot install package needs.\n")
                    .cause,
                TEXT("cannot find dependency nothere (>= 2) for needs")));
  CHECK(text_is(explained(" * print_dependents_warning: Package ok is depended upon by packages:\n"
                          " * print_dependents_warning: \tuser\n")
                    .cause,
                TEXT("Package ok is depended upon by packages: user")));
  CHECK(explained(" * opkg_conf_load: Could not lock /var/lock/opkg.lock: Resource temporarily unavailable.\n").transient);
  CHECK(text_is(explained("Unknown package 'nope'.\nCollected errors:\n * opkg_install_cmd: Cannot install package nope.\n")
                    .packages.ptr[0],
                TEXT("nope")));
}

int main(void) {
  a_package_has_its_name_version_and_texts();
  relations_are_fields();
  scripts_are_run_by_the_functions_of_the_distribution();
  accounts_and_alternatives_are_fields();
  what_there_is_not_is_refused();
  an_index_has_each_package();
  commands_say_what_is_wanted();
  what_is_installed_is_read();
  what_would_be_removed_is_read();
  what_went_wrong_is_told();
  puts("10 tests passed");
  return 0;
}
