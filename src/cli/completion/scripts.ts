// What each shell needs to ask `zonespread __complete`.

import { COMPLETE } from './candidates.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of zonespread. For this shell: source <(zonespread completion bash)
_zonespread() {
  local line directive=4
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :*) directive="\${line#:}" ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(zonespread ${COMPLETE} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ "$directive" = 0 ]; then compopt -o default 2>/dev/null; fi
}
complete -F _zonespread zonespread
`,
  zsh: `#compdef zonespread
# zsh completion of zonespread. For this shell: source <(zonespread completion zsh)
_zonespread() {
  local line directive=4
  local -a candidates
  while IFS= read -r line; do
    case "$line" in
      :*) directive="\${line#:}" ;;
      *) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done < <(zonespread ${COMPLETE} "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#candidates} )); then _describe zonespread candidates; elif [ "$directive" = 0 ]; then _files; fi
}
if [ "$funcstack[1]" = _zonespread ]; then _zonespread; else compdef _zonespread zonespread; fi
`,
  fish: `# fish completion of zonespread. For this shell: zonespread completion fish | source
complete -c zonespread -f -a '(zonespread ${COMPLETE} (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null | string match -v ":*")'
complete -c zonespread -n '__fish_seen_subcommand_from plan' -s f -l filename -r -F
complete -c zonespread -n '__fish_seen_subcommand_from plan' -l nodes -r -F
complete -c zonespread -l kubeconfig -r -F
`,
};
