# Ctrl-C ends the test that runs; those that were finished are printed, and nothing is drawn.
mkfifo messages
env --default-signal=INT gemma2-cli bench -m hello.gguf -p 4 -n 100 -r 1000 -t 1 -o json --plot roof.svg \
  >rows 2>messages &
pid=$!
exec 3<messages
while IFS= read -r -u 3 line; do [[ $line == *"[1/2] pp4: "* ]] && break; done
kill -INT $pid
cat <&3 >rest
wait $pid
status=$?
grep -o '"test": "[a-z0-9]*"' rows
ls | grep -c -e roof -e part
exit $status
