#include "gbuild/cli/difference_text.h"

#include "gbuild/cli/error_text.h"
#include "support/catch.h"

using namespace gbuild;
using namespace gbuild::cli;
using compare::Change;
using compare::FileChange;

namespace {

compare::Differences planted_differences() {
    compare::Differences differences;
    FileChange mode{"etc/hosts", Change::changed, tree::FileType::regular, {{"mode", "0644", "0600"}}, {}};
    FileChange added{"etc/new", Change::added, tree::FileType::directory, {}, {}};
    FileChange inside{"etc/new/file", Change::added, tree::FileType::regular, {}, {}};
    FileChange content{"usr/bin/x\n",
                       Change::changed,
                       tree::FileType::regular,
                       {},
                       compare::ContentChange{7, 3, 2, {{7, 2}, {12, 1}}}};
    differences.files = {mode, added, inside, content};
    differences.config = {{{"Labels", "v"}, "\"1\"", std::nullopt}};
    differences.packing = {{"compression", "gzip", "lzo"}};
    differences.first_byte = {4711, "the inode table", "the inode table"};
    return differences;
}

}  // namespace

TEST_CASE("differences are shown as a tree") {
    CHECK(differences_text({"a", "b"}, planted_differences(), Color::off) ==
          "--- a\n"
          "+++ b\n"
          "Files: 2 added, 0 removed, 2 changed\n"
          "    etc/\n"
          "  ~   hosts\n"
          "            mode: 0644 -> 0600\n"
          "  +   new/\n"
          "  +     file\n"
          "    usr/\n"
          "      bin/\n"
          "  ~     x\\n\n"
          "              content: 3 bytes differ, at offset 7-8, 12\n"
          "Configuration:\n"
          "  Labels.v: \"1\" -> (none)\n"
          "Packing:\n"
          "  compression: gzip -> lzo\n"
          "First differing byte: 4711, in the inode table\n");
    CHECK(differences_text({"a", "b"}, {}, Color::off).empty());
}

TEST_CASE("differences as JSON") {
    const Json json = differences_json({"a", "b"}, planted_differences());
    CHECK(json["same"] == false);
    CHECK(json["files"][0] == Json::parse(R"({"path": "/etc/hosts", "change": "changed", "type": "file",
        "attributes": [{"name": "mode", "a": "0644", "b": "0600"}]})"));
    CHECK(json["files"][3]["content"] == Json::parse(R"({"offset": 7, "bytes": 3, "rangeCount": 2,
        "ranges": [{"offset": 7, "length": 2}, {"offset": 12, "length": 1}]})"));
    CHECK(json["configuration"] == Json::parse(R"([{"key": ["Labels", "v"], "a": "1"}])"));
    CHECK(json["firstByte"]["offset"] == 4711);
    CHECK(differences_json({"a", "b"}, {})["same"] == true);
}

TEST_CASE("findings are shown with the word for their severity") {
    check::Finding finding{{"sudo", "message", SourceSpan{"Dockerfile", 3, 5, 4, "RUN sudo x"}, "hint"},
                           check::Severity::error};
    CHECK(finding_text(finding, Color::off) == "Dockerfile:3:5: error: message [sudo]\n"
                                               "    3 | RUN sudo x\n"
                                               "      |     ^~~~\n"
                                               "hint: hint\n");
    finding.severity = check::Severity::info;
    CHECK_THAT(finding_text(finding, Color::off), ContainsSubstring("Dockerfile:3:5: info: message"));
}
