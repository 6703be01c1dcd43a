#include "completion_values.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/check/check.h"
#include "gbuild/cli/build_settings.h"
#include "gbuild/cli/dockerfile_calls.h"
#include "gbuild/cli/file_list.h"
#include "gbuild/cli/image_argument.h"
#include "gbuild/cli/store_items.h"
#include "gbuild/pack/image_reader.h"
#include "gbuild/sources/inputs.h"

namespace gbuild::cli {

namespace {

namespace fs = std::filesystem;

// Candidates that begin with what is typed, put behind what of the word stands before the value.
class Offer {
  public:
    Offer(std::string_view before, std::string_view typed) : before_(before), typed_(typed) {}

    Offer& add(const std::string& value, const std::string& help = {}) {
        if (value.starts_with(typed_)) completion.candidates.push_back({before_ + value, help});
        return *this;
    }
    // Ends in "=", "/" or ",", where more is to follow.
    Offer& add_open(const std::string& value, const std::string& help = {}) {
        add(value, help);
        completion.goes_on = true;
        return *this;
    }
    // Files and directories, as a shell would list them.
    Offer& add_paths(bool directories_only) {
        const size_t slash = typed_.rfind('/');
        const std::string parent = slash == std::string::npos ? "" : typed_.substr(0, slash + 1);
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(parent.empty() ? "." : parent, error)) {
            const std::string name = entry.path().filename().native();
            const bool hidden = name.starts_with('.') && !typed_.substr(parent.size()).starts_with('.');
            if (hidden) continue;
            if (entry.is_directory(error))
                add_open(parent + name + "/");
            else if (!directories_only)
                add(parent + name);
        }
        return *this;
    }

    Completion completion;

