#!/bin/sh
# Makes the portal's role in a new database server, and gives it the portal's database: it may do there what it likes,
# and nothing else on the server. The image of PostgreSQL runs it once, as its superuser, who afterwards has no
# password and so comes in through the socket in the container only:
#   docker compose exec db psql --username postgres
set -eu
psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set owner="${PORTAL_ROLE:-portal}" --set database="$POSTGRES_DB" --set superuser="$POSTGRES_USER" \
    --set secret="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'secret' NOSUPERUSER NOCREATEDB NOCREATEROLE;
ALTER DATABASE :"database" OWNER TO :"owner";
ALTER ROLE :"superuser" PASSWORD NULL;
SQL
