# How databases are put back: as copies inside the server where it lends the right to make them, else in their place.
ending_sessions() { # DATABASE: the statement that ends every session in it that DB_USER may end
  printf '%s\n' "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$1' AND pid <> pg_backend_pid() AND pg_has_role(usesysid, 'MEMBER');"
}
end_sessions() { # a server works on for a client that is gone, and what it holds would be waited for
  for each in $DB_NAMES; do
    case "$DB_KIND" in
      postgresql) ending_sessions "$each" | sql "$each" ;;
      mysql) echo "SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE db = '$each' AND id <> CONNECTION_ID()" | sql "$each" |
        client mysql ${DB_AT:+"$DB_AT"} --force -u "$DB_USER" "$each" ;; # one that went by itself keeps nobody from the next
    esac >/dev/null 2>&1 || true
  done
}
dropping() { # DATABASE: the statements that make it not be there
  ending_sessions "$1"
  printf '%s\n' "SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname = '$1'" '\gexec'
}
in_control() { sql "$DB_CONTROL" >/dev/null; } # one question for statements that belong together: each takes a process and a connection

server_answers() { # also where a database is between two names, as a power cut may leave it
  database_answers || { [ "$DB_CREATES" = yes ] && echo 'SELECT 1' | in_control 2>/dev/null; }
}
has_database() { # DATABASE: a server that does not answer has not said that there is none
  until_deadline 120 1 counts_database "$1" || fail database-gone "The database does not answer any more."
  [ "$counted" = 1 ]
}
counts_database() { counted=$(echo "SELECT count(*) FROM pg_database WHERE datname = '$1'" | sql "$DB_CONTROL" 2>/dev/null) && [ -n "$counted" ]; }
rename_database() { # FROM TO: again and again, for whoever connects anew by itself may do so in between
  until_deadline 30 1 renamed "$1" "$2" 2>"$RUN/rename.said" || { say "$1 cannot be renamed: $(last_line "$RUN/rename.said")"; return 1; }
}
renamed() { { ending_sessions "$1" && echo "ALTER DATABASE \"$1\" RENAME TO \"$2\""; } | in_control; }
drop_database() { dropping "$1" | in_control 2>/dev/null || ! has_database "$1" || dropping "$1" | in_control; }

traits_of() { # DATABASE: the statements that give another one of this name the rights and settings that neither a copy nor a dump has
  cat <<SQL
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC;', datname) FROM pg_database WHERE datname = '$1' AND datacl IS NOT NULL
UNION ALL SELECT format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, datname, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) || ';' FROM pg_database, aclexplode(datacl) WHERE datname = '$1' AND grantee <> datdba
UNION ALL SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s;', datname, datconnlimit) FROM pg_database WHERE datname = '$1' AND datconnlimit >= 0
UNION ALL SELECT format('ALTER %sDATABASE %I SET %I TO %s', CASE setrole WHEN 0 THEN '' ELSE format('ROLE %I IN ', pg_get_userbyid(setrole)) END, datname,
  split_part(each, '=', 1), CASE WHEN split_part(each, '=', 1) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')
  THEN substr(each, strpos(each, '=') + 1) ELSE quote_literal(substr(each, strpos(each, '=') + 1)) END) || ';'
  FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase, unnest(setconfig) AS each WHERE datname = '$1';
SQL
}
keep_traits() { # DATABASE: before anything has its name in its place
  traits_of "$1" | sql "$DB_CONTROL" >"$RUN/traits.new" 2>/dev/null || { say "$1: its rights and settings cannot be read"; return 0; }
  [ ! -s "$RUN/traits.new" ] || mv "$RUN/traits.new" "$RUN/traits-$1" # one that is not there has none, and had some
}
put_traits() { # DATABASE; what only an administrator may grant, he grants again
  [ -s "$RUN/traits-$1" ] || return 0
  { echo '\set ON_ERROR_STOP off' && cat "$RUN/traits-$1"; } | sql "$DB_CONTROL" >/dev/null 2>"$RUN/traits.said" || true
  [ ! -s "$RUN/traits.said" ] || say "$1: without some of the rights and settings that its administrator gave it: $(last_line "$RUN/traits.said")"
}

set_aside() { # DATABASE: a copy that an earlier run left is the last one of what it holds, and nothing that this run may drop
  ! has_database "$1" || { aside="$1_$(date +%s)" && rename_database "$1" "$aside" && say "$1, which an earlier run left, is kept as $aside"; }
}

