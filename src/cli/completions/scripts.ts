/** The shells that completions are made for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

/**
 * What a shell is to read. It asks the mevent that is typed for each word, so that what is completed is always of its own version:
 *
 *     mevent completions words -- WORDS…
 *
 * The answer's first line is `none`, `files` or `folders`; then comes a line for each word, its help behind a tab.
 */
export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: String.raw`# Completions of mevent for bash: source <(mevent completions bash)
_mevent() {
  local self=$\{COMP_WORDS[0]/#\~\//$HOME/} current=$\{COMP_WORDS[COMP_CWORD]} kind line
  local -a words=()
  [[ $current == = ]] && current=
  COMPREPLY=()
  while IFS= read -r line; do words+=("$\{line%%$'\t'*}"); done < <(
    "$self" completions words -- "$\{COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null
  )
  kind=$\{words[0]-none}
  case $kind in
    files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) for line in "$\{words[@]:1}"; do COMPREPLY+=("$(printf '%q' "$line")"); done ;;
  esac
}
complete -F _mevent mevent
`.replaceAll("$\\{", "${"),
  zsh: String.raw`#compdef mevent
# Completions of mevent for zsh: as _mevent in a folder of $fpath, or source <(mevent completions zsh)
_mevent() {
  local kind line
  local -a lines candidates
  lines=("$\{(@f)$("$\{(Q)words[1]/#\~\//$HOME/}" completions words -- "$\{(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
  kind=$\{lines[1]-none}
  case $kind in
    files | folders)
      [[ $PREFIX == --*=* ]] && compset -P '*='
      if [[ $kind == folders ]]; then _files -/; else _files; fi
      ;;
    *)
      for line in "$\{(@)lines[2,-1]}"; do
        candidates+=("$\{$\{line%%$'\t'*}//:/\\:}:$\{line#*$'\t'}")
      done
      (( $#candidates )) && _describe -V 'mevent' candidates
      ;;
  esac
}
if [[ $funcstack[1] == _mevent ]]; then _mevent "$@"; else compdef _mevent mevent; fi
`.replaceAll("$\\{", "${"),
  fish: String.raw`# Completions of mevent for fish: mevent completions fish | source
function __mevent_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l self (string replace -r '^~/' "$HOME/" -- $typed[1])
    set -l lines ($self completions words -- $typed[2..-1] "$current" 2>/dev/null </dev/null)
    switch "$lines[1]"
        case files folders
            set -l prefix (string match -r -- '^--[^=]+=' "$current")
            for path in (__fish_complete_path (string replace -- "$prefix" "" "$current"))
                string match -q folders $lines[1]; and not string match -q '*/*' -- $path; and continue
                echo "$prefix$path"
            end
        case '*'
            string join \n -- $lines[2..-1]
    end
end
complete -c mevent -e
complete -c mevent -f -k -a '(__mevent_complete)'
`,
};
