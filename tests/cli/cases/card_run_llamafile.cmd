# ./gemma.llamafile on a terminal converses; without one it reads a prompt.
printf 'hello' | gemma2-cli model.llamafile -n 0 --log-disable
