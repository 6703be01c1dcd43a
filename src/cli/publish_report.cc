#include "gbuild/cli/publish_report.h"

#include <filesystem>

#include <fmt/format.h>

#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/sdk_lines.h"

namespace gbuild::cli {

namespace {

const std::string& url_of(const publish::ResolvedImage& image) { return image.http.empty() ? image.https : image.http; }

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string sent_line(const publish::PushResult& result) {
    const size_t chunks = result.descriptor.chunks.size();
    if (result.chunks_sent == 0) return "Sent: nothing, the registry had all of it\n";
    return fmt::format("Sent: {} of {} chunks, {} of {}\n", result.chunks_sent, chunks, human_size(result.bytes_sent),
                       human_size(result.descriptor.size));
}

std::string dry_run_text(const publish::PushJob& job, const publish::PushResult& result) {
    std::string text;
    for (const auto& name : job.names) text += fmt::format("{} may be written\n", name.text());
    const size_t chunks = result.descriptor.chunks.size();
    text += fmt::format("Would send: {} of {} chunks of {}\n", chunks - result.chunks_there, chunks,
                        human_size(result.descriptor.chunk_size));
    return text;
}

}  // namespace

std::string push_text(const publish::PushJob& job, const publish::PushResult& result) {
    std::string text;
    if (job.dry_run) text += dry_run_text(job, result);
    for (const auto& pushed : result.names) text += fmt::format("Pushed {}\n", pushed.name.text());
    if (result.anonymous) text += "Pushed without a name: the registry keeps it for a limited time\n";
    if (!job.dry_run) text += sent_line(result);
    text += fmt::format("Hash: {}\n", result.descriptor.hash().hex);
    const auto* image =
        result.anonymous ? &*result.anonymous : (result.names.empty() ? nullptr : &result.names.front().image);
    if (image && !url_of(*image).empty()) text += fmt::format("URL: {}\n", safe_text(url_of(*image)));
    return text;
}

std::string push_paste_lines(const publish::PushJob& job, const publish::PushResult& result) {
    if (job.dry_run) return "";
    SdkImage image{result.descriptor.hash().hex, std::filesystem::absolute(job.file), "", ""};
    if (result.anonymous) image.url = url_of(*result.anonymous);
    if (!result.names.empty()) {
        image.url = url_of(result.names.front().image);
        image.tag = result.names.front().name.text();
    }
    return paste_lines(image);
}

Json push_json(const publish::PushJob& job, const publish::PushResult& result) {
    const golem::Descriptor& descriptor = result.descriptor;
    Json names = Json::array();
    for (const auto& pushed : result.names) {
        Json json = resolved_json(pushed.name.text(), pushed.image);
        json["user"] = pushed.name.user;
        json["repository"] = pushed.name.repository;
        json["tag"] = pushed.name.tag;
        names.push_back(std::move(json));
    }
    Json checked = Json::array();
    if (job.dry_run) {
        for (const auto& name : job.names) checked.push_back(name.text());
    }
    Json json{{"file", std::filesystem::absolute(job.file).lexically_normal().native()},
              {"size", descriptor.size},
              {"sha3", descriptor.hash().hex},
              {"manifestHash", descriptor.hash().manifest()},
              {"descriptor", descriptor.id()},
              {"chunks", descriptor.chunks.size()},
              {"chunkSize", descriptor.chunk_size},
              {"chunksThere", result.chunks_there},
              {"chunksSent", result.chunks_sent},
              {"bytesSent", result.bytes_sent},
              {"dryRun", job.dry_run},
              {"names", std::move(names)}};
    if (job.dry_run) json["namesThatMayBeWritten"] = std::move(checked);
    if (result.anonymous) json["anonymous"] = resolved_json(descriptor.hash().hex, *result.anonymous);
    return json;
}

std::string resolved_text(const std::string& asked, const publish::ResolvedImage& image) {
    std::vector<std::vector<std::string>> rows{{"Asked:", safe_text(asked)}, {"Hash:", image.hash.hex}};
    if (image.size) rows.push_back({"Size:", fmt::format("{} ({} bytes)", human_size(*image.size), *image.size)});
    if (!image.http.empty()) rows.push_back({"HTTP:", safe_text(image.http)});
    if (!image.https.empty()) rows.push_back({"HTTPS:", safe_text(image.https)});
    rows.push_back({"Task package:", safe_text(image.hash.task_package(url_of(image)))});
    return format_table(rows);
}

Json resolved_json(const std::string& asked, const publish::ResolvedImage& image) {
    return Json{{"asked", asked},
                {"sha3", image.hash.hex},
                {"manifestHash", image.hash.manifest()},
                {"taskPackage", image.hash.task_package(url_of(image))},
                {"http", text_or_null(image.http)},
                {"https", text_or_null(image.https)},
                {"size", image.size ? Json(*image.size) : Json(nullptr)}};
}

}  // namespace gbuild::cli
