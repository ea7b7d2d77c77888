#!/bin/sh
changed=
for directory do changed="$changed
$directory/"; done
set --
for directory in '/usr/lib/oscar/packages'; do
    case $changed in
        *"
$directory/"*) set -- "$@" "$directory" ;;
    esac
done
[ $# -gt 0 ] || exit 0
OSCAR_PACKAGE_HOME='/usr/lib/oscar/packages/site-monitor'
export OSCAR_PACKAGE_HOME
OPKG_ACTION=triggered OPKG_OLD_VERSION=
export OPKG_ACTION OPKG_OLD_VERSION
exec '/usr/lib/oscar/packages/site-monitor/client-triggered' "$@"
