#include "gbuild/cli/template_text.h"

#include "gbuild/base/error.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;

namespace {

const std::vector<Json> sample_rows{
    Json{{"ID", "abc"}, {"Size", 12}, {"Tags", {"a", "b"}}, {"Config", {{"User", "me"}, {"Env", {"A=1"}}}}},
    Json{{"ID", "def"}, {"Size", 3}, {"Tags", Json::array()}, {"Config", Json::object()}}};
const std::vector<std::string> sample_fields{"ID", "Size", "Tags", "Config"};

std::string rendered(const std::string& text) { return Template(text).text(sample_rows, sample_fields); }

std::string template_failure(const std::string& text) {
    try {
        rendered(text);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        CHECK_FALSE(error.hint().empty());
        return error.message();
    }
    return "nothing";
}

}  // namespace

TEST_CASE("templates have plain fields (U-11)") {
    CHECK(is_template("{{.ID}}"));
    CHECK(is_template("table {{.ID}}"));
    CHECK_FALSE(is_template("json"));
    CHECK_FALSE(is_template("table"));
    CHECK(rendered("{{.ID}}") == "abc\ndef\n");
    CHECK(rendered("{{ .ID }}: {{.Size}} {{.Tags}}") == "abc: 12 [a b]\ndef: 3 []\n");
    CHECK(rendered("{{.ID}}\\t{{.Size}}") == "abc\t12\ndef\t3\n");
    CHECK(rendered("{{json .Tags}}") == "[\"a\",\"b\"]\n[]\n");
    CHECK_THAT(rendered("{{json .}}"), ContainsSubstring("\"Size\":12"));
    CHECK(Template("{{.Config.User}} {{.Config.Env}}").text({sample_rows[0]}, sample_fields) == "me [A=1]\n");
    CHECK(Template("{{.ID}}").text({}, sample_fields).empty());
}

TEST_CASE("tables have headings and columns") {
    CHECK(rendered("table {{.ID}}\t{{.Size}}") == "IMAGE ID  SIZE\nabc       12\ndef       3\n");
    CHECK(Template("table {{.ID}}").text({}, sample_fields) == "IMAGE ID\n");
}

TEST_CASE("what is no plain field is refused, saying so") {
    CHECK(template_failure("{{.Nosuch}}") == "--format: there is no field .Nosuch");
    CHECK(template_failure("{{.Config}}") == "--format: .Config has several fields");
    CHECK(template_failure("{{.Config.Nosuch}}") == "--format: there is no field .Config.Nosuch");
    CHECK(template_failure("{{range .Tags}}x{{end}}") == "--format: {{range .Tags}} is not a plain field");
    CHECK(template_failure("{{.ID | upper}}") == "--format: {{.ID | upper}} is not a plain field");
    CHECK(template_failure("{{.ID") == "--format: \"{{\" is not closed");
    CHECK(template_failure("{{}}") == "--format: {{}} is not a plain field");
    CHECK_THROWS_AS(check_format("yaml"), Error);
    CHECK_NOTHROW(check_format("text"));
}
