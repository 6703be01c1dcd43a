#include "gbuild/cli/output_settings.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/csv.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/output_path.h"
#include "gbuild/dockerfile/suggest.h"

namespace gbuild::cli {

namespace {

namespace fs = std::filesystem;
using build::ContainerOutput;
using Form = ContainerOutput::Form;

struct OutputType {
    const char* name;
    std::vector<std::string> keys;
};

const std::vector<OutputType>& output_types() {
    static const std::vector<OutputType> types = {
        {"gvmi", {"dest"}},
        {"oci", {"dest", "tar", "name", "compression", "compression-level"}},
        {"docker", {"dest", "name", "compression", "compression-level"}},
        {"tar", {"dest"}},
        {"local", {"dest"}},
    };
    return types;
}

[[noreturn]] void refuse(const std::string& text, std::string_view problem, std::string hint) {
    throw Error(ErrorKind::usage, fmt::format("--output {}: {}", quoted(text), problem)).hint(std::move(hint));
}

// A path may well hold "=", but none is likely to begin with a key.
bool is_specification(const std::string& text) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) return false;
    const size_t start = text.starts_with('"') ? 1 : 0;
    const std::string key = to_lower(trim(text.substr(start, equals - start)));
    if (key == "type") return true;
    const auto& types = output_types();
    return std::any_of(types.begin(), types.end(), [&](const OutputType& type) {
        return std::find(type.keys.begin(), type.keys.end(), key) != type.keys.end();
    });
}

bool parse_bool(const std::string& text, const std::string& key, const std::string& value) {
    for (const char* yes : {"true", "1", "t", "T", "TRUE", "True"}) {
        if (value == yes) return true;
    }
    for (const char* no : {"false", "0", "f", "F", "FALSE", "False"}) {
        if (value == no) return false;
    }
    refuse(text, fmt::format("{} is true or false, not {}", key, quoted(value)), fmt::format("write {}=false", key));
}

exporter::Compression parse_compression(const std::string& text, const std::string& name) {
    if (name == "uncompressed") return exporter::Compression::none;
    if (name == "gzip") return exporter::Compression::gzip;
    if (name == "zstd") return exporter::Compression::zstd;
    refuse(text, fmt::format("no compression {} for a layer", quoted(name)), "uncompressed, gzip or zstd");
}

int parse_level(const std::string& text, const std::string& value, exporter::Compression compression) {
    const auto range = exporter::level_range(compression);
    if (compression == exporter::Compression::none) {
        refuse(text, "an uncompressed layer has no compression-level", "leave it out");
    }
    const auto level = parse_decimal(value);
    if (level && *level >= static_cast<uint64_t>(range.lowest) && *level <= static_cast<uint64_t>(range.highest)) {
        return static_cast<int>(*level);
    }
    refuse(text, fmt::format("compression-level {} is out of range", quoted(value)),
           fmt::format("give a number from {} to {}", range.lowest, range.highest));
}

void set_layer(ContainerOutput& output, const std::string& text, const OutputSpec& spec) {
    // docker itself saves layers as they are; whoever reads a registry's form expects gzip.
    if (output.form == Form::docker) output.compression = exporter::Compression::none;
    auto value = spec.values.find("compression");
    if (value != spec.values.end()) output.compression = parse_compression(text, value->second);
    value = spec.values.find("compression-level");
    if (value != spec.values.end()) output.compression_level = parse_level(text, value->second, output.compression);
}

std::vector<oci::ImageName> names_of(const OutputSpec& spec, const std::vector<oci::ImageName>& tags) {
    const auto given = spec.values.find("name");
    if (given == spec.values.end()) return tags;
    std::vector<oci::ImageName> names;
    for (const std::string& name : split(given->second, ',')) {
        names.push_back(with_context("reading name= of --output", [&] { return oci::parse_image_name(trim(name)); }));
    }
    return names;
}

fs::path file_destination(const std::string& text, const fs::path& path) {
    std::error_code ignored;
    if (path.native().ends_with('/') || fs::is_directory(path, ignored)) {
        refuse(text, fmt::format("{} is a directory, and the output is one file", quoted(path.native())),
               "give dest= a file name");
    }
    // Checks the directory, what is there already, and links.
    return output_path(path.native(), {}, ".");
}

fs::path directory_destination(const fs::path& given) {
    fs::path path = given.lexically_normal();
    if (!path.has_filename() && path.has_parent_path() && path != path.root_path()) path = path.parent_path();
    std::error_code ignored;
    const fs::file_status status = fs::status(path, ignored);
    if (fs::exists(status) && !fs::is_directory(status)) {
        throw Error(ErrorKind::conflict, fmt::format("{} is there and is not a directory", quoted(path.native())))
            .hint("choose another place with dest=");
    }
    return path;
}

