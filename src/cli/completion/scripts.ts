// What each shell needs to ask `zonespread __complete`, which answers as cobra's programs do: a value, a tab and its description to a
// line, at last `:0` where files may be offered. Of `--namespace=sh` it tells the value only; what stands before it is the script's to keep.

import { COMPLETE } from './candidates.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

// Bash parts words at `=` and `:` (they are put together again, without their quotes), inserts what it is told as it is (so it is quoted
// here), and knows no descriptions: they stand behind the values where bash lists, of which it inserts what all lines begin with, and no
// two values are the same. It must run on the bash 3.2 of macOS.
const BASH = `# bash completion of zonespread. For this shell: source <(zonespread completion bash)
_zonespread() {
  local rest="$COMP_LINE" word line value typed quote kept="" room=0 directive=4 at count=0 longest=0 apart="'\\\\''"
  local -a words=() values=() descriptions=()
  COMPREPLY=()
  for ((at = 0; at <= COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    if [[ $count == 0 || $rest == [[:blank:]]* ]]; then
      rest="\${rest#"\${rest%%[![:blank:]]*}"}"
      words[count++]=""
    fi
    if ((at == COMP_CWORD)); then word="\${rest:0:COMP_POINT - \${#COMP_LINE} + \${#rest}}"; fi
    rest="\${rest#"$word"}"
    words[count - 1]+="$word"
  done
  for ((at = 0; at < count; at++)); do
    _zonespread_unquote "\${words[at]}"
    words[at]="$word"
  done
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    case "$line" in
      :*) directive="\${line#:}" ;;
      *$'\\t'*) values+=("$value") descriptions+=("\${line#*$'\\t'}") ;;
      *) values+=("$value") descriptions+=("") ;;
    esac
    if ((\${#value} > longest)); then longest=\${#value}; fi
  done < <(zonespread ${COMPLETE} "\${words[@]:1}" 2>/dev/null)
  if [ "$directive" = 0 ]; then compopt -o default 2>/dev/null; fi
  typed="\${words[count - 1]}"
  if [[ $typed == --*=* ]]; then typed="\${typed#*=}"; fi
  if [[ -z $quote && $typed == *[:=]* ]]; then kept="\${typed%"\${typed##*[:=]}"}"; fi
  case "$COMP_TYPE" in 33 | 63 | 64) if ((\${#values[@]} > 1)); then room=$((\${COLUMNS:-80} - longest - 6)); fi ;; esac
  for ((at = 0; at < \${#values[@]}; at++)); do
    value="\${values[at]#"$kept"}"
    case "$quote" in
      \\') value="\${value//\\'/$apart}" ;;
      \\") value="$(sed 's/[\\\\"$\`]/\\\\&/g' <<< "$value")" ;;
      *) printf -v value %q "$value" ;;
    esac
    if ((room > 0)) && [ -n "\${descriptions[at]}" ]; then printf -v value '%-*s  (%s)' "$longest" "$value" "\${descriptions[at]:0:room}"; fi
    COMPREPLY+=("$value")
  done
}
# word: what the shell would make of it; quote: the one that is still open.
_zonespread_unquote() {
  local char at
  word="" quote=""
  for ((at = 0; at < \${#1}; at++)); do
    char="\${1:at:1}"
    case "$quote$char" in
      \\\\ | \\"\\\\) word+="\${1:at + 1:1}" at=$((at + 1)) ;;
      \\' | \\") quote="$char" ;;
      \\'\\' | \\"\\") quote="" ;;
      *) word+="$char" ;;
    esac
  done
}
complete -F _zonespread zonespread
`;

// Zsh quotes what it inserts; to _describe colons and backslashes mean something.
const ZSH = `#compdef zonespread
# zsh completion of zonespread. For this shell: source <(zonespread completion zsh)
_zonespread() {
  local line value directive=4 typed="\${(Q)PREFIX}"
  local -a candidates
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    value="\${\${value//\\\\/\\\\\\\\}//:/\\\\:}"
    case "$line" in
      :*) directive="\${line#:}" ;;
      *$'\\t'*) candidates+=("$value:\${line#*$'\\t'}") ;;
      *) candidates+=("$value") ;;
    esac
  done < <(zonespread ${COMPLETE} "\${(@Q)words[2,CURRENT-1]}" "$typed" 2>/dev/null)
  if [[ $typed == --*=* ]]; then compset -P 1 '*='; fi
  if (( \${#candidates} )); then _describe zonespread candidates; elif [ "$directive" = 0 ]; then _files; else return 1; fi
}
if [ "$funcstack[1]" = _zonespread ]; then _zonespread; else compdef _zonespread zonespread; fi
`;

// Fish quotes what it inserts, too, and wants the flag before its value.
const FISH = `# fish completion of zonespread. For this shell: zonespread completion fish | source
function __zonespread_complete
    set -l words (commandline -opc)
    set -l typed (string unescape -- (commandline -ct))
    set -l lines (zonespread ${COMPLETE} $words[2..-1] "$typed" 2>/dev/null)
    set -l flag (string match -r -- '^--[^=]+=' "$typed")
    if test "$lines[-1]" = :0
        set lines $lines (__fish_complete_path (string replace -- "$flag" '' "$typed"))
    end
    for line in (string match -v -r '^:\\d+$' -- $lines)
        printf '%s%s\\n' "$flag" $line
    end
end
complete -c zonespread -f -a '(__zonespread_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
