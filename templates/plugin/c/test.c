/* Run by `make test`, as a program of this machine. */
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

/* The least that an OPKG can be. */
static opkg_t sample_opkg(void) {
  static opkg_plugin_opkg_author_t author;
  static opkg_plugin_opkg_release_t release;
  static distribution_string_t description;
  author = (opkg_plugin_opkg_author_t){.role = OPKG_PLUGIN_OPKG_ROLE_MAINTAINER,
                                       .name = TEXT("Ann Author"),
                                       .email = TEXT("ann@example.org")};
  release = (opkg_plugin_opkg_release_t){.version = {.upstream = TEXT("1.0"), .release = TEXT("1")}};
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

static output_t generate(const opkg_t *opkg, const target_t *target) {
  output_t output;
  refusal_t refusal;
  CHECK(archive_generate(opkg, target, &output, &refusal));
  return output;
}

/* Whether a text has another one in it. */
static bool holds(text whole, const char *wanted) {
  for (; whole.len > 0; whole.ptr++, whole.len--) {
    if (text_begins(whole, wanted)) return true;
  }
  return false;
}

static text manifest(const output_t *output, opkg_plugin_opkg_part_t part) {
  return output->packages.ptr[part].members.ptr[0].contents;
}

static void an_opkg_becomes_three_packages(void) {
  opkg_t opkg = sample_opkg();
  target_t target = sample_target();
  output_t output = generate(&opkg, &target);
  CHECK(output.packages.len == 3);
  CHECK(text_is(output.packages.ptr[0].file_name, TEXT("opkg-demo-1.0-1.any.tar.gz")));
  CHECK(text_is(output.packages.ptr[1].file_name, TEXT("opkg-demo-server-1.0-1.any.tar.gz")));
  CHECK(text_is(output.packages.ptr[2].file_name, TEXT("opkg-demo-client-1.0-1.any.tar.gz")));
  CHECK(holds(manifest(&output, OPKG_PLUGIN_OPKG_PART_SERVER), "requires = opkg-demo = 1.0-1\n"));
}

static void relations_count_where_their_filters_say_so(void) {
  opkg_plugin_opkg_dist_filter_t dists[] = {
      {.id = text_of(ID)},
      {.id = text_of(ID), .bound = {true, {OPKG_PLUGIN_OPKG_COMPARISON_GT, text_of(DEFAULT_RELEASE)}}},
      {.id = TEXT("other")},
  };
  const char *names[] = {"here", "later", "elsewhere"};
  opkg_plugin_opkg_related_package_t packages[3];
  opkg_plugin_opkg_relation_t relations[3];
  for (int i = 0; i < 3; i++) {
    packages[i] = (opkg_plugin_opkg_related_package_t){.name.val.native = text_of(names[i])};
    relations[i] = (opkg_plugin_opkg_relation_t){
        .scope = {OPKG_PLUGIN_OPKG_SCOPE_PART, {OPKG_PLUGIN_OPKG_PART_CLIENT}},
        .kind = OPKG_PLUGIN_OPKG_KIND_REQUIRES,
        .any_of = {&packages[i], 1},
        .filter.dists = {&dists[i], 1},
    };
  }
  opkg_t opkg = sample_opkg();
  opkg.relations = (opkg_plugin_opkg_list_relation_t){relations, 3};
  target_t target = sample_target();
  output_t output = generate(&opkg, &target);
  text client = manifest(&output, OPKG_PLUGIN_OPKG_PART_CLIENT);
  CHECK(holds(client, "requires = here\n"));
  CHECK(!holds(client, "later") && !holds(client, "elsewhere"));
}

static void scripts_are_in_the_package_or_in_its_manifest(void) {
  opkg_plugin_opkg_source_file_t files[] = {
      {.path = TEXT("scripts/server-post-install"), .destination.val.path = TEXT(HOME "/server-post-install")},
      {.path = TEXT("scripts/server-pre-install"), .destination.val.path = TEXT(HOME "/server-pre-install")},
  };
  for (int i = 0; i < 2; i++) {
    files[i].part = OPKG_PLUGIN_OPKG_PART_SERVER;
    files[i].mode = 0755;
    files[i].scriptlet.is_some = true;
  }
  files[0].scriptlet.val.time = OPKG_PLUGIN_OPKG_HOOK_TIME_POST_INSTALL;
  files[1].scriptlet.val.time = OPKG_PLUGIN_OPKG_HOOK_TIME_PRE_INSTALL;
  files[1].scriptlet.val.text = (distribution_option_string_t){true, TEXT("#!/bin/sh\nexit 0\n")};
  opkg_t opkg = sample_opkg();
  opkg.files = (opkg_plugin_opkg_list_source_file_t){files, 2};
  target_t target = sample_target();
  output_t output = generate(&opkg, &target);
  CHECK(holds(manifest(&output, OPKG_PLUGIN_OPKG_PART_SERVER),
              "pre-install = scripts/pre-install\npost-install = " HOME "/server-post-install\n"));
  const opkg_plugin_artefacts_text_file_t *carried = &output.packages.ptr[1].members.ptr[1];
  CHECK(text_is(carried->path, TEXT("scripts/pre-install")) && carried->executable);
}

static void a_release_tag_follows_the_release(void) {
  opkg_t opkg = sample_opkg();
  target_t target = sample_target();
  target.release_tag = (opkg_plugin_opkg_release_tag_t){OPKG_PLUGIN_OPKG_RELEASE_TAG_CUSTOM, {TEXT("site")}};
  output_t output = generate(&opkg, &target);
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

static void releases_compare_at_the_precision_of_the_bound(void) {
  static const struct {
    const char *release, *bound;
    opkg_plugin_opkg_comparison_t comparison;
  } cases[] = {
      {"5.4", "5", OPKG_PLUGIN_OPKG_COMPARISON_EQ},
      {"5", "5.4", OPKG_PLUGIN_OPKG_COMPARISON_LT},
      {"6", "5", OPKG_PLUGIN_OPKG_COMPARISON_GT},
      {"10", "9", OPKG_PLUGIN_OPKG_COMPARISON_GT},
      {"5.4", "5.5", OPKG_PLUGIN_OPKG_COMPARISON_LT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct context context = {text_of(ID), text_of(cases[i].release), TEXT("x86_64"), {NULL, 0}};
    opkg_plugin_opkg_dist_filter_t dist = {.id = text_of(ID),
                                           .bound = {true, {cases[i].comparison, text_of(cases[i].bound)}}};
    CHECK(release_meets(&context, &dist));
    dist.bound.val.version = TEXT("9b");
    CHECK(!release_meets(&context, &dist) && context.diagnostics.len == 1);
  }
}

int main(void) {
  an_opkg_becomes_three_packages();
  relations_count_where_their_filters_say_so();
  scripts_are_in_the_package_or_in_its_manifest();
  a_release_tag_follows_the_release();
  a_target_that_there_is_not_is_refused();
  releases_compare_at_the_precision_of_the_bound();
  puts("6 tests passed");
  return 0;
}