ContainerOutput container_output(const std::string& text, const OutputSpec& spec, const build::BuildOptions& build) {
    ContainerOutput output;
    output.form = spec.type == "oci"      ? Form::oci
                  : spec.type == "docker" ? Form::docker
                  : spec.type == "tar"    ? Form::tar
                                          : Form::local;
    set_layer(output, text, spec);
    output.names = names_of(spec, build.tags);
    auto tar = spec.values.find("tar");
    output.directory =
        output.form == Form::local || (tar != spec.values.end() && !parse_bool(text, "tar", tar->second));
    const auto destination = spec.values.find("dest");
    const bool given = destination != spec.values.end() && !destination->second.empty();
    if (!given && output.form == Form::docker) {
        refuse(text, "there is no docker here to load the image into",
               "give dest=FILE, or pipe it: dest=- | docker load");
    }
    if (!given && output.directory) refuse(text, "dest is missing", "give the directory with dest=DIR");
    if (!given || destination->second == "-") {
        if (output.directory) refuse(text, "standard output is no directory", "give dest=DIR");
        return output;
    }
    output.destination =
        output.directory ? directory_destination(destination->second) : file_destination(text, destination->second);
    return output;
}

void add_annotation(const std::string& text, build::BuildOptions& build) {
    constexpr std::string_view manifest = "manifest:", descriptor = "manifest-descriptor:";
    std::string_view rest = text;
    auto& annotations = text.starts_with(descriptor) ? build.descriptor_annotations : build.annotations;
    if (rest.starts_with(descriptor))
        rest.remove_prefix(descriptor.size());
    else if (rest.starts_with(manifest))
        rest.remove_prefix(manifest.size());
    const size_t equals = rest.find('=');
    const std::string_view key = rest.substr(0, equals);
    if (key.starts_with("index:") || key.starts_with("index-descriptor:") || key.starts_with("index,")) {
        throw Error(ErrorKind::usage, fmt::format("--annotation {}: the image has no index of its own", quoted(text)))
            .hint("an image for one platform has a manifest only: write KEY=VALUE, or manifest-descriptor:KEY=VALUE");
    }
    if (equals == std::string_view::npos || key.empty()) {
        throw Error(ErrorKind::usage, fmt::format("--annotation {}: not KEY=VALUE", quoted(text)))
            .hint("write --annotation KEY=VALUE");
    }
    annotations[std::string(key)] = rest.substr(equals + 1);
}

void check_places(const build::BuildOptions& build) {
    std::set<fs::path> places;
    bool standard_output = false;
    auto add = [&](const fs::path& path) {
        if (places.insert(fs::weakly_canonical(path)).second) return;
        throw Error(ErrorKind::conflict, fmt::format("two outputs of the build are {}", quoted(path.native())))
            .hint("give each output a place of its own");
    };
    if (build.output) add(*build.output);
    for (const ContainerOutput& output : build.container_outputs) {
        if (output.destination) {
            add(*output.destination);
        } else if (std::exchange(standard_output, true)) {
            throw Error(ErrorKind::conflict, "two outputs of the build are for standard output")
                .hint("give one of them a file with dest=");
        }
    }
}

// A pipe or a device, or what a link leads to: nobody names those.
bool is_special(const fs::path& path) {
    std::error_code ignored;
    const fs::file_status status = fs::status(path, ignored);
    return fs::exists(status) && !fs::is_regular_file(status);
}

bool is_container_image(const ContainerOutput& output) {
    return output.form == Form::oci || output.form == Form::docker;
}

}  // namespace

