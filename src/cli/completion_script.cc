#include <fmt/format.h>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/completion.h"

namespace gbuild::cli {

namespace {

// clang-format off

// Bash breaks words at "=" and ":" and replaces the last piece only, so that words are taken from the line itself, and
// candidates cut to that piece.
constexpr const char* bash_script = R"sh(# bash completion of gbuild; in ~/.bashrc: source <(gbuild completion bash)
_gbuild() {
    local line=${COMP_LINE:0:COMP_POINT} words=() value help files= directories= nospace=
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local cur=${words[${#words[@]}-1]} broken=
    if [[ $COMP_WORDBREAKS == *=* && $cur == *=* ]]; then broken=${cur%"${cur##*=}"}; fi
    local rest=${cur#"$broken"}
    if [[ $COMP_WORDBREAKS == *:* && $rest == *:* ]]; then broken+=${rest%"${rest##*:}"}; fi
    COMPREPLY=()
    while IFS=$'\t' read -r value help; do
        case $value in
            :files) files=1 ;;
            :directories) directories=1 ;;
            :nospace) nospace=1 ;;
            *)
                value=${value#"$broken"}
                [[ $value == *[!A-Za-z0-9_./,:=@%+~-]* ]] && printf -v value %q "$value"
                COMPREPLY+=("$value")
                ;;
        esac
    done < <("${words[0]}" __complete "${words[@]:1}" 2> /dev/null)
    [[ $nospace ]] && compopt -o nospace 2> /dev/null
    [[ $files$directories ]] || return 0
    compopt -o filenames 2> /dev/null
    local kind=-d
    [[ $files ]] && kind=-f
    while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen "$kind" -- "$cur")
}
complete -F _gbuild gbuild
)sh";

constexpr const char* zsh_script = R"sh(#compdef gbuild
# zsh completion of gbuild; as _gbuild in a directory of $fpath, or in ~/.zshrc: source <(gbuild completion zsh)
_gbuild() {
    local value help files directories
    local -a values shown more
    while IFS=$'\t' read -r value help; do
        case $value in
            :files) files=1 ;;
            :directories) directories=1 ;;
            :nospace) more=(-S '') ;;
            *) values+=("$value"); shown+=("$value${help:+  -- $help}") ;;
        esac
    done < <("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null)
    (( $#values )) && compadd -l -d shown "${more[@]}" -a values
    if [[ -n $files ]]; then _files; elif [[ -n $directories ]]; then _files -/; fi
    return 0
}
if [[ $funcstack[1] == _gbuild ]]; then _gbuild "$@"; else compdef _gbuild gbuild; fi
)sh";

constexpr const char* fish_script = R"sh(# fish completion of gbuild; gbuild completion fish > ~/.config/fish/completions/gbuild.fish
function __gbuild_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in ($program __complete $words "$current" 2> /dev/null)
        switch $line
            case ':files'
                __fish_complete_path $current
            case ':directories'
                __fish_complete_directories $current ''
            case ':nospace'
            case '*'
                echo $line
        end
    end
end
complete -c gbuild -f -a '(__gbuild_complete)'
)sh";

// clang-format on

}  // namespace

std::string completion_script(const std::string& shell) {
    if (shell == "bash") return bash_script;
    if (shell == "zsh") return zsh_script;
    if (shell == "fish") return fish_script;
    throw Error(ErrorKind::usage, fmt::format("there is no completion for {}", quoted(shell)))
        .hint("the shells are bash, zsh and fish");
}

}  // namespace gbuild::cli
