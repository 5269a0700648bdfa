# sh postgres.sh PROGRAMS PORT: a PostgreSQL that lives as long as standard input stays open.
# However the starter ends, by Ctrl-C or by a crash, its end of the pipe closes, the server stops and its folder goes.
set -eu
umask 077
folder=$(mktemp -d "${TMPDIR:-/tmp}/outrigger-postgres.XXXXXX")
trap 'rm -rf "$folder"' EXIT
"$1/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync >&2

# Nothing here must outlive a power cut; log_min_messages leaves out the errors that tests provoke on purpose.
"$1/postgres" -D "$folder/data" -k "$folder" -h 127.0.0.1 -p "$2" \
  -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300 \
  -c timezone=UTC -c lc_messages=C -c log_min_messages=log -c log_checkpoints=off &
# Only the server holds standard error from here on: its end tells the reader that the server is gone.
exec 2>/dev/null
read -r _ || true
kill -INT $!
wait $!
