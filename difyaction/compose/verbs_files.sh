# Files of the folder and of the backup. FOLDER, TOOLS (an image with tar) and TOP are literals of the plan.
pack() { # SOURCE FILE ARGUMENTS...: packs a folder or a named volume from inside a container, where everything can be read
  source="$1" packed="$2"
  shift 2
  packed_by_name "$@" .
}
pack_named() { # FILE PATH...: files of the folder that lie where the rest is data, and is not packed
  source="$FOLDER" packed="$1"
  shift
  packed_by_name "$@"
}
packed_by_name() { # OPTIONS-AND-NAMES of tar
  code=0
  dk run --rm --log-driver none --security-opt label=disable --network none --user 0:0 -v "$source:/from:ro" --entrypoint tar "$TOOLS" -C /from -cf - "$@" >"$packed.part" 2>"$RUN/pack.said" || code=$?
  { { [ "$code" = 0 ] || only_moved "$code"; } && mv "$packed.part" "$packed"; } ||
    { rm -f "$packed.part" && fail backup-failed "$source could not be packed: $(last_line "$RUN/pack.said")"; }
  say "$source: $(wc -c <"$packed" | tr -d ' ') bytes"
}

holds() { # FILE PATH: an engine on another machine makes an empty folder of this one's name, and packs that
  tar -tf "$1" "./$2" >/dev/null 2>&1 || fail backup-failed "$2 is not in $1: the engine does not see $FOLDER. Does it run on another machine?"
}

only_moved() { # EXIT-CODE: whether tar complained of nothing but files that changed or went while Dify served
  [ "$1" = 1 ] && [ -s "$RUN/pack.said" ] && ! grep -qv -e 'changed as we read it' -e 'emoved before we read it' -e 'socket ignored' "$RUN/pack.said"
}

unpack() { # SOURCE FILE: empties the folder or volume, and puts back what was packed, owners included
  dk run --rm -i --log-driver none --security-opt label=disable --network none --user 0:0 -v "$1:/to" --entrypoint sh "$TOOLS" -c 'find /to -mindepth 1 -delete; exec tar -C /to --numeric-owner -xpf -' <"$2"
}

put_file() { # FROM PATH MODE: in place, so that owner, mode and every bind mount of it stay
  (umask 022 && mkdir -p "$(dirname "$FOLDER/$2")") || return 1
  [ -e "$FOLDER/$2" ] || { : >"$FOLDER/$2" && chmod "$3" "$FOLDER/$2"; } || return 1
  cat "$1" >"$FOLDER/$2"
}

put_back() { # PATH [BACKUP]: as it was packed, whose it was and for whom where it is gone; what is that already need not be written by whoever may not
  for kept in "${2:-$BACKUP}/config.tar" "${2:-$BACKUP}/named.tar"; do
    tar -tf "$kept" "./$1" >/dev/null 2>&1 || continue
    (umask 022 && mkdir -p "$(dirname "$FOLDER/$1")")
    [ -e "$FOLDER/$1" ] || { tar -C "$FOLDER" --numeric-owner -xpf "$kept" "./$1" && return 0; return 1; }
    tar -xOf "$kept" "./$1" >"$RUN/put-back" && { cmp -s "$RUN/put-back" "$FOLDER/$1" || cat "$RUN/put-back" >"$FOLDER/$1"; }
    result=$?
    rm -f "$RUN/put-back"
    return "$result"
  done
  say "$1 is not in the backup" && return 1
}
take_away() { rm -f "$FOLDER/$1"; } # PATH that was not there before

# shellcheck disable=SC2012 # the owner's number stands where names with blanks cannot shift it
owner_of() { ls -nd "$1" | awk '{ print $3 ":" $4 }'; }
hand_over() { # FOLDER: what root made anew there since this backup began belongs to whoever the folder belongs to
  theirs=$(owner_of "$1")
  [ "$(id -u)" = 0 ] && [ "${theirs%%:*}" != 0 ] || return 0
  find "$1" -name volumes -prune -o -user 0 -newer "$BACKUP/manifest.json" -exec chown -h "$theirs" {} + 2>/dev/null || say "some files of $1 are root's now"
}

