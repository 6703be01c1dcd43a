#include "gbuild/cli/json_text.h"

namespace gbuild::cli {

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string json_document(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json span_json(const SourceSpan& span) { return {{"file", span.file}, {"line", span.line}, {"column", span.column}}; }

Json warning_json(const Warning& warning) {
    Json json{{"id", warning.id}, {"message", warning.message}, {"hint", warning.hint}};
    if (warning.span) json.update(span_json(*warning.span));
    return json;
}

}  // namespace gbuild::cli
