// Templates as docker's --format takes them, as far as plain fields go: {{.Field}}, {{json .Field}}, {{json .}}.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gbuild/cli/json_text.h"

namespace gbuild::cli {

// Whether it is a kind of --format that is neither text nor json.
bool is_template(std::string_view format);
// Throws usage for what is none of text, json and a template.
void check_format(const std::string& format);

class Template {
  public:
    // "{{.Repository}}\t{{.Tag}}", or with "table " in front of it. Throws usage naming what is not a plain field.
    explicit Template(std::string_view text);

    // One line for each of `rows`, objects with the fields; with a heading and in columns for a table. A field may be
    // that of an object in a field: {{.Config.WorkingDir}}. Lists are shown as [a b]. Throws usage for a field that
    // `fields` does not name, and for what is no plain value.
    std::string text(const std::vector<Json>& rows, const std::vector<std::string>& fields) const;

  private:
    struct Field {
        std::vector<std::string> path;  // empty: all of them
        bool json = false;
    };
    using Piece = std::variant<std::string, Field>;
    void add_field(std::string_view inside);
    static std::string value(const Field& field, const Json& row);
    static void check(const Field& field, const std::vector<std::string>& fields);
    std::string heading() const;

    bool table_ = false;
    std::vector<Piece> pieces_;
};

}  // namespace gbuild::cli
