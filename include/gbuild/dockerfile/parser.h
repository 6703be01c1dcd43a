// Text to syntax (Dockerfile reference; directives, continuations, heredocs, flags, exec and shell forms).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/dockerfile/ast.h"

namespace gbuild::dockerfile {

// Parses and validates every instruction's flags and argument counts. `file` is how errors name it. Throws dockerfile
// with line, column, source line and a hint. `check` is in the place of the directive of that name. `args` holds, by
// instruction:
//   RUN CMD ENTRYPOINT SHELL  exec form: the array; shell form: one string, the command
//   ENV LABEL                 name, value, name, value, … ; ARG: "name" or "name=value" each; quotes kept for expansion
//   COPY ADD                  sources and, last, the destination (heredoc sources are in `heredocs` only)
//   FROM                      image, and "AS", name when given
//   HEALTHCHECK               "NONE", or "CMD" and the command as for CMD (form tells)
//   ONBUILD                   one string: the trigger instruction's text (validated)
//   others                    words as written, quotes kept
Dockerfile parse(std::string_view text, std::string file, const std::optional<std::string>& check = {});
// The same. When it throws, `until_error` has the warnings about what stands before.
Dockerfile parse(std::string_view text, std::string file, const std::optional<std::string>& check,
                 std::vector<Warning>& until_error);

// What a base's ONBUILD holds, for the FROM that names the base at `place`. As docker has it, the escape character is
// "\" whatever the Dockerfile's. Throws as parse() does, at `place` and naming the trigger, also for what is not
// exactly one instruction and for FROM, MAINTAINER and ONBUILD.
Instruction parse_trigger(std::string_view text, const SourceSpan& place);
// How errors name a trigger: "executing the base's trigger \"ONBUILD RUN make\"".
std::string describe_trigger(std::string_view text);

// The syntax as JSON (`gbuild parse`): {"directives": {…}, "instructions": [{"instruction", "flags", "args", "form",
// "heredocs", "firstLine", "lastLine", "original"}], "warnings": […]}, indented by two.
std::string to_json(const Dockerfile& dockerfile);

}  // namespace gbuild::dockerfile
