# The message names the option, what is expected and the item found; nothing is measured.
status=0
for options in '-p x' '-p 1,,2' '-p 4-1' '-n 1-4*1' '-n -1' '-d 131073' '-b 0' '-b 5000' '-t -1' \
    '-t 1025' '-t 1,100000' '-np 0' '-r 0' '-r 1001' '-r 1,2' '-pg 512' '-pg 0,1' '--load-prompt 0' '-o xml' '--plot='; do
  gemma2-cli bench -m model.gguf $options 2>&1
  [ $? = 2 ] || echo "$options: exit status is not 2"
done