may_write() { # PATH...: files that will be written can be, or made where they are not; found out before anything stops
  for each in "$@"; do
    each="$FOLDER/$each"
    until [ -e "$each" ]; do each=$(dirname "$each"); done
    [ -w "$each" ] || fail files-unwritable "$each cannot be written by $(id -un)."
  done
}
git_lock() { # the file by which git keeps others from a checkout
  lock=$(git_there rev-parse --git-path index.lock) && case "$lock" in /*) echo "$lock" ;; *) echo "$TOP/$lock" ;; esac
}
may_check_out() { # git writes its own files too, and replaces those of the checkout
  [ ! -e "$(git_lock)" ] || fail files-unwritable "$(git_lock) is there: git is at work in the checkout, or was killed there and left it. In the latter case remove that file."
  [ "$(id -u)" != 0 ] || return 0
  for each in "$TOP/.git" "$TOP/.git/index"; do [ ! -e "$each" ] || [ -w "$each" ] || fail files-unwritable "$each cannot be written by $(id -un)."; done
  { echo . && git_there -c core.quotePath=false ls-tree -rd --name-only HEAD; } | while read -r each; do
    [ ! -d "$TOP/$each" ] || [ -w "$TOP/$each" ] || { echo "$TOP/$each" && break; }
  done >"$RUN/unwritable"
  [ ! -s "$RUN/unwritable" ] || fail files-unwritable "$(head -n 1 "$RUN/unwritable") cannot be written by $(id -un)."
}

is_sealed() { # BACKUP: whole, and as it was written
  { [ -f "$1/complete" ] && (cd "$1" && sha256sum -c SHA256SUMS >/dev/null 2>&1); } || fail backup-damaged "$1 is not what was written: its checksums do not fit."
}
has_files_sealed() { # BACKUP: the same of what it has of the folder, for its databases are not asked for
  { [ -f "$1/complete" ] && (cd "$1" && grep -E '  \./(config|named)\.tar$' SHA256SUMS >"$RUN/sums" && sha256sum -c "$RUN/sums" >/dev/null 2>&1); } ||
    fail backup-damaged "$1 is not what was written: its checksums do not fit."
}

is_absent() { { [ ! -e "$FOLDER/$1" ] && [ ! -L "$FOLDER/$1" ]; } || fail files-changed "$1 is there, and was not when the plan was made, or could not be read then: a link, too large, or one of very many."; } # PATH
is_no_link() { [ ! -L "$FOLDER/$1" ] || fail files-changed "$1 is a link, and the backup has a file there. Put the file itself in its place."; } # PATH
is_unchanged() { # PATH SHA256
  [ "$(sha256sum <"$FOLDER/$1" | cut -d ' ' -f 1)" = "$2" ] || fail files-changed "$1 was edited since the plan was made."
}

seal() { # writes the checksums of this run's backup, and marks it as whole
  (
    cd "$BACKUP" && rm -f ./*.part && find . -type f ! -name SHA256SUMS ! -name complete -exec sha256sum {} + >"$RUN/sums" &&
      sort -k 2 "$RUN/sums" >SHA256SUMS.part && sha256sum -c SHA256SUMS.part >/dev/null && mv SHA256SUMS.part SHA256SUMS && sync && : >complete
  ) ||
    fail backup-failed "The checksums of the backup could not be written."
  fact backup "${BACKUP##*/}"
}

of_this_folder() { # BACKUP: another Dify on the host may keep its backups beside ours
  grep -qxF -e "$(grep '^ "folder": ' "$FILES/.manifest.json")" "$1/manifest.json" 2>/dev/null
}

prune_backups() { # KEEP: the oldest go, only such as are whole and ours
  find "$(dirname "$BACKUP")" -mindepth 2 -maxdepth 2 -name complete | sort | while read -r marker; do
    ! of_this_folder "$(dirname "$marker")" || echo "$marker"
  done | awk -v keep="$1" '{ line[NR] = $0 } END { for (i = 1; i <= NR - keep; i++) print line[i] }' | while read -r marker; do
    old=$(dirname "$marker")
    [ "$old" != "$BACKUP" ] || continue
    rm -rf "$old" && say "removed the backup $(basename "$old")"
  done
}

prune_runs() { # KEEP: folders of runs that ended and were followed to their end; what nobody has read stays
  find "$(dirname "$RUN")" -mindepth 2 -maxdepth 2 -name read | sort | awk -v keep="$1" '{ line[NR] = $0 } END { for (i = 1; i <= NR - keep; i++) print line[i] }' | while read -r marker; do
    old=$(dirname "$marker")
    [ -f "$old/runbook.sh" ] && [ "$old" != "$RUN" ] || continue
    case "$(cat "$old/state" 2>/dev/null)" in
      done | failed | rolled-back | degraded | stranded) rm -rf "$old" && say "removed the folder of the run $(basename "$old")" ;;
    esac
  done
}

# Whoever the checkout belongs to: git before 2.38 hears of safe.directory from no command line, but knows whom sudo speaks for.
# shellcheck disable=SC2012 # the owner's number stands where names with blanks cannot shift it
git_there() { SUDO_UID=$(ls -nd "$TOP" | awk '{ print $3 }') git -c safe.directory='*' -C "$TOP" "$@"; }
