// Errors and warnings as text.
#pragma once

#include <exception>
#include <string>

#include "gbuild/base/error.h"
#include "gbuild/base/events.h"
#include "gbuild/check/check.h"
#include "gbuild/cli/console.h"

namespace gbuild::cli {

// The last lines of what a failed command has printed.
enum class OutputTail { shown, left_out };

//   Dockerfile:12:6: error: unknown instruction "WORKDRI"
//      12 | WORKDRI /golem/work
//         | ^~~~~~~
//     while parsing the Dockerfile
//   hint: did you mean WORKDIR?
//
// Without a place the first line starts with "gbuild: error:". Every part is made safe to print.
std::string error_text(const Error& error, Color color, OutputTail tail = OutputTail::shown);
// As error_text(), for standard error: an interruption begins a line there, behind the ^C that the terminal shows.
std::string failure_text(const Error& error, const Console& console, OutputTail tail = OutputTail::shown);

// Likewise: "Dockerfile:3: warning: … [no-volume]", the source line, the hint.
std::string warning_text(const Warning& warning, Color color);

// Likewise, with the word that the severity is.
std::string finding_text(const check::Finding& finding, Color color);

// All of that on one line: "Dockerfile:3:5: warning: what is wrong; what to do [rule]".
std::string finding_line(const check::Finding& finding, Color color);

// Any exception as an Error: out of memory, the standard library's, and what is left as an internal one.
Error as_error(const std::exception_ptr& exception);

}  // namespace gbuild::cli
