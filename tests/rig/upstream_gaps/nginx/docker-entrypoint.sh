#!/bin/bash
# Fills in the templates beside it and starts nginx. Upstream ships a script of this name; this one is the rig's.
set -e
export HTTPS_CONFIG="" ACME_CHALLENGE_LOCATION=""
if [ "${NGINX_HTTPS_ENABLED}" = true ]; then
  export SSL_CERTIFICATE_PATH="/etc/ssl/${NGINX_SSL_CERT_FILENAME}" SSL_CERTIFICATE_KEY_PATH="/etc/ssl/${NGINX_SSL_CERT_KEY_FILENAME}"
  HTTPS_CONFIG=$(envsubst </etc/nginx/https.conf.template)
fi
if [ "${NGINX_ENABLE_CERTBOT_CHALLENGE}" = true ]; then
  ACME_CHALLENGE_LOCATION='location /.well-known/acme-challenge/ { root /var/www/html; }'
fi
names=$(env | sed -n 's/^\([A-Z_]*\)=.*/${\1}/p' | tr '\n' ' ')
for file in nginx.conf proxy.conf conf.d/default.conf; do
  envsubst "$names" <"/etc/nginx/$file.template" >"/etc/nginx/$file"
done
id nginx >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin nginx
exec nginx -g 'daemon off;'
