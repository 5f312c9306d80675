#!/bin/sh
# Writes for front.nginx.conf whom the front believes: the addresses and networks of FRONT_TRUSTED_PROXIES, separated
# by commas. The image of nginx runs it before nginx. FRONT_TRUST_FOLDER (/tmp/front) is where it writes.
set -eu
folder=${FRONT_TRUST_FOLDER:-/tmp/front}
mkdir -p "$folder"
: >"$folder/real-ip.conf"
: >"$folder/geo.conf"
for network in $(printf %s "${FRONT_TRUSTED_PROXIES:-}" | tr ',' ' '); do
    case $network in
    *[!0-9A-Fa-f.:/]*)
        echo "FRONT_TRUSTED_PROXIES has '$network', which is no network." >&2
        exit 1
        ;;
    esac
    echo "set_real_ip_from $network;" >>"$folder/real-ip.conf"
    echo "$network yes;" >>"$folder/geo.conf"
done
