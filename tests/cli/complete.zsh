# complete.zsh: what zsh offers behind the words of each argument, "perennial report --f", on a terminal of its own.
# The folder with _perennial, its program's folder and an empty one come first.  Prints a line each: the words, then
# what was offered, sorted.
emulate -L zsh
zmodload zsh/zpty

from=$1 program=$2 home=$3
shift 3

zpty -b terminal "TERM=dumb HOME=$home PATH=$program:$PATH zsh -f -i"
tell() {
	zpty -w terminal "$1"
}
# Reads until this line has come; 20 seconds at most.
hear() {
	local chunk all='' end=$((SECONDS + 20))

	while ((SECONDS < end)); do
		zpty -r -t terminal chunk || { sleep 0.02; continue }
		all+=${chunk//$'\r'/}
		[[ $all != *$1* ]] || { heard=$all; return 0 }
	done
	print -u 2 -r -- "waited in vain for $1 after: $all"
	exit 1
}

# What compadd is given, and keeps, is written to a file; nothing is inserted.
tell "PS1= PS2= ZLS= fpath=($from \$fpath); autoload -Uz compinit; compinit -u -D"
tell 'compadd() { local -a found; local -i i=${@[(I)-[OAD]]};
	if ((i)); then builtin compadd "$@"; return; fi
	builtin compadd -O found "$@"; print -rl -- $found >>$HOME/offered; builtin compadd "$@" }'
tell 'ask() { _main_complete; compstate[insert]= compstate[list]=; print "done"; }'
tell 'zle -C ask complete-word ask; bindkey "^T" ask'
tell 'print rea""dy'
hear ready
for words in "$@"; do
	: >$home/offered
	zpty -w -n terminal "$words"$'\x14'
	hear done
	zpty -w -n terminal $'\x15'
	print -r -- "$words: $(grep . $home/offered | sort -u | paste -s -d ' ')"
done
zpty -d terminal
