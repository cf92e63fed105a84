# Asks Compose what it would run, with merged files on stdin, and changes nothing of Dify. Before this text stand place,
# folder, and compose(), which asks. Aside stands a copy of the whole path to Dify's folder, and in it the merged files;
# everything else in it, and beside each folder on the way, is a link to what is there. So Compose finds what files name
# by ../, what is a link itself, and what was too large to be brought. Nothing is looked at, for a dead mount would hang.
umask 077
mkdir "$place" || exit 1
trap 'cd / && rm -rf "$place"' EXIT
trap 'exit 129' HUP INT TERM
{ mkdir -p "$place$folder" && cd "$place$folder" && tar -x -o -f -; } || exit 1

around() { # FOLDER: links to all that is in it, but for what the copy has; a pattern that nothing fits is no name
  ln -s "$1"/* "$1"/.[!.]* "$1"/..?* "$place$1/" 2>/dev/null
  rm -f "$place$1/*" "$place$1/.[!.]*" "$place$1/..?*"
}

find . -type d | while IFS= read -r each; do around "$folder${each#.}"; done
above=$folder
while [ -n "$above" ]; do
  above=${above%/*}
  around "$above"
done
echo; echo "$mark"; echo >&2; echo "$mark" >&2 # shells print texts of their own, before and after
compose </dev/null
echo; echo "$mark"; echo >&2; echo "$mark" >&2
