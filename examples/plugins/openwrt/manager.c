/* How opkg is driven. It works on the root that it runs in, knows no versions when it is asked to install, and downgrades or
   removes nothing unless it is told to. */
#include "openwrt.h"

typedef exports_opkg_plugin_package_manager_place_t place_t;
typedef exports_opkg_plugin_package_manager_command_t command_t;
typedef exports_opkg_plugin_package_manager_list_command_t commands_t;
typedef exports_opkg_plugin_package_manager_list_package_request_t requests_t;
typedef exports_opkg_plugin_package_manager_installed_t installed_t;
typedef exports_opkg_plugin_package_manager_list_installed_t all_installed_t;
typedef exports_opkg_plugin_package_manager_list_side_effect_t side_effects_t;
typedef exports_opkg_plugin_package_manager_command_failure_t failure_t;
typedef exports_opkg_plugin_package_manager_list_command_failure_t failures_t;
typedef distribution_list_string_t texts_t;

/* opkg reads each file of this directory; the file is there while a command runs. */
static const char SOURCES_FILE[] = "/etc/opkg/opkg-extra-sources.conf";

/* Lists in which there is nothing. */
#define NOTHING(list) ((list).ptr = NULL, (list).len = 0)

/* Text, line by line */

/* Takes the first line of what is left; false at the end. */
static bool next_line(text *rest, text *line) {
  if (!rest->len) return false;
  size_t length = 0;
  while (length < rest->len && rest->ptr[length] != '\n') length++;
  *line = (text){rest->ptr, length};
  size_t taken = length < rest->len ? length + 1 : length;
  *rest = (text){rest->ptr + taken, rest->len - taken};
  return true;
}

static bool is_blank(uint8_t character) {
  return character == ' ' || character == '\t' || character == '\r';
}

static text trimmed(text line) {
  while (line.len && is_blank(line.ptr[0])) line = (text){line.ptr + 1, line.len - 1};
  while (line.len && is_blank(line.ptr[line.len - 1])) line.len--;
  return line;
}

/* What follows the first place where `wanted` stands; false where it stands nowhere. */
static bool text_after(text whole, const char *wanted, text *rest) {
  for (size_t i = 0; i < whole.len; i++) {
    text from = {whole.ptr + i, whole.len - i};
    if (!text_begins(from, wanted)) continue;
    size_t length = text_of(wanted).len;
    *rest = (text){from.ptr + length, from.len - length};
    return true;
  }
  return false;
}

/* Up to a sign, which may be missing. */
static text text_until(text whole, const char *signs) {
  size_t length = 0;
  while (length < whole.len && !text_has(text_of(signs), (char)whole.ptr[length])) length++;
  return (text){whole.ptr, length};
}

/* All that the commands printed. */
static text joined(const texts_t *printed) {
  text all = {NULL, 0};
  for (size_t i = 0; i < printed->len; i++) text_append(&all, text_format("%t\n", printed->ptr[i]));
  return all;
}

/* Commands */

/* Sources beside the configured ones, for this command. opkg keeps what it read of a source under the source's name. */
static void add_sources(command_t *command, const place_t *place) {
  text lines = {NULL, 0};
  for (size_t i = 0; i < place->repositories.len; i++) {
    text location = place->repositories.ptr[i].location;
    const char *scheme = text_begins(location, "/") ? "file://" : "";
    text_append(&lines, text_format("src/gz opkg-extra-%u %s%t\n", (unsigned)i + 1, scheme, location));
  }
  if (!lines.len) return;
  exports_opkg_plugin_package_manager_text_file_t file = {text_copy(TEXT(SOURCES_FILE)), lines, false};
  PUSH(command->files, file);
}

static command_t new_command(const place_t *place, const char *const *words) {
  command_t command = {.in_root = !text_is(place->root, TEXT("/"))};
  PUSH(command.argv, text_copy(TEXT("opkg")));
  for (; *words; words++) PUSH(command.argv, text_copy(text_of(*words)));
  PUSH(command.success, 0);
  return command;
}

/* opkg has no `--`: no name of a package begins with a `-`. */
static bool add_name(command_t *command, text name, text *err) {
  if (text_begins(name, "-") || text_has(name, '*') || text_has(name, '?') || text_has(name, '[')) {
    *err = text_format("`%t` is no name of a package of OpenWrt", name);
    return false;
  }
  PUSH(command->argv, text_copy(name));
  return true;
}

static bool add_requests(command_t *command, const requests_t *packages, text *err) {
  for (size_t i = 0; i < packages->len; i++) {
    if (packages->ptr[i].version.is_some) {
      *err = text_format("opkg installs the newest version of `%t` that its sources have, and no other one",
                         packages->ptr[i].name);
      return false;
    }
    if (!add_name(command, packages->ptr[i].name, err)) return false;
  }
  return true;
}

