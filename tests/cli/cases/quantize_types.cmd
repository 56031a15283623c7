for type in q6_k q8_0 bf16 f16 f32; do
  gemma2-cli quantize model.llamafile $type.gguf --type $type --log-disable &&
    gemma2-cli -m $type.gguf -p hello -n 4 --log-disable >/dev/null && echo $type
done
gemma2-cli quantize blocks.gguf mixed.gguf --type q8_0 --embedding-type bf16 --log-disable
gemma2-cli inspect mixed.gguf | grep token_embd | tr -s ' ' | cut -d ' ' -f 3
