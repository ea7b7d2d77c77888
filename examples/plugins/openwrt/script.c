/* Scripts. Those of OpenWrt run its own functions, which make users, enable and start services of /etc/init.d, and run what
   the package itself has beside them; `$IPKG_INSTROOT` is the root of an image that is being built on another machine. */
#include "openwrt.h"

const struct script_time SCRIPT_TIMES[SCRIPT_TIME_COUNT] = {
    {OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_INSTALL, "preinst", NULL, NULL},
    {OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_INSTALL, "postinst", "postinst-pkg", "default_postinst"},
    {OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_UNINSTALL, "prerm", "prerm-pkg", "default_prerm"},
    {OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_UNINSTALL, "postrm", NULL, NULL},
};

/* opkg does not tell a script that runs after an upgrade which version there was. */
text action_commands(script_time_t time, text version) {
  text own = {NULL, 0};
  opkg_plugin_rules_shell_quote(&version, &own);
  switch (time) {
    case OPKG_PLUGIN_MODEL_SCRIPT_TIME_PRE_INSTALL:
      return text_copy(
          TEXT("OPKG_ACTION=install OPKG_OLD_VERSION=\n"
               "[ \"$1\" != upgrade ] || OPKG_ACTION=upgrade OPKG_OLD_VERSION=$2\n"));
    case OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_INSTALL:
      return text_copy(
          TEXT("OPKG_ACTION=install OPKG_OLD_VERSION=\n"
               "[ \"$PKG_UPGRADE\" != 1 ] || OPKG_ACTION=upgrade\n"));
    default:
      return text_format(
          "OPKG_ACTION=remove OPKG_OLD_VERSION=%t\n"
          "[ \"$1\" != upgrade ] || OPKG_ACTION=upgrade\n",
          own);
  }
}

static const struct script_time *find_time(script_time_t time) {
  for (size_t i = 0; i < SCRIPT_TIME_COUNT; i++) {
    if (SCRIPT_TIMES[i].time == time) return &SCRIPT_TIMES[i];
  }
  return NULL;
}

/* opkg unpacks files for the numbers in an archive, and accounts have theirs only on the machine. */
static text attribute_commands(const part_plan_t *plan) {
  text commands = {NULL, 0};
  opkg_plugin_rules_attribute_commands((opkg_plugin_rules_list_packed_file_t *)&plan->files, OPKG_PLUGIN_RULES_UNKEPT_OWNERS,
                                       &commands);
  return commands;
}

/* What the package knows and does not bring goes with it, and stays when a newer one comes. */
static text ghost_commands(const part_plan_t *plan) {
  text commands = {NULL, 0};
  opkg_plugin_rules_ghost_commands((opkg_plugin_rules_list_packed_file_t *)&plan->files, &commands);
  return commands.len ? text_format("if [ \"$1\" != upgrade ]; then\n%tfi\n", commands) : commands;
}

static text planned_body(struct job *job, const part_plan_t *plan, script_time_t time) {
  text body = {NULL, 0};
  for (size_t i = 0; i < plan->scripts.len; i++) {
    const opkg_plugin_rules_planned_script_t *planned = &plan->scripts.ptr[i];
    if (planned->time == time) text_append(&body, planned->body);
    if (find_time(planned->time)) continue;
    const opkg_plugin_model_source_file_t *file = &job->opkg->files.ptr[planned->source];
    text message = text_format("opkg runs no scripts such as `%t`", file->path);
    say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, file->at, message, TEXT("let the post-install script do it"));
  }
  return body;
}

void add_scripts(struct job *job, const part_plan_t *plan, package_t *package) {
  for (size_t i = 0; i < SCRIPT_TIME_COUNT; i++) {
    script_time_t time = SCRIPT_TIMES[i].time;
    text body = {NULL, 0};
    if (time == OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_INSTALL) text_append(&body, attribute_commands(plan));
    if (time == OPKG_PLUGIN_MODEL_SCRIPT_TIME_POST_UNINSTALL) text_append(&body, ghost_commands(plan));
    text_append(&body, planned_body(job, plan, time));
    if (!body.len) continue;
    opkg_plugin_artefacts_scriptlet_t script = {.time = time, .body = body};
    PUSH(script.interpreter, text_copy(TEXT("/bin/sh")));
    PUSH(package->scriptlets, script);
  }
}

static const opkg_plugin_artefacts_scriptlet_t *find_script(const package_t *package, script_time_t time) {
  for (size_t i = 0; i < package->scriptlets.len; i++) {
    if (package->scriptlets.ptr[i].time == time) return &package->scriptlets.ptr[i];
  }
  return NULL;
}

void add_script_members(const package_t *package, members_t *members) {
  for (size_t i = 0; i < SCRIPT_TIME_COUNT; i++) {
    const struct script_time *time = &SCRIPT_TIMES[i];
    const opkg_plugin_artefacts_scriptlet_t *script = find_script(package, time->time);
    text path = text_format("./%s", time->file);
    if (time->function) {
      text calls = text_format(
          "#!/bin/sh\n"
          "[ \"${IPKG_NO_SCRIPT}\" = 1 ] && exit 0\n"
          "[ -s \"${IPKG_INSTROOT}/lib/functions.sh\" ] || exit 0\n"
          ". \"${IPKG_INSTROOT}/lib/functions.sh\"\n"
          "%s \"$0\" \"$@\"\n",
          time->function);
      add_member(members, path, calls, 0755);
      if (!script) continue;
      /* The function reads it into itself, where the first argument is the path of the script. In the root of another
         machine's image, nothing of the package can run. */
      text body = text_format(
          "#!/bin/sh\n"
          "[ -z \"${IPKG_INSTROOT}\" ] || exit 0\n"
          "[ $# -eq 0 ] || shift\n"
          "%t",
          script->body);
      add_member(members, text_format("./%s", time->own_file), body, 0755);
    } else if (script) {
      add_member(members, path, text_format("#!/bin/sh\n%t", script->body), 0755);
    }
  }
}
