// What packages run: commands of this plugin around the scripts of the OPKG. xbps passes the action (`pre`, `post`), the name of the
// package, its version, and whether it is an update.

// The times at which xbps runs a script. That before a removal is run before an update as well, the one after it is not.
export const SCRIPT_TIMES = ["pre-install", "post-install", "pre-uninstall", "post-uninstall"];

// Commands that set OPKG_ACTION and OPKG_OLD_VERSION. A script of the new package is not told which version there was.
export function actionCommands(time) {
  const [action, version] = time.endsWith("uninstall") ? ["remove", "$3"] : ["install", ""];
  return `OPKG_ACTION=${action} OPKG_OLD_VERSION=${version}\n[ "$4" != yes ] || OPKG_ACTION=upgrade\n`;
}

// Of a package, from what the host plans for it: each with its time, for /bin/sh. `own` are commands of this plugin by their time.
export function scriptlets(plan, own) {
  return SCRIPT_TIMES.flatMap((time) => {
    const planned = plan.scripts.filter((script) => script.time === time).map(({ body }) => body);
    const body = [own[time] ?? "", ...planned].join("");
    return body ? [{ time, interpreter: ["/bin/sh"], body }] : [];
  });
}

// Users and groups that are not there yet are made before anything is unpacked. A number that is taken gives way to any other one.
export function accountCommands(quote, accounts) {
  const lines = [];
  const makeGroup = (name, gid) => {
    const add = `groupadd -r ${quote(name)}`;
    const numbered = gid === undefined ? add : `groupadd -r -g ${gid} ${quote(name)} || ${add}`;
    lines.push(`getent group ${quote(name)} > /dev/null || ${numbered}`);
  };
  const makeUser = ({ name, uid, group, description, home, shell }) => {
    if (group === undefined) makeGroup(name, uid);
    const options = [
      `-g ${quote(group ?? name)}`,
      `-d ${quote(home ?? "/var/empty")}`,
      `-s ${quote(shell ?? "/bin/false")}`,
      `-c ${quote(description ?? "")}`,
    ];
    const add = `useradd -r ${options.join(" ")} ${quote(name)}`;
    const numbered = uid === undefined ? add : `useradd -u ${uid} -r ${options.join(" ")} ${quote(name)} || ${add}`;
    lines.push(`getent passwd ${quote(name)} > /dev/null || ${numbered}`);
  };
  for (const { tag, val } of accounts) {
    if (tag === "group") makeGroup(val.name, val.gid);
    if (tag === "user") makeUser(val);
    if (tag === "member") {
      makeGroup(val.group);
      makeUser({ name: val.user });
      lines.push(`usermod -a -G ${quote(val.group)} ${quote(val.user)}`);
    }
  }
  return [...new Set(lines)].map((line) => `${line}\n`).join("");
}
