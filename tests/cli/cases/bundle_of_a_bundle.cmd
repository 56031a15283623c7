# The new model takes the old one's place: the same bytes as made from the plain program.
gemma2-cli bundle blocks.gguf -o first --log-disable
gemma2-cli bundle model.gguf -o plain --log-disable
./first bundle model.gguf -o second --log-disable
cmp plain second
./first bundle -o third --log-disable
cmp first third
