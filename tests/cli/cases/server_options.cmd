# Every value is checked before anything is loaded.
for option in '--port 70000' '-np 0' '--max-queue -1' '--api-key-file missing' '--log-format xml' \
  '--max-body 0' '--timeout never' '--threads-http 100'; do
  gemma2-cli -m missing.gguf --server $option 2>&1
  echo $?
done
printf '# no key in here\n\n' >empty
gemma2-cli -m missing.gguf --server --api-key-file empty 2>&1
echo $?
