# F32 to F32 changes nothing that can be heard, and Q6_K of a file is Q6_K of its F32 copy.
set -e
generate() { gemma2-cli -m "$1" -p 'tell me' -n 40 --temp 3 --seed 5 --log-disable; }
gemma2-cli quantize hf copy.gguf --type f32 --log-disable
cmp <(generate hf) <(generate copy.gguf)
gemma2-cli quantize blocks.gguf a.gguf --type q6_k --log-disable
gemma2-cli quantize blocks.gguf b.gguf --type F32 --log-disable
gemma2-cli quantize b.gguf c.gguf --type q6_k -t 3 --log-disable
cmp a.gguf c.gguf
cmp <(generate a.gguf) <(generate c.gguf)
gemma2-cli inspect a.gguf --json | grep -o '"weight_bytes_by_type":{[^}]*}'
ls ./*.partial* 2>/dev/null || true
