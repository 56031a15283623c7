command -v zsh >/dev/null || { echo 'zsh is missing' >&2; exit 77; }
gemma2-cli --print-completion zsh >_gemma2-cli && zsh -n _gemma2-cli || exit
# compinit finds the file by its name and first line; what TAB makes of some beginnings:
cat >session <<'Z'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=($PWD \$fpath); autoload -U compinit; compinit -u -D; echo rea''dy"
zpty -r shell seen '*ready*'
try() {
  zpty -n -w shell $'\C-u'"gemma2-cli $1"$'\t'
  zpty -r shell seen "*$2*" && echo $2
}
try '--kv-type b' 'kv-type bf16'
try 'quan' 'quantize'
try 'quantize --type q6' 'type q6_k'
try 'tokenize --piec' 'pieces'
try '-m _gem' '-m _gemma2-cli'
Z
timeout 30 zsh -f session
