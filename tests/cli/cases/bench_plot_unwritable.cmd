# Told before anything is measured, and nothing is left behind.
mkdir folder
gemma2-cli bench -m model.gguf -p 4 -n 0 --plot none/roof.svg || echo $?
gemma2-cli bench -m model.gguf -p 4 -n 0 --plot folder || echo $?
ls | grep -c part; true
