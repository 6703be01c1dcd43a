// Shorthands for tests of the parser.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "gbuild/base/error.h"
#include "gbuild/dockerfile/parser.h"

namespace gbuild::dockerfile {

inline Dockerfile parse_text(std::string_view text) { return parse(text, "Dockerfile"); }

// The only instruction after "FROM scratch".
inline Instruction parse_one(const std::string& line) { return parse_text("FROM scratch\n" + line).instructions.at(1); }

struct Failure {
    ErrorKind kind = ErrorKind::internal;
    std::string message, hint, source;
    int line = -1, column = -1, length = -1;
    // What the caret stands under.
    std::string marked() const {
        return column > 0 ? source.substr(static_cast<size_t>(column) - 1, static_cast<size_t>(length)) : "";
    }
};

inline Failure failure(std::string_view text) {
    try {
        parse_text(text);
    } catch (const Error& error) {
        Failure result{error.kind(), error.message(), error.hint(), "", -1, -1, -1};
        if (error.span()) {
            result.source = error.span()->source;
            result.line = error.span()->line;
            result.column = error.span()->column;
            result.length = error.span()->length;
        }
        return result;
    }
    return {ErrorKind::internal, "no error", "", "", -1, -1, -1};
}

// Of a line after "FROM scratch".
inline Failure failure_of(const std::string& line) { return failure("FROM scratch\n" + line); }

inline std::vector<std::string> warning_ids(std::string_view text) {
    std::vector<std::string> ids;
    for (const Warning& warning : parse_text(text).warnings) ids.push_back(warning.id);
    return ids;
}

using Strings = std::vector<std::string>;

}  // namespace gbuild::dockerfile
