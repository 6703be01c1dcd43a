// Text to syntax (Dockerfile reference; directives, continuations, heredocs, flags, exec and shell forms).
#pragma once

#include <string>
#include <string_view>

#include "gbuild/dockerfile/ast.h"

namespace gbuild::dockerfile {

// Parses and validates every instruction's flags and argument counts. `file` is how errors name it. Throws dockerfile
// with line, column, source line and a hint. `args` holds, by instruction:
//   RUN CMD ENTRYPOINT SHELL  exec form: the array; shell form: one string, the command
//   ENV LABEL                 name, value, name, value, … ; ARG: "name" or "name=value" each; quotes kept for expansion
//   COPY ADD                  sources and, last, the destination (heredoc sources are in `heredocs` only)
//   FROM                      image, and "AS", name when given
//   HEALTHCHECK               "NONE", or "CMD" and the command as for CMD (form tells)
//   ONBUILD                   one string: the trigger instruction's text (validated)
//   others                    words as written, quotes kept
Dockerfile parse(std::string_view text, std::string file);

// The syntax as JSON (`gbuild parse`): {"directives": {…}, "instructions": [{"instruction", "flags", "args", "form",
// "heredocs", "firstLine", "lastLine", "original"}], "warnings": […]}, indented by two.
std::string to_json(const Dockerfile& dockerfile);

}  // namespace gbuild::dockerfile
