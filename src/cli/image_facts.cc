#include "gbuild/cli/image_facts.h"

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/golem/contract_rules.h"
#include "gbuild/golem/image_hash.h"

namespace gbuild::cli {

namespace {

using Rows = std::vector<std::vector<std::string>>;

void add(Rows& rows, const std::string& label, const std::string& value) {
    if (!value.empty()) rows.push_back({label + ":", safe_text(value)});
}

// Exec form as JSON, as a Dockerfile has it.
void add_command(Rows& rows, const std::string& label, const std::optional<std::vector<std::string>>& words) {
    if (words) add(rows, label, Json(*words).dump(-1, ' ', false, Json::error_handler_t::replace));
}

template <class Values>
void add_each(Rows& rows, const std::string& label, const Values& values) {
    std::string shown = label + ":";
    for (const auto& value : values) rows.push_back({std::exchange(shown, ""), safe_text(value)});
}

void add_squashfs(Rows& rows, const pack::SuperblockFacts& squashfs) {
    add(rows, "Compression", std::string(pack::codec_name(squashfs.codec)));
    add(rows, "Block size", human_block_size(squashfs.block_size));
    add(rows, "Inodes", std::to_string(squashfs.inode_count));
    add(rows, "Fragments", std::to_string(squashfs.fragment_count));
    add(rows, "Owners", std::to_string(squashfs.id_count));
    add(rows, "Created", format_rfc3339(squashfs.created));
    add(rows, "Export table", squashfs.exportable ? "yes" : "no");
    add(rows, "Xattrs", squashfs.xattrs ? "yes" : "no");
}

void add_config(Rows& rows, const oci::ContainerConfig& config) {
    add(rows, "User", config.user.empty() ? "0:0 (not set)" : config.user);
    add(rows, "Working directory", config.working_dir.empty() ? "/ (not set)" : config.working_dir);
    add_each(rows, "Volumes", config.volumes);
    add_each(rows, "Environment", config.env);
    add_command(rows, "Entrypoint", config.entrypoint);
    add_command(rows, "Command", config.cmd);
    add_each(rows, "Ports", config.exposed_ports);
    std::vector<std::string> labels;
    for (const auto& [name, value] : config.labels) labels.push_back(name + "=" + value);
    add_each(rows, "Labels", labels);
    add(rows, "Stop signal", config.stop_signal);
    add_command(rows, "Shell", config.shell);
}

std::string_view weight_name(const Warning& finding) {
    switch (golem::contract_rule(finding.id).weight) {
    case golem::Weight::note: return "note";
    case golem::Weight::warning: return "warning";
    case golem::Weight::error: break;
    }
    return "error";
}

std::string contract_text(const std::vector<Warning>& contract) {
    if (contract.empty()) return "";
    std::string text = "On a provider:\n";
    for (const Warning& finding : contract) {
        text += fmt::format("  {}: {}; {} [{}]\n", weight_name(finding), safe_text(finding.message),
                            safe_text(finding.hint), finding.id);
    }
    return text;
}

Json contract_json(const std::vector<Warning>& contract) {
    Json findings = Json::array();
    for (const Warning& finding : contract) {
        Json json = warning_json(finding);
        json["weight"] = weight_name(finding);
        findings.push_back(std::move(json));
    }
    return findings;
}

}  // namespace

std::string facts_text(const ImageFacts& facts) {
    Rows rows;
    add(rows, "File", facts.file);
    add(rows, "Size", fmt::format("{} ({} bytes)", human_size(facts.size), facts.size));
    const golem::ImageHash hash{facts.sha3};
    add(rows, "Hash for SDKs", hash.hex);
    add(rows, "For manifests", hash.manifest());
    add(rows, "For task packages", hash.task_package("URL"));
    add(rows, "Image id", facts.trailer.image_id);
    add_squashfs(rows, facts.squashfs);
    add_config(rows, facts.trailer.config);
    return format_table(rows) + contract_text(facts.contract);
}

Json facts_fields(const ImageFacts& facts) {
    Json fields = facts_json(facts);
    return Json{{"Id", "sha256:" + facts.trailer.image_id},
                {"ID", facts.trailer.image_id.substr(0, 12)},
                {"Created", format_rfc3339(facts.squashfs.created)},
                {"Os", "linux"},
                {"Size", facts.size},
                {"Config", fields["config"]},
                {"Hash", facts.sha3},
                {"File", facts.file},
                {"Squashfs", fields["squashfs"]}};
}

std::vector<std::string> fact_fields() {
    return {"Id", "ID", "Created", "Os", "Size", "Config", "Hash", "File", "Squashfs"};
}

Json facts_json(const ImageFacts& facts) {
    const pack::SuperblockFacts& squashfs = facts.squashfs;
    return Json{{"file", facts.file},
                {"size", facts.size},
                {"sha3", facts.sha3},
                {"hash", golem::ImageHash{facts.sha3}.task_package()},
                {"manifestHash", golem::ImageHash{facts.sha3}.manifest()},
                {"imageId", facts.trailer.image_id},
                {"squashfs", Json{{"compression", pack::codec_name(squashfs.codec)},
                                  {"blockSize", squashfs.block_size},
                                  {"inodes", squashfs.inode_count},
                                  {"fragments", squashfs.fragment_count},
                                  {"ids", squashfs.id_count},
                                  {"created", format_rfc3339(squashfs.created)},
                                  {"bytesUsed", squashfs.bytes_used},
                                  {"exportable", squashfs.exportable},
                                  {"xattrs", squashfs.xattrs}}},
                {"config", Json::parse(facts.trailer_json)},
                {"contract", contract_json(facts.contract)}};
}

}  // namespace gbuild::cli
