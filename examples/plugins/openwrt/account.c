/* Users and groups: OpenWrt's functions make those that `Require-User` names, when a package is installed. */
#include "openwrt.h"

typedef opkg_plugin_model_source_file_t source_file_t;

static text numbered(text name, const distribution_option_u32_t *number) {
  return number->is_some ? text_format("%t=%u", name, number->val) : text_copy(name);
}

static bool is_number(text word) {
  for (size_t i = 0; i < word.len; i++) {
    if (word.ptr[i] < '0' || word.ptr[i] > '9') return false;
  }
  return word.len > 0;
}

static void warn(struct job *job, const source_file_t *file, text message) {
  say(job, OPKG_PLUGIN_MODEL_SEVERITY_WARNING, file->at, message, TEXT("let a post-install script do it"));
}

static text user_entry(struct job *job, const source_file_t *file, const opkg_plugin_model_user_account_t *user) {
  if (user->description.is_some || user->home.is_some || user->shell.is_some) {
    warn(job, file,
         text_format("OpenWrt makes the user `%t` with a description, home and shell of its own choice", user->name));
  }
  text entry = numbered(user->name, &user->uid);
  if (!user->group.is_some) return text_format("%t:%t", entry, entry);
  if (is_number(user->group.val)) {
    warn(job, file,
         text_format("OpenWrt knows groups of users by names alone: `%t` gets one of its own instead of %t", user->name,
                     user->group.val));
    return text_format("%t:%t", entry, user->name);
  }
  return text_format("%t:%t", entry, user->group.val);
}

text required_users(struct job *job, const part_plan_t *plan) {
  text users = {NULL, 0};
  for (size_t i = 0; i < job->opkg->files.len; i++) {
    const source_file_t *file = &job->opkg->files.ptr[i];
    if (file->part.tag != plan->part.tag) continue;
    for (size_t j = 0; j < file->accounts.len; j++) {
      const opkg_plugin_model_account_t *account = &file->accounts.ptr[j];
      text entry;
      switch (account->tag) {
        case OPKG_PLUGIN_MODEL_ACCOUNT_USER: entry = user_entry(job, file, &account->val.user); break;
        case OPKG_PLUGIN_MODEL_ACCOUNT_GROUP:
          entry = text_format(":%t", numbered(account->val.group.name, &account->val.group.gid));
          break;
        default: entry = text_format("%t:%t", account->val.member.user, account->val.member.group);
      }
      text_append(&users, text_format("%s%t", users.len ? " " : "", entry));
    }
  }
  return users;
}
