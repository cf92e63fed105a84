#!/bin/bash
# Fills in the templates and starts squid. Upstream ships a script of this name; this one is the rig's.
set -e
names=$(env | sed -n 's/^\([A-Z_]*\)=.*/${\1}/p' | tr '\n' ' ')
for template in /etc/squid/*.template; do
  envsubst "$names" <"$template" >"${template%.template}"
done
# what later releases' templates include and their own scripts make
touch /etc/squid/dify_common.conf /etc/squid/dify_sandbox_proxy.conf /etc/squid/dify_allow_private.conf
exec squid -f /etc/squid/squid.conf -NYC