clone_databases() { # SUFFIX [STRATEGY]: going back is a rename then
  for each in $DB_NAMES; do
    keep_traits "$each"
    set_aside "$each$1" || fail final-backup-failed "A copy $each$1 that an earlier run left is in the way."
    echo "$each" >>"$RUN/cloned" && lasting "$RUN/cloned"
    { ending_sessions "$each" && echo "CREATE DATABASE \"$each$1\" TEMPLATE \"$each\"${2:+ STRATEGY $2}"; } | in_control ||
      fail final-backup-failed "The database $each could not be cloned."
    say "$each: cloned as $each$1"
  done
}

drop_clones() { # SUFFIX: unless they are what the databases were, and could not be put back
  [ ! -e "$RUN/restoring" ] || { say "the copies of the databases (their names end in $1) are kept: the databases could not be put back"; return 0; }
  # those that this run made, or began to: others are an earlier run's
  made=$(cat "$RUN/cloned" 2>/dev/null || true)
  for each in $made; do drop_database "$each$1" || return 1; done
}

restore_clones() { # SUFFIX; a database whose clone is gone was put back already, and one that cannot be does not keep the next from it
  stuck=0
  for each in $DB_NAMES; do
    if has_database "$each$1"; then restored_clone "$each" "$1" || stuck=1; else put_traits "$each" && drop_moved "$each"; fi
  done
  return "$stuck"
}
restored_clone() { # DATABASE SUFFIX
  made_way "$1" && rename_database "$1$2" "$1" || return 1
  put_traits "$1"
  say "$1: as it was before the migration"
  drop_moved "$1"
}

restore_dumps() { # FOLDER [SUFFIX]: reads FOLDER/NAME.SUFFIX back, or what was saved last of each, and puts it in the place of what is there
  for each in $DB_NAMES; do
    held="$each.${2:-$(last_of "$1" "$each")}"
    [ -f "$1/$held" ] || { say "$each: $1/$held is not there"; return 1; }
    case "$DB_KIND:$DB_CREATES" in
      postgresql:yes) restore_beside "$each" "$1/$held" ;;
      postgresql:*) restored_in_place "$each" "$1/$held" ;;
      mysql:*) gzip -t "$1/$held" && drop_tables "$each" >"$RUN/drops" && sql "$each" <"$RUN/drops" && gzip -dc "$1/$held" | sql "$each" ;;
    esac || return 1
    say "$each: restored from $held"
  done
}

making_beside() { # DATABASE: the statements that make one beside it, which writes and sorts as it does, be it renamed already
  cat <<SQL
SELECT coalesce((SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L', '${1}_restored', pg_encoding_to_char(encoding), datcollate, datctype)
    || CASE its ->> 'datlocprovider' WHEN 'c' THEN ' LOCALE_PROVIDER libc' WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', its ->> 'datlocale')
      WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(its ->> 'datlocale', its ->> 'daticulocale')) ELSE '' END
  FROM pg_database d, to_jsonb(d) AS its WHERE datname IN ('$1', '${1}_failed') ORDER BY length(datname) LIMIT 1), format('CREATE DATABASE %I', '${1}_restored'))
\\gexec
SQL
}

read_beside() { # DATABASE FILE: the dump as a database of its own
  echo "${1}_restored" >>"$RUN/beside" && lasting "$RUN/beside" || return 1
  { dropping "${1}_restored" && making_beside "$1"; } | in_control &&
    client pg_restore -d "${1}_restored" --no-owner --exit-on-error <"$2"
}
drop_beside() { # of a script that died while it read them back
  for each in $(cat "$RUN/beside" 2>/dev/null || true); do drop_database "$each" || say "$each, as far as it was read back, is still in the server"; done
}
made_way() { # DATABASE: it has another name; who keeps what an earlier way back left under that one has asked nobody to drop it
  has_database "$1" || return 0
  if is_moved "$1"; then drop_database "$1_failed"; else set_aside "$1_failed"; fi || return 1
  echo "$1_failed" >>"$RUN/moved" && lasting "$RUN/moved" && rename_database "$1" "$1_failed"
}
is_moved() { grep -qxF -e "$1_failed" "$RUN/moved" 2>/dev/null; } # DATABASE: what has that name is this run's
drop_moved() { ! is_moved "$1" || drop_database "$1_failed" || say "$1_failed, what was there before, is still in the server"; }

