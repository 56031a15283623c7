# Each names what is wrong, and the conversation goes on.
mkdir folder
mkfifo pipe
printf 'a\0b' >binary
printf 'caf\351' >latin1
truncate -s 2000000 huge
cat >script <<'S'
/cler
/upload
/clear all
/upload missing
/upload folder
/upload pipe
/upload binary
/upload latin1
/upload huge
/load model.gguf
/save folder
/dump folder
/pop
/undo
/forget
/regen
/manual maybe
/help nonsense
hello
S
gemma2-cli -m model.gguf --chat -n 2 --logit-bias 300+100000 --log-disable <script 2>&1 >answers | sed 's/^gemma2-cli: //'
wc -l <answers
