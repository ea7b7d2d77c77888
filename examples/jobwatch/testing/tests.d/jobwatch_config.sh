#!/bin/sh
# Compares the names in the configuration with those that the package expects.
set -e
while read -r name; do
    grep -q "^$name = " /etc/jobwatch.conf || {
        echo "jobwatch.conf does not set $name" >&2
        exit 1
    }
done < /usr/lib/oscar/testing/data/jobwatch/expected-names
