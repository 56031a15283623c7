# On a terminal the model's text can not drive it; in a pipe and with --raw it is left alone.
command -v script >/dev/null || { echo 'script(1) is missing' >&2; exit 77; }
prompt=$'a\033[31mb\302\205c'
script -qec "gemma2-cli -m model.gguf -n 0 --cli -p '$prompt' --log-disable" /dev/null </dev/null | tr -d '\r'
script -qec "gemma2-cli -m model.gguf -n 0 --raw -p '$prompt' --log-disable" /dev/null </dev/null | grep -c $'\033'
gemma2-cli -m model.gguf -n 0 -p "$prompt" --log-disable | grep -c $'\033'
