// JSON that gbuild prints: keys in the order written, and text from outside made valid UTF-8 (bytes that are not become
// U+FFFD).
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "gbuild/base/events.h"

namespace gbuild::cli {

using Json = nlohmann::ordered_json;

std::string json_line(const Json& json);      // on one line, with its line end
std::string json_document(const Json& json);  // indented by two, with a line end

Json span_json(const SourceSpan& span);     // file, line, column (0: the whole line)
Json warning_json(const Warning& warning);  // id, message, hint, and the place when there is one

}  // namespace gbuild::cli
