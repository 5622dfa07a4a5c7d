# Runs PostgreSQL for as long as somebody holds the other end of standard input, whatever becomes
# of them, and removes its folder then. A line `crash` kills it as a power cut would and starts it
# again. Arguments: the folder to remove, then the command.
trap '' INT TERM HUP
folder=$1
shift
"$@" &
server=$!
while read -r order; do
  [ "$order" = crash ] || continue
  kill -QUIT "$server"
  wait "$server"
  "$@" &
  server=$!
done
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