  private:
    std::string before_, typed_;
};

void add_tags(Offer& offer, const TypedLine& line) {
    for (const auto& image : store::list_images(store_root(line.given("--root")))) {
        offer.add(image.repository + ":" + image.tag, image.image_id.substr(0, 12));
    }
}

dockerfile::Dockerfile typed_dockerfile(const TypedLine& line) {
    build::BuildOptions options;
    options.context = line.arguments().empty() ? fs::path(".") : fs::path(line.arguments().front());
    if (const std::string file = line.given("--file"); !file.empty()) options.dockerfile = file;
    std::vector<Warning> ignored;
    return build::load_dockerfile(options, ignored);
}

void add_stages(Offer& offer, const TypedLine& line) {
    for (const TargetInfo& stage : targets_of(typed_dockerfile(line))) {
        offer.add(stage.name, stage.description.empty() ? "FROM " + stage.base : stage.description);
    }
}

void add_build_args(Offer& offer, const TypedLine& line) {
    const dockerfile::Dockerfile file = typed_dockerfile(line);
    std::set<std::string> names;
    for (const auto& step : file.instructions) {
        if (step.name != "ARG") continue;
        for (const std::string& word : step.args) names.insert(word.substr(0, word.find('=')));
    }
    for (const std::string& name : names) offer.add_open(name + "=");
}

struct CompletedOutput {
    const char* name;
    const char* help;
    std::vector<std::string> keys;
};
const std::vector<CompletedOutput>& completed_outputs() {
    static const std::vector<CompletedOutput> types{
        {"gvmi", "the image for the Golem network", {"dest="}},
        {"oci", "an OCI image layout", {"dest=", "tar=false", "name=", "compression=", "compression-level="}},
        {"docker", "for docker load", {"dest=", "name=", "compression=", "compression-level="}},
        {"tar", "the files, as an archive", {"dest="}},
        {"local", "the files, in a directory", {"dest="}}};
    return types;
}

// KEY=VALUE fields, the last of which is being typed.
struct Fields {
    explicit Fields(const TypedLine& line) {
        const size_t comma = line.value().rfind(',');
        const size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
        for (const std::string& field : split(line.value().substr(0, begin), ',')) {
            if (!field.empty()) done.push_back(field);
        }
        typed = line.value().substr(begin);
        before = std::string(line.before_value()) + std::string(line.value().substr(0, begin));
    }
    std::string value_of(std::string_view key) const {
        for (const std::string& field : done) {
            if (field.starts_with(key)) return field.substr(key.size());
        }
        return {};
    }
    std::vector<std::string> done;
    std::string typed, before;
};

// Of "dest=out/im": paths behind "dest=".
std::optional<Completion> field_paths(const Fields& fields, std::initializer_list<std::string_view> keys) {
    for (std::string_view key : keys) {
        if (!fields.typed.starts_with(key)) continue;
        Offer offer(fields.before + std::string(key), std::string_view(fields.typed).substr(key.size()));
        return offer.add_paths(false).completion;
    }
    return std::nullopt;
}

Completion output_values(const TypedLine& line) {
    const Fields fields(line);
    if (auto paths = field_paths(fields, {"dest="})) return *paths;
    Offer offer(fields.before, fields.typed);
    const std::string type = fields.value_of("type=");
    for (const CompletedOutput& known : completed_outputs()) {
        if (fields.done.empty()) offer.add_open(fmt::format("type={},", known.name), known.help);
        if (type != known.name) continue;
        for (const std::string& key : known.keys) offer.add_open(key);
    }
    offer.completion.files = fields.done.empty() && line.before_value().empty();
    return offer.completion;
}

Completion cache_values(const TypedLine& line, const std::string& directory_key) {
    const Fields fields(line);
    if (auto paths = field_paths(fields, {directory_key})) return *paths;
    Offer offer(fields.before, fields.typed);
    const std::string type = fields.value_of("type=");
    if (fields.done.empty())
        offer.add_open("type=registry,ref=", "an artifact in a registry")
            .add_open("type=local," + directory_key, "a directory");
    if (type == "registry") offer.add_open("ref=");
    if (type == "local") offer.add_open(directory_key);
    if (!type.empty() && directory_key == "dest=") offer.add_open("mode=max", "the results of all steps");
    return offer.completion;
}

Completion secret_values(const TypedLine& line) {
    const Fields fields(line);
    if (auto paths = field_paths(fields, {"src=", "source="})) return *paths;
    Offer offer(fields.before, fields.typed);
    offer.add_open(fields.done.empty() ? "id=" : "src=");
    if (!fields.done.empty()) offer.add_open("env=");
    return offer.completion;
}

Completion rule_values(const TypedLine& line) {
    const Fields fields(line);
    Offer offer(fields.before, fields.typed);
    for (const check::Rule& rule : check::all_rules()) offer.add(std::string(rule.id), std::string(rule.meaning));
    return offer.completion;
}

// "gzip|lzo|lz4": words that help names; what stands for a value of one's own is in capitals.
std::vector<std::string> words_of(const DeclaredOption& option) {
    if (!option.words.empty()) return option.words;
    std::vector<std::string> words;
    const std::string text(trim(option.value));
    if (text.find('|') == std::string::npos) return {};
    for (const std::string& word : split(text, '|')) {
        const bool plain = word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
        if (plain && !word.empty()) words.push_back(word);
    }
    return words;
}

bool names_any(const std::string& text, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

Completion path_values(const TypedLine& line, bool directories) {
    // Behind a "=", shells do not see that it is a path.
    if (!line.before_value().empty()) return Offer(line.before_value(), line.value()).add_paths(directories).completion;
    Completion completion;
    (directories ? completion.directories : completion.files) = true;
    return completion;
}

// What is in a directory of the image that is the first argument.
void add_image_paths(Offer& offer, const TypedLine& line) {
    const ImageArgument image = find_image_argument(line.arguments().front(), store_root(line.given("--root")));
    const tree::Tree tree = pack::ImageReader(image.file).read_tree();
    const std::string& typed = line.current();
    const std::string parent = typed.substr(0, typed.rfind('/') + 1);
    const tree::Node* node = tree.find(parent, tree::FollowLast::yes);
    if (node == nullptr || !node->is_directory()) return;
    for (const auto& [name, child] : node->children) {
        const std::string path = (parent.empty() ? "/" : parent) + name;
        if (child->is_directory())
            offer.add_open(path + "/");
        else
            offer.add(path);
    }
}

}  // namespace

Completion option_values(const TypedLine& line) {
    const DeclaredOption& option = *line.valued();
    const std::string& name = option.names.back();
    if (name == "--output" && names_any(option.value, {"type="})) return output_values(line);
    if (name == "--cache-from") return cache_values(line, "src=");
    if (name == "--cache-to") return cache_values(line, "dest=");
    if (name == "--secret") return secret_values(line);
    if (name == "--skip" || name == "--only") return rule_values(line);
    Offer offer(line.before_value(), line.value());
    for (const std::string& word : words_of(option)) offer.add(word);
    if (name == "--target" || name == "--no-cache-filter") add_stages(offer, line);
    if (name == "--build-arg") add_build_args(offer, line);
    if (name == "--tag") add_tags(offer, line);
    if (name == "--platform") offer.add("linux/amd64", "what providers run").add("linux/arm64").add("linux/arm/v7");
    if (name == "--call") offer.add("check").add("outline").add("targets");
    if (name == "--allow") offer.add("security.insecure");
    if (name == "--ssh") offer.add("default");
    if (name == "--kind") {
        for (store::ItemKind kind : store::all_item_kinds) offer.add(std::string(store::kind_name(kind)));
    }
    if (name == "--filter") offer.add_open("until=");
    if (!offer.completion.candidates.empty()) return offer.completion;
    if (names_any(option.value, {" DIR"})) return path_values(line, true);
    if (names_any(option.value, {"PATH", "FILE"})) return path_values(line, false);
    return offer.completion;
}

Completion argument_values(const TypedLine& line) {
    Offer offer("", line.current());
    const DeclaredArgument* argument = line.argument();
    if (argument == nullptr) return {};
    const std::string& name = argument->name;
    if (name == "CONTEXT") offer.completion.directories = true;
    if (name == "FILE") offer.completion.files = true;
    if (name == "PATH" && !line.arguments().empty()) add_image_paths(offer, line);
    if (name == "NAME") add_tags(offer, line);
    if (name == "IMAGE" || name == "SOURCE" || name == "A" || name == "B") {
        add_tags(offer, line);
        offer.completion.files = true;
    }
    if (name == "SHELL") offer.add("bash").add("fish").add("zsh");
    if (to_lower(name) == name) offer.add(name);
    return offer.completion;
}

}  // namespace gbuild::cli
