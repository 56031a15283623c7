# The card's two lines: a server that everybody reaches, and curl's request; SIGTERM ends it with 0.
gemma2-cli -m hello.gguf --server --nobrowser --host 0.0.0.0 --port 0 2>log &
server=$!
until port=$(grep -oE 'listening on http://[0-9.]+:[0-9]+' log | grep -oE '[0-9]+$'); do
  kill -0 $server || { cat log >&2; exit 1; }
  sleep 0.01
done
body='{ "model": "gemma-2b-it", "messages": [{"role":"user","content":"Say this is a test!"}],
  "temperature": 0.0, "max_tokens": 3 }'
exec 3<>"/dev/tcp/localhost/$port"
printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\n' \
  "$port" >&3
printf 'Content-Length: %d\r\nConnection: close\r\n\r\n%s' "${#body}" "$body" >&3
cat <&3 >reply
head -n 1 reply | tr -d '\r'
grep -oE '"object":"chat.completion"|"model":"gemma-2b-it"|"finish_reason":"[a-z]+"|"completion_tokens":3' reply
grep -c 'everybody who reaches 0.0.0.0 may use this server' log
grep -c 'no browser is ever opened' log
kill -TERM $server
wait $server
