try() { gemma2-cli bundle blocks.gguf -o out --args args; echo $?; ls out* 2>/dev/null; }
printf -- '--temp\n0\n--tmep\n1\n' >args; try
printf -- '--temp\nhot\n' >args; try
printf -- '-m\nother.gguf\n' >args; try
printf -- '-n\n\0001\n' >args; try
head -c 70000 /dev/zero | tr '\0' x >args; try
rm args; try; true
