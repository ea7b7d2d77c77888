"""What went wrong, out of what apk prints."""

import re

from wit_world.exports import package_manager

# What passes by itself.
TRANSIENT = re.compile(
    r"temporary error|temporarily unavailable|network error|could not connect|connection (aborted|reset|refused|timed out)"
    r"|operation timed out|DNS",
    re.IGNORECASE,
)
SCRIPT_FAILED = ": script exited with error "
NOT_REMOVED = "World updated, but the following packages are not removed due to:"
NOT_SELECTED = "unable to select packages:"


def explain(printed, succeeded):
    """The causes. apk succeeds although scripts failed, and although packages stay that were to be removed."""
    lines = printed.splitlines()
    found = scripts(lines) + not_removed(lines)
    if not succeeded:
        found += not_selected(lines)
        for line in lines:
            text = line.partition(": ")[2] if line.startswith(("ERROR: ", "WARNING: ")) else ""
            is_transient = bool(TRANSIENT.search(text))
            if not text or text == NOT_SELECTED or SCRIPT_FAILED in text:
                continue
            if line.startswith("ERROR: ") or is_transient:
                found.append(failure(text, package_of(text), is_transient))
    return found


def scripts(lines):
    """With what they printed before, which apk marks with a star."""
    found, said = [], []
    for line in lines:
        if re.match(r"\s*(\(\s*\d+/\d+\) |Executing )", line):
            said = []
        elif line.startswith("ERROR: ") and SCRIPT_FAILED in line:
            script, _, status = line.removeprefix("ERROR: ").partition(SCRIPT_FAILED)
            versioned, _, time = script.rpartition(".")
            package = package_name(versioned) or versioned
            output = ": " + "; ".join(said) if said else ""
            found.append(failure(f"the {time} script of {package} failed with status {status.strip()}{output}", package, False))
            said = []
        elif line.strip():
            said.append(line.strip().removeprefix("* "))
    return found


def not_removed(lines):
    """`  opkg-x: opkg-x-server`: what stays, and what needs it."""
    found = []
    for line in block(lines, NOT_REMOVED):
        name, separator, others = line.strip().partition(":")
        if separator:
            found.append(failure(f"{name} is not removed: {others.strip()} needs it", name, False))
    return found


def not_selected(lines):
    """A package that is missing or in the way, then what it is needed for, indented by more."""
    found = []
    for line in block(lines, NOT_SELECTED):
        text = line.strip()
        if line.startswith("    ") and found:
            found[-1].cause += f" {text}"
        else:
            found.append(failure(text, re.split(r"[ :]", text)[0], False))
    for it in found:
        it.packages = [package_name(name) or name for name in it.packages]
    return found


def block(lines, head):
    """The lines that are indented below one."""
    start = next((number for number, line in enumerate(lines) if line.endswith(head)), len(lines))
    for line in lines[start + 1 :]:
        if not line.startswith("  "):
            return
        yield line


def package_of(text):
    """Of `opkg-x-1.0-r1: …`."""
    return package_name(text.partition(":")[0])


def package_name(versioned):
    """`opkg-x` of `opkg-x-1.0-r1`."""
    name, *version = versioned.rsplit("-", 2)
    is_version = len(version) == 2 and version[0][:1].isdigit() and version[1][:1] == "r" and version[1][1:].isdigit()
    return name if is_version and " " not in versioned else None


def failure(cause, package, transient):
    return package_manager.CommandFailure(cause, [package] if package else [], transient)
