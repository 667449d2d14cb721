# perennial.bash: completion of perennial for bash.  What can be completed is asked of the program's own help.
# shellcheck shell=bash

# What a help says of an option, by any of its names: its value's word and the text.  Fails where there is none.
_perennial_option() {
	local help=$1 option=$2 line

	while IFS= read -r line; do
		[[ $line =~ ^\ \ (-.,\ )?(--[a-z-]+)(\ ([A-Z]+))?(\ +(.*))?$ ]] || continue
		[[ $option == "${BASH_REMATCH[2]}" || "$option, " == "${BASH_REMATCH[1]}" ]] || continue
		printf '%s %s\n' "${BASH_REMATCH[4]:--}" "${BASH_REMATCH[6]}"
		return
	done <<<"$help"
	return 1
}

# The options of a help, a line each.
_perennial_options() {
	sed -n 's/^  \(-., \)\?\(--[a-z-]*\).*/\2/p' <<<"$1"
}

# The words that a help lists below a heading that is not "options" nor "examples": commands, or reports.
_perennial_names() {
	sed -n '/^options$/,/^$/d; /^examples$/,$d; s/^  \([a-z][a-z-]*\) .*/\1/p' <<<"$1"
}

# The words of a text like "text, json or csv", without what stands in brackets.
_perennial_choices() {
	printf '%s\n' "$1" | sed 's/ ([^)]*)//g' | grep -oE '([a-z]+, )*[a-z]+ or [a-z]+' | sed 's/, / /g; s/ or / /'
}

# Completes the value $3 of the option $2 that this help has.
_perennial_value() {
	local word text

	read -r word text < <(_perennial_option "$1" "$2")
	case $word in
	FILE)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$3")
		;;
	F | WHEN)
		mapfile -t COMPREPLY < <(compgen -W "$(_perennial_choices "$text")" -- "$3")
		;;
	esac
}

# Whether an option of this help stands last, before the word that is completed, and wants a value.
_perennial_wants_value() {
	[[ $2 == -* && $(_perennial_option "$1" "$2") == [A-Z]* ]]
}

_perennial() {
	local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]/#\~/$HOME} command='' last='' help word i

	COMPREPLY=()
	help=$("$program" --help 2>/dev/null)
	# bash takes --format=json for three words.
	[[ $current != = ]] || current=
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word != = ]] || continue
		if _perennial_wants_value "$help" "$last"; then
			last=
		elif [[ -z $command && $word != -* ]]; then
			command=$word last=
			help=$("$program" "$command" --help 2>/dev/null)
		else
			last=$word
		fi
	done

	if _perennial_wants_value "$help" "$last"; then
		_perennial_value "$help" "$last" "$current"
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_perennial_options "$help")" -- "$current")
	else
		mapfile -t COMPREPLY < <(compgen -W "$(_perennial_names "$help")" -- "$current")
	fi
}

complete -F _perennial perennial
