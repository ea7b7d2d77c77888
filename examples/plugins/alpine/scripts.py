"""What runs around the installation and the removal of a package. All of it is for the shell and the programs of busybox."""

from wit_world.imports import artefacts, model, rules

TIMES = model.ScriptTime
# The members in which apk looks for scripts. An upgrade is a case of its own for it, and native scripts of an OPKG run then as
# they do at an installation.
MEMBERS = {
    TIMES.PRE_INSTALL: [".pre-install", ".pre-upgrade"],
    TIMES.POST_INSTALL: [".post-install", ".post-upgrade"],
    TIMES.PRE_UNINSTALL: [".pre-deinstall"],
    TIMES.POST_UNINSTALL: [".post-deinstall"],
    TIMES.TRIGGERED: [".trigger"],
}
# Below a directory apk looks no deeper than patterns say.
TRIGGER_DEPTH = 4


def of_part(opkg, plan):
    """The scripts that apk runs, in the order in which they stand in a package."""
    own = {script.time: script.body for script in plan.scripts}
    # apk gives files their owners, by name.
    attributes = rules.attribute_commands(plan.files, rules.Unkept.CAPABILITIES)
    before = {TIMES.PRE_INSTALL: accounts(opkg, plan), TIMES.POST_INSTALL: attributes}
    after = {TIMES.POST_UNINSTALL: rules.ghost_commands(plan.files)}
    if TIMES.TRIGGERED in own:
        before[TIMES.TRIGGERED] = concerned_directories(opkg, plan)
        if not plan.triggers:
            del own[TIMES.TRIGGERED]
    scripts = []
    for time in MEMBERS:
        body = join(before.get(time, ""), own.get(time), after.get(time, ""))
        if body and (time != TIMES.TRIGGERED or time in own):
            scripts.append(artefacts.Scriptlet(time, ["/bin/sh"], body))
    return scripts


def join(before, script, after):
    """The OPKG's script, which may end the shell, between other commands."""
    if script is None or not after:
        return before + (script or "") + after
    return f"{before}(\n{script}) || exit\n{after}"


def needed(plan, scriptlets):
    """Packages without which the scripts cannot run."""
    if not scriptlets:
        return []
    names = ["/bin/sh"]
    for script in plan.scripts:
        names += [f"cmd:{program.rsplit('/', 1)[1]}" for program in script.required_programs]
    if any(file.capabilities for file in own_files(plan)):
        names.append("cmd:setcap")
    return list(dict.fromkeys(names))


def own_files(plan):
    return [file for file in plan.files if artefacts.FileMarks.GHOST not in file.marks]


def accounts(opkg, plan):
    """Makes users and groups before files are given to them: groups, then users, then who is in which group."""
    packed = {file.content.value for file in own_files(plan) if isinstance(file.content, artefacts.Content_Source)}
    described = [account for file in opkg.files if file.at in packed for account in file.accounts]
    users = {it.value.name: it.value for it in described if isinstance(it, model.Account_User)}
    members = [it.value for it in described if isinstance(it, model.Account_Member)]
    for member in members:
        users.setdefault(member.user, model.UserAccount(member.user, None, None, None, None, None))
    groups = {user.name: user.uid for user in users.values() if user.group is None}
    groups |= {member.group: None for member in members if member.group not in groups}
    groups |= {it.value.name: it.value.gid for it in described if isinstance(it, model.Account_Group)}
    lines = [make_group(name, gid) for name, gid in groups.items()]
    lines += [make_user(user) for user in users.values()]
    quote = rules.shell_quote
    lines += [f"addgroup {quote(member.user)} {quote(member.group)} || :\n" for member in members]
    return "".join(lines)


def make_group(name, gid):
    name = rules.shell_quote(name)
    # A number that is taken is another one.
    numbered = f"addgroup -S -g {gid} {name} 2> /dev/null || " if gid is not None else ""
    return f"getent group {name} > /dev/null || {numbered}addgroup -S {name} || :\n"


def make_user(user):
    quote = rules.shell_quote
    name = quote(user.name)
    group = quote(user.group or user.name)
    if user.group and user.group.isdigit():
        group = f'"$(getent group {group} | cut -d: -f1)"'
    options = f"-S -D -H -h {quote(user.home or '/dev/null')} -s {quote(user.shell or '/sbin/nologin')} -G {group}"
    if user.description:
        options += f" -g {quote(user.description)}"
    numbered = f"adduser {options} -u {user.uid} {name} 2> /dev/null || " if user.uid is not None else ""
    return f"getent passwd {name} > /dev/null || {numbered}adduser {options} {name} || :\n"


def trigger_patterns(paths):
    """A pattern's `*` stands for one name, and the script is told of directories."""
    return [path + "/*" * depth for path in paths for depth in range(TRIGGER_DEPTH + 1)]


def concerned_directories(opkg, plan):
    """Commands that make the directories of triggers of the directories that apk names."""
    words = "".join(f" {rules.shell_quote(opkg.triggers[index].path)}" for index in plan.triggers)
    return (
        "changed=\nfor directory do changed=\"$changed\n$directory/\"; done\nset --\n"
        f"for directory in{words}; do\n    case $changed in\n"
        '        *"\n$directory/"*) set -- "$@" "$directory" ;;\n    esac\ndone\n[ $# -gt 0 ] || exit 0\n'
    )