restore_beside() { # DATABASE FILE: what is there goes when all of the dump has come
  if ! { read_beside "$1" "$2" && keep_traits "$1" && made_way "$1"; }; then
    # a hosted server lends its user no right to make extensions in a new database, and has them in the old one; and a pooler, or rules
    # of who may enter, know no other database: what cannot be had there is no reason not to use what is here
    until_deadline 120 1 database_answers || true
    dropping "${1}_restored" | in_control || say "${1}_restored, as far as it was read back, may still be in the server"
    restored_in_place "$1" "$2"
    return
  fi
  rename_database "${1}_restored" "$1" || return 1
  put_traits "$1"
  drop_moved "$1"
}

restored_in_place() { # DATABASE FILE: where an administrator granted rights, only he may grant them again
  : >"$RUN/in-place-$1"
  list_own "$1" "$2" >"$RUN/own" || { say "$1: what $2 has for it cannot be told"; return 1; }
  restore_in_place "$1" "$2" || { restore_in_place "$1" "$2" --no-acl && say "$1: without the rights that others were granted in it"; }
}

restore_in_place() { # DATABASE FILE OPTION: for whoever may not make databases; in one transaction, so that all of it comes, or nothing changes
  ending_sessions "$1" | sql "$1" >/dev/null || return 1
  # shellcheck disable=SC2016 # the container's own shell expands it
  in_place='{ echo "$3 BEGIN;"; printf "%s\n" "$1"
    if { printf "%s\n" "$4" | pg_restore -L /dev/fd/4 --no-owner --no-comments $2 -f - 4<&0 <&3; } 3<&0; then echo "COMMIT;"; else echo "SELECT 1/0;"; fi; } |
    psql -qAtX -v ON_ERROR_STOP=1 -d "$0"'
  client sh -c "$in_place" "$1" "$(emptying)" "${3:-}" "$PATIENT" "$(cat "$RUN/own")" <"$2" >/dev/null
}

# of the schema n: not the server's own, and not one that can be dropped and made again; an extension's, or one with what is somebody else's
OF_USERS="nspname !~ '^pg_' AND nspname <> 'information_schema'"
STAYS="(nspname = 'public' OR NOT pg_has_role(nspowner, 'USAGE') OR EXISTS (SELECT FROM pg_extension WHERE extnamespace = n.oid)
  OR EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_namespace'::regclass AND objid = n.oid AND deptype = 'e')
  OR EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND NOT pg_has_role(relowner, 'USAGE'))
  OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid AND NOT pg_has_role(proowner, 'USAGE')))"

list_own() { # DATABASE FILE: the numbers of what a dump has, but for what `emptying` leaves there
  {
    printf '%s\n' "SELECT 'mine| ' || rolname FROM pg_roles WHERE pg_has_role(oid, 'USAGE')
      UNION ALL SELECT 'shared| ' || nspname || ' ' FROM pg_namespace n WHERE $OF_USERS AND nspname <> 'public' AND $STAYS
      UNION ALL SELECT 'there|SCHEMA - ' || nspname || ' ' FROM pg_namespace n WHERE $OF_USERS AND $STAYS
      UNION ALL SELECT 'there|PUBLICATION - ' || pubname || ' ' FROM pg_publication;" | sql "$1" && echo contents && client pg_restore -l <"$2"
  } >"$RUN/contents" || return 1
  # `number; oids KIND schema name owner`, with a dash for what is in no schema; whose an extension is, is not said
  awk '!listed { listed = $0 == "contents"; known[$0]; next }
    /^[0-9]+; / {
      entry = $0; sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", entry)
      mine = entry ~ / $/; stays = entry ~ /^([A-Z ]+ - |PUBLICATION )/ && entry !~ /^SCHEMA - /; there = 0
      for (each in known) {
        kind = each; sub(/[|].*/, "", kind); name = substr(each, length(kind) + 2)
        if (kind == "mine" && substr(entry, length(entry) - length(name) + 1) == name) mine = 1
        if (kind == "shared" && index(entry, name)) stays = 1
        if (kind == "there" && index(entry, name) == 1) there = 1
      }
      if (!there && (mine || !stays)) { sub(/;.*/, ";"); print }
    }' "$RUN/contents"
}