OutputSpec parse_output(const std::string& text) {
    if (text == "-") return {"tar", {{"dest", "-"}}};
    if (!is_specification(text)) return {"gvmi", {{"dest", text}}};
    OutputSpec spec{"", {}};
    const auto fields = split_csv(text);
    if (!fields) refuse(text, "a quote is not closed", "end the field with another \"");
    for (const std::string& field : *fields) {
        const size_t equals = field.find('=');
        if (equals == std::string::npos || equals == 0) {
            refuse(text, fmt::format("{} is not KEY=VALUE", quoted(field)), "write type=TYPE,dest=PATH");
        }
        const std::string key = to_lower(trim(field.substr(0, equals)));
        std::string value = field.substr(equals + 1);
        const bool is_new =
            key == "type" ? std::exchange(spec.type, value).empty() : spec.values.emplace(key, std::move(value)).second;
        if (!is_new) refuse(text, fmt::format("{} is given twice", key), "keep one of the two");
    }
    std::vector<std::string> names;
    for (const OutputType& type : output_types()) names.emplace_back(type.name);
    if (spec.type.empty()) refuse(text, "type is missing", fmt::format("type is one of {}", join(names, ", ")));
    const auto type = std::find_if(output_types().begin(), output_types().end(),
                                   [&](const OutputType& known) { return known.name == spec.type; });
    if (type == output_types().end()) {
        refuse(text, fmt::format("no output of type {}", quoted(spec.type)),
               dockerfile::suggest(spec.type, names, "", fmt::format("type is one of {}", join(names, ", "))));
    }
    for (const auto& [key, value] : spec.values) {
        if (std::find(type->keys.begin(), type->keys.end(), key) != type->keys.end()) continue;
        refuse(text, fmt::format("type={} has no {}", spec.type, quoted(key)),
               dockerfile::suggest(key, type->keys, "",
                                   fmt::format("type={} takes {}", spec.type, join(type->keys, ", "))));
    }
    return spec;
}

void OutputSettings::declare(OptionSet& options) {
    options.list("-o,--output", "PATH|type=TYPE,dest=PATH", outputs,
                 "what to write. PATH: the .gvmi, or a directory to write NAME-TAG.gvmi to (default: the current "
                 "directory). Types: gvmi, oci (an image layout; tar=false: a directory), docker (for docker load), "
                 "tar (the files; - is standard output), local (a directory); repeatable");
    options.list("--annotation", "KEY=VALUE", annotations,
                 "annotation of an oci or docker image's manifest, or with manifest-descriptor:KEY=VALUE of its entry "
                 "in the index; repeatable");
}

void OutputSettings::apply(build::BuildOptions& build, bool terminal) const {
    build.writes_gvmi = outputs.empty();
    std::string gvmi;
    for (const std::string& text : outputs) {
        const OutputSpec spec = parse_output(text);
        if (spec.type != "gvmi") {
            build.container_outputs.push_back(container_output(text, spec, build));
            continue;
        }
        if (build.writes_gvmi) {
            throw Error(ErrorKind::usage, "one build writes one .gvmi, and two are asked for with --output")
                .hint("copy the file, or give it several names with -t");
        }
        build.writes_gvmi = true;
        if (auto given = spec.values.find("dest"); given != spec.values.end()) gvmi = given->second;
        if (gvmi == "-") {
            refuse(text, "a .gvmi cannot be written to standard output", "give a file or directory name");
        }
    }
    if (build.writes_gvmi) build.output = output_path(gvmi, build.tags, build.context);
    check_places(build);
    if (terminal && uses_standard_output(build)) {
        throw Error(ErrorKind::usage, "an archive is not written to a terminal").hint("give dest=FILE, or use a pipe");
    }
    for (const std::string& text : annotations) add_annotation(text, build);
    const auto& container = build.container_outputs;
    if (!annotations.empty() && std::none_of(container.begin(), container.end(), is_container_image)) {
        throw Error(ErrorKind::usage, "--annotation is for container images, and none is written")
            .hint("write one with -o type=oci,dest=FILE, or use --label, which a .gvmi has, too");
    }
}

std::vector<Warning> OutputSettings::warnings() const {
    std::vector<Warning> warnings;
    for (const std::string& text : outputs) {
        if (text.empty() || text == "-" || is_specification(text) || text.ends_with('/')) continue;
        std::error_code ignored;
        const fs::path path = text;
        if (path.extension() == ".gvmi" || fs::is_directory(path, ignored) || is_special(path)) continue;
        const bool tar = text.find(".tar") != std::string::npos || text.ends_with(".tgz");
        warnings.push_back(
            {"output-type",
             fmt::format("-o {} writes a .gvmi of that name; docker would write the files to a directory",
                         printable(text)),
             std::nullopt,
             tar ? fmt::format("write type=tar,dest={0} (files) or type=oci,dest={0} (an image), or name the "
                               "file .gvmi",
                               printable(text))
                 : fmt::format("write type=local,dest={0} (files) or {0}/ (a .gvmi in it), or name the file "
                               ".gvmi",
                               printable(text))});
    }
    return warnings;
}

bool writes_image(const build::BuildOptions& build) {
    const auto& outputs = build.container_outputs;
    return build.writes_gvmi || std::any_of(outputs.begin(), outputs.end(), is_container_image);
}

bool uses_standard_output(const build::BuildOptions& build) {
    const auto& outputs = build.container_outputs;
    return std::any_of(outputs.begin(), outputs.end(), [](const auto& output) { return !output.destination; });
}

}  // namespace gbuild::cli