/* A location is a word of the configuration. */
static bool check_sources(const place_t *place, text *err) {
  for (size_t i = 0; i < place->repositories.len; i++) {
    text location = place->repositories.ptr[i].location;
    for (size_t j = 0; j < location.len; j++) {
      if (location.ptr[j] > ' ' && location.ptr[j] != '"') continue;
      *err = text_format("opkg cannot be told of the source `%t`: no blank or quote may be in it", location);
      return false;
    }
  }
  return true;
}

static bool install_commands(const char *const *words, const requests_t *packages, const place_t *place, commands_t *ret,
                             text *err) {
  NOTHING(*ret);
  if (!packages->len) return true;
  if (!check_sources(place, err)) return false;
  command_t command = new_command(place, words);
  add_sources(&command, place);
  if (!add_requests(&command, packages, err)) return false;
  PUSH(*ret, command);
  return true;
}

void exports_opkg_plugin_package_manager_programs(distribution_list_string_t *ret) {
  NOTHING(*ret);
  PUSH(*ret, text_copy(TEXT("opkg")));
}

/* Nobody is asked for a version that opkg could not be told. */
bool exports_opkg_plugin_package_manager_offers(texts_t *packages, place_t *place, commands_t *ret,
                                                text *err) {
  (void)packages, (void)place, (void)err;
  NOTHING(*ret);
  return true;
}

bool exports_opkg_plugin_package_manager_parse_offers(texts_t *printed,
                                                      exports_opkg_plugin_package_manager_list_offer_t *ret, text *err) {
  (void)printed, (void)err;
  NOTHING(*ret);
  return true;
}

bool exports_opkg_plugin_package_manager_install(requests_t *packages, place_t *place, commands_t *ret, text *err) {
  return install_commands((const char *const[]){"install", NULL}, packages, place, ret, err);
}

/* `--force-reinstall` would bring the newest version. What is set back to `unpacked` is configured once more. */
bool exports_opkg_plugin_package_manager_reinstall(requests_t *packages, place_t *place, commands_t *ret, text *err) {
  NOTHING(*ret);
  if (!packages->len) return true;
  const char *const *steps[] = {(const char *const[]){"flag", "unpacked", NULL}, (const char *const[]){"configure", NULL}};
  for (size_t i = 0; i < 2; i++) {
    command_t command = new_command(place, steps[i]);
    if (!add_requests(&command, packages, err)) return false;
    PUSH(*ret, command);
  }
  return true;
}

bool exports_opkg_plugin_package_manager_simulate(requests_t *packages, place_t *place, commands_t *ret, text *err) {
  return install_commands((const char *const[]){"--noaction", "install", NULL}, packages, place, ret, err);
}

/* `Removing package NAME from root...` of what a new package replaces. */
bool exports_opkg_plugin_package_manager_parse_simulation(texts_t *printed, side_effects_t *ret, text *err) {
  (void)err;
  NOTHING(*ret);
  text rest = joined(printed), line;
  while (next_line(&rest, &line)) {
    text name;
    if (!text_begins(line, "Removing package ") || !text_after(line, " package ", &name)) continue;
    name = text_until(name, " ");
    if (!name.len) continue;
    exports_opkg_plugin_package_manager_side_effect_t effect = {text_copy(name),
                                                                EXPORTS_OPKG_PLUGIN_PACKAGE_MANAGER_SIDE_EFFECT_KIND_REMOVE};
    PUSH(*ret, effect);
  }
  return true;
}

bool exports_opkg_plugin_package_manager_remove(texts_t *packages, place_t *place, commands_t *ret,
                                                text *err) {
  NOTHING(*ret);
  if (!packages->len) return true;
  command_t command = new_command(place, (const char *const[]){"remove", NULL});
  for (size_t i = 0; i < packages->len; i++) {
    if (!add_name(&command, packages->ptr[i], err)) return false;
  }
  PUSH(*ret, command);
  return true;
}

bool exports_opkg_plugin_package_manager_repair(all_installed_t *packages, place_t *place, commands_t *ret, text *err) {
  NOTHING(*ret);
  if (!packages->len) return true;
  command_t command = new_command(place, (const char *const[]){"configure", NULL});
  for (size_t i = 0; i < packages->len; i++) {
    if (!add_name(&command, packages->ptr[i].name, err)) return false;
  }
  PUSH(*ret, command);
  return true;
}

bool exports_opkg_plugin_package_manager_refresh(place_t *place, commands_t *ret, text *err) {
  NOTHING(*ret);
  if (!check_sources(place, err)) return false;
  command_t command = new_command(place, (const char *const[]){"update", NULL});
  add_sources(&command, place);
  PUSH(*ret, command);
  return true;
}

bool exports_opkg_plugin_package_manager_query(place_t *place, commands_t *ret, text *err) {
  (void)err;
  NOTHING(*ret);
  PUSH(*ret, new_command(place, (const char *const[]){"status", NULL}));
  return true;
}

/* What is installed */