emptying() { # what makes a PostgreSQL database empty but for extensions and what is others', and may be said by the owner of what is in it
  cat <<SQL
DO \$\$
DECLARE each record;
BEGIN
  FOR each IN SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) AS gone FROM pg_namespace n
    WHERE $OF_USERS AND NOT $STAYS LOOP EXECUTE each.gone; END LOOP;
  FOR each IN SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
      WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, nspname, relname) AS gone FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE $OF_USERS AND (nspname = 'public' OR pg_has_role(relowner, 'USAGE')) AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('e', 'i')) LOOP EXECUTE each.gone; END LOOP;
  FOR each IN SELECT format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', nspname, proname, pg_get_function_identity_arguments(p.oid)) AS gone FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
    WHERE $OF_USERS AND (nspname = 'public' OR pg_has_role(proowner, 'USAGE'))
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e') LOOP EXECUTE each.gone; END LOOP;
  FOR each IN SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', nspname, typname) AS gone FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
    WHERE $OF_USERS AND (nspname = 'public' OR pg_has_role(typowner, 'USAGE')) AND typtype IN ('d', 'e')
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_type'::regclass AND objid = t.oid AND deptype = 'e') LOOP EXECUTE each.gone; END LOOP;
END \$\$;
SQL
}

drop_tables() { # DATABASE: the statements that make a MySQL database empty; its character set stays
  echo 'SET FOREIGN_KEY_CHECKS = 0;'
  printf '%s\n' "SELECT CONCAT('DROP ', IF(table_type = 'VIEW', 'VIEW', 'TABLE'), ' IF EXISTS \`', table_name, '\`;') FROM information_schema.tables WHERE table_schema = DATABASE()" | sql "$1"
}

last_of() { # BACKUP DATABASE: the suffix of what was saved last, with nobody writing where that was needed
  if [ -f "$1/$2.final" ]; then echo final; else echo dump; fi
}

restore_backup() { # BACKUP: the databases that it has; what a later release made beside them stays
  holds=$(databases_of "$1" | tr '\n' ' ') all="$DB_NAMES"
  case " $holds" in *" $DB_MAIN "*) ;; *) say "the backup has no database $DB_MAIN"; return 1 ;; esac
  for each in $DB_NAMES; do
    case " $holds" in *" $each "*) ;; *) say "$each: it is not in the backup, and stays as it is" ;; esac
  done
  DB_NAMES="$holds" result=0
  restore_dumps "$1" || result=$?
  DB_NAMES="$all"
  return "$result"
}
databases_of() { awk '/^ "databases": / { on = 1; next } /]/ { on = 0 } on { gsub(/[^A-Za-z0-9_.-]/, ""); print }' "$1/manifest.json"; } # BACKUP

rows_of_backup() { # BACKUP: whether its databases have the rows that were counted into them, with nothing of Dify running that would add some
  for each in $(databases_of "$1"); do
    before="$1/$each.$(last_of "$1" "$each").rows"
    grep -q '^rows|' "$before" 2>/dev/null || { say "$each: no rows were counted into the backup, and none are compared"; continue; }
    { rows_put_back "$each" <"$before" >"$RUN/rows.then" && count_rows "$each" >"$RUN/rows.now"; } || { echo "those of $each cannot be counted" >"$RUN/lost"; return 1; }
    [ -s "$RUN/rows.then" ] || { say "$each: all tables of it are somebody else's, and no rows are compared"; continue; }
    rows_kept "$RUN/rows.then" "$RUN/rows.now" exact || { sed "s/^/$each: /" "$RUN/lost" >"$RUN/lost.new" && mv "$RUN/lost.new" "$RUN/lost"; return 1; }
  done
}

rows_put_back() { # DATABASE: of the rows on stdin those that a backup brings: where it is read back in its place, what others own beside it stays
  : >"$RUN/stays"
  [ ! -e "$RUN/in-place-$1" ] || printf '%s\n' "SELECT 'stays|' || nspname || '.' FROM pg_namespace n WHERE $OF_USERS AND nspname <> 'public' AND $STAYS
    UNION ALL SELECT 'ours|' || nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE $OF_USERS AND nspname <> 'public' AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'USAGE')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e');" | sql "$1" >"$RUN/stays" || return 1
  awk -F '|' -v stays="$RUN/stays" 'BEGIN { while ((getline <stays) > 0) { if ($1 == "ours") ours[$2]; else there[$2] } }
    { for (each in there) if (index($2, each) == 1 && !($2 in ours)) next; print }'
}
