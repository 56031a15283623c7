# The script is sourced and its function called as bash would call it.
gemma2-cli --print-completion bash >script || exit
bash -n script || exit
source ./script
try() {
  COMP_WORDS=(gemma2-cli "$@") COMP_CWORD=$#
  _gemma2_cli
  printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
}
touch 'my notes.txt' menu
try qu
try --kv
try --kv-type ''
try --kv-type = b
try -ctk i
try --print-completion ''
try quantize model.gguf out.gguf --ty
try quantize --type q
try bench -o ''
try bundle -o me
try -f my
try -n ''
try tokenize --ch
try --multil
complete -p gemma2-cli
# Every option that is offered is one.
for command in '' tokenize inspect quantize bench bundle; do
  COMP_WORDS=(gemma2-cli $command -) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _gemma2_cli
  for option in "${COMPREPLY[@]}"; do
    gemma2-cli $command --help | grep -qE -- "(^|[ ,])$option([ ,=]|$)" || echo "$command $option?"
  done
done