/* Adds what a paragraph said, unless it said nothing. */
static bool end_paragraph(installed_t *found, text status, all_installed_t *ret, text *err) {
  if (found->name.len) {
    if (!found->version.len || !status.len) {
      *err = text_format("opkg named the package `%t` without its version or status", found->name);
      return false;
    }
    /* `install user installed`: what is wanted, flags, what is there. */
    text state = status;
    for (size_t i = 0; i < status.len; i++) {
      if (is_blank(status.ptr[i])) state = (text){status.ptr + i + 1, status.len - i - 1};
    }
    if (!text_is(state, TEXT("installed"))) {
      found->state.tag = EXPORTS_OPKG_PLUGIN_PACKAGE_MANAGER_INSTALL_STATE_INCOMPLETE;
      found->state.val.incomplete = text_copy(state);
    }
    if (!text_is(state, TEXT("not-installed"))) PUSH(*ret, *found);
  }
  *found = (installed_t){.state.tag = EXPORTS_OPKG_PLUGIN_PACKAGE_MANAGER_INSTALL_STATE_COMPLETE};
  return true;
}

bool exports_opkg_plugin_package_manager_parse_query(texts_t *printed, all_installed_t *ret, text *err) {
  NOTHING(*ret);
  installed_t found = {.state.tag = EXPORTS_OPKG_PLUGIN_PACKAGE_MANAGER_INSTALL_STATE_COMPLETE};
  text rest = joined(printed), line, status = {NULL, 0}, value;
  while (next_line(&rest, &line)) {
    if (!trimmed(line).len) {
      if (!end_paragraph(&found, status, ret, err)) return false;
      status = (text){NULL, 0};
    } else if (text_begins(line, "Package: ") && text_after(line, ": ", &value)) {
      found.name = text_copy(trimmed(value));
    } else if (text_begins(line, "Version: ") && text_after(line, ": ", &value)) {
      found.version = text_copy(trimmed(value));
    } else if (text_begins(line, "Architecture: ") && text_after(line, ": ", &value)) {
      found.arch = (distribution_option_string_t){true, text_copy(trimmed(value))};
    } else if (text_begins(line, "Status: ") && text_after(line, ": ", &value)) {
      status = trimmed(value);
    }
  }
  if (!end_paragraph(&found, status, ret, err)) return false;
  if (ret->len) return true;
  *err = text_copy(TEXT("opkg named no package that is installed"));
  return false;
}

/* What went wrong */

static void add_failure(failures_t *failures, text cause, text package, bool is_transient) {
  failure_t failure = {.cause = text_copy(cause), .transient = is_transient};
  if (package.len) PUSH(failure.packages, text_copy(package));
  PUSH(*failures, failure);
}

/* Without the list's mark and the name of a function in opkg: ` * opkg_install_cmd: Cannot install …`. */
static text message_of(text line) {
  if (!text_begins(line, " * ")) return trimmed(line);
  text message = {line.ptr + 3, line.len - 3}, rest;
  text function = text_until(message, ": ");
  if (function.len < message.len && message.ptr[function.len] == ':' && text_after(message, ": ", &rest)) return trimmed(rest);
  return trimmed(message);
}

/* What a message means; the next one belongs to some of them. */
static void explain_message(text message, text next, failures_t *failures) {
  text rest, name;
  if (text_after(message, "package \"", &rest) && text_after(message, " script returned status ", &name)) {
    add_failure(failures, message, text_until(rest, "\""), false);
  } else if (text_after(message, "cannot find dependency ", &rest) && text_after(message, " for ", &name)) {
    add_failure(failures, message, name, false);
  } else if (text_after(message, "Unknown package '", &rest)) {
    name = text_until(rest, "'");
    add_failure(failures, text_format("no source has the package `%t`", name), name, false);
  } else if (text_after(message, "is depended upon by packages:", &rest) && text_after(message, "Package ", &name)) {
    add_failure(failures, text_format("%t %t", message, next), text_until(name, " "), false);
  } else if (text_after(message, "Package ", &name) && text_after(message, " wants to install file ", &rest)) {
    add_failure(failures, text_format("%t: %t", message, next), text_until(name, " "), false);
  } else if (text_after(message, "Could not lock ", &rest) || text_after(message, "Failed to download ", &rest)) {
    add_failure(failures, message, (text){NULL, 0}, true);
  } else if (text_after(message, "Checksum or size mismatch for package ", &rest)) {
    add_failure(failures, message, text_until(rest, ". "), true);
  } else if (text_after(message, "Signature check failed", &rest) || text_after(message, "Could not create lock file ", &rest) ||
             text_after(message, "Failed to verify the signature", &rest) || text_after(message, "Only have ", &rest)) {
    add_failure(failures, message, (text){NULL, 0}, false);
  }
}

/* opkg goes on after a script that failed, and tries those of a former transaction once more: of what was asked for, all else
   may be well. */
void exports_opkg_plugin_package_manager_explain(text *printed, bool succeeded, failures_t *ret) {
  NOTHING(*ret);
  text rest = *printed, line;
  while (next_line(&rest, &line)) {
    text ahead = rest, next = {NULL, 0};
    next_line(&ahead, &next);
    text message = message_of(line), unused;
    if (succeeded && !text_after(message, " script returned status ", &unused)) continue;
    explain_message(message, message_of(next), ret);
  }
}
