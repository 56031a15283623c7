command -v fish >/dev/null || { echo 'fish is missing' >&2; exit 77; }
gemma2-cli --print-completion fish >script.fish && fish -n script.fish || exit
try() { fish -c "source script.fish; complete -C 'gemma2-cli $1'" | cut -f 1 | sort | paste -sd ' '; }
try 'quan'
try '--kv-type '
try 'quantize --type q'
try '--multil'
try 'tokenize --piec'
try 'tokenize --multil'
