# Said before the model is loaded, and at once.
gemma2-cli -m hello.gguf --server --port 0 2>log &
server=$!
until port=$(grep -oE 'listening on http://127.0.0.1:[0-9]+' log | grep -oE '[0-9]+$'); do
  kill -0 $server || { cat log >&2; exit 1; }
  sleep 0.01
done
gemma2-cli -m hello.gguf --server --port "$port"
status=$?
kill -TERM $server
wait $server || exit 99
exit $status
