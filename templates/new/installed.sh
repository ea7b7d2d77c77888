#!/bin/sh
# Succeeds if the package is there.
test -f /usr/lib/oscar/packages/{{ name }}/config.xml
