#include "registry_api.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gbuild/base/error.h"
#include "gbuild/base/text.h"
#include "gbuild/registry/url.h"
#include "multipart.h"

namespace gbuild::publish {

namespace {

using nlohmann::json;
using registry::ApiAnswer;
using registry::ApiRequest;
using registry::TransientError;

// A list of chunks takes two bytes for each; more than these is no list.
constexpr size_t max_state = size_t{64} * 1024, max_state_per_chunk = 16;
constexpr size_t max_info = size_t{64} * 1024;

bool is_redirect(int status) { return status >= 300 && status < 400; }
bool is_transient(int status) { return status == 408 || status == 429 || (status >= 500 && status < 600); }

ErrorKind kind_of(int status) {
    switch (status) {
    case 401:
    case 403: return ErrorKind::unauthorized;
    case 404: return ErrorKind::not_found;
    case 409: return ErrorKind::conflict;
    case 413: return ErrorKind::limit;
    default: return ErrorKind::network;
    }
}

std::string hint_for(int status) {
    switch (status) {
    case 401:
    case 403: return "check the login (gbuild login), and that it may write to the repository";
    case 404: return "check the name; a repository has to be made in the registry's portal first";
    case 413: return "send smaller chunks with --chunk-size, such as 1M";
    default: return "";
    }
}

// The object that an answer is; nullopt for anything else.
std::optional<json> object_in(const ApiAnswer& answer) {
    json document = json::parse(answer.body, nullptr, false);
    if (!document.is_object()) return std::nullopt;
    return document;
}

Error no_registry(const ApiAnswer& answer, const std::string& host, std::string_view why) {
    const std::string reason = shown_reason(answer.body);
    return Error(ErrorKind::network, fmt::format("{} does not answer as a Golem registry does: {} (status {}{}{})",
                                                 host, why, answer.status, reason.empty() ? "" : ": ", reason))
        .hint("check REGISTRY_URL, and that no proxy or login page answers in its place");
}

std::vector<bool> chunks_in(const json& document, size_t count, const ApiAnswer& answer, const std::string& host) {
    std::vector<bool> there(count, false);
    const auto found = document.find("chunks");
    if (found == document.end() || found->is_null()) return there;
    if (!found->is_array()) throw no_registry(answer, host, "its list of chunks is no list");
    for (size_t i = 0; i < std::min(count, found->size()); i++) {
        if (!(*found)[i].is_number_integer())
            throw no_registry(answer, host, "its list of chunks has other things than numbers");
        there[i] = (*found)[i] == 1;
    }
    return there;
}

// "" unless it is an http(s) URL that can be shown as it is.
std::string url_member(const json& document, const char* name) {
    constexpr size_t longest = 2000;
    const auto found = document.find(name);
    if (found == document.end() || !found->is_string()) return "";
    auto text = found->get<std::string>();
    const bool plain = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
    return text.size() <= longest && plain && registry::Url::parse(text) ? text : "";
}

// Without what is between "<" and ">", and the contents of scripts and styles.
std::string text_of_html(std::string_view html) {
    std::string text;
    while (!html.empty()) {
        const size_t open = std::min(html.find('<'), html.size());
        text += html.substr(0, open);
        text += ' ';
        html.remove_prefix(open);
        for (std::string_view element : {"<script", "<style"}) {
            if (!equal_ignoring_case(html.substr(0, element.size()), element)) continue;
            html.remove_prefix(std::min(html.find(fmt::format("</{}", element.substr(1))), html.size()));
        }
        const size_t close = html.find('>');
        html.remove_prefix(close == std::string_view::npos ? html.size() : close + 1);
    }
    return text;
}

std::string on_one_line(std::string_view text) {
    std::string line;
    for (char c : trim(text)) {
        const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!blank) line += c;
        if (blank && !line.ends_with(' ')) line += ' ';
    }
    return line;
}

// What the usual servers call it.
std::string message_in(const json& document) {
    if (document.is_string()) return document.get<std::string>();
    if (!document.is_object()) return "";
    for (const char* name : {"message", "error", "detail", "reason", "title"}) {
        const auto found = document.find(name);
        if (found != document.end() && found->is_string()) return found->get<std::string>();
    }
    return "";
}

void hide(std::string& text, const std::string& secret) {
    if (secret.empty()) return;
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) {
        text.replace(at, secret.size(), "***");
    }
}

}  // namespace

std::string shown_reason(const std::string& body, const std::string& secret) {
    constexpr size_t longest = 300;
    std::string text = body;
    const json document = json::parse(body, nullptr, false);
    if (std::string message = document.is_discarded() ? "" : message_in(document); !message.empty()) {
        text = std::move(message);
    } else if (trim(body).starts_with('<')) {
        text = text_of_html(body);
    }
    hide(text, secret);
    text = on_one_line(text);
    if (text.size() > longest) text = text.substr(0, longest) + "…";
    return printable(text);
}

bool UploadState::has_all() const {
    return std::all_of(has_chunk.begin(), has_chunk.end(), [](bool there) { return there; });
}

void RegistryApi::throw_refusal(const ApiAnswer& answer, const std::string& doing, const std::string& secret) const {
    if (is_redirect(answer.status)) {
        const auto base = registry::Url::parse(place_.url() + "/");
        const auto target = base->resolve(answer.location);
        const std::string to = target ? target->origin() : "nowhere";
        throw Error(ErrorKind::network,
                    fmt::format("{} failed: {} redirects to {} (status {})", doing, place_.url(), to, answer.status))
            .hint(target ? fmt::format("if that is the registry that you mean, set REGISTRY_URL={}", to)
                         : "check REGISTRY_URL");
    }
    const std::string reason = shown_reason(answer.body, secret);
    const std::string message = fmt::format("{} failed: {} answers with status {}{}{}", doing, place_.host(),
                                            answer.status, reason.empty() ? "" : ": ", reason);
    if (is_transient(answer.status)) throw TransientError(ErrorKind::network, message, answer.retry_after);
    throw Error(kind_of(answer.status), message).hint(hint_for(answer.status));
}

void RegistryApi::check_login(const Login& login, const std::stop_token& stop) {
    const json credentials{{"username", login.user}, {"password", login.token}};
    ApiRequest request;
    request.url = url("/auth/pat/login");
    request.method = "POST";
    request.headers = {"Content-Type: application/json"};
    request.body = std::make_shared<registry::TextContent>(credentials.dump());
    registry::Retrier(retry_policy(), stop).run([&] {
        const ApiAnswer answer = web_.ask(request, stop);
        if (answer.ok()) return;
        if (answer.status != 401 && answer.status != 403) throw_refusal(answer, "logging in", login.token);
        const std::string reason = shown_reason(answer.body, login.token);
        throw Error(ErrorKind::unauthorized, fmt::format("{} refuses the login of {}{}{}", place_.host(),
                                                         quoted(login.user), reason.empty() ? "" : ": ", reason))
            .hint(fmt::format("check {}; tokens are made in the registry's portal", login.origin));
    });
}

UploadState RegistryApi::upload_state(const golem::Descriptor& descriptor, const std::string& id,
                                      const std::stop_token& stop) {
    const size_t count = descriptor.chunks.size();
    ApiRequest request;
    request.url = url("/v1/image/descr/" + id);
    request.max_answer = max_state + max_state_per_chunk * count;
    return registry::Retrier(retry_policy(), stop).run([&] {
        const ApiAnswer answer = web_.ask(request, stop);
        const auto document = object_in(answer);
        if (is_transient(answer.status) || is_redirect(answer.status)) throw_refusal(answer, "asking for the upload");
        if (!document && !answer.ok() && answer.status != 404) throw_refusal(answer, "asking for the upload");
        if (!document) throw no_registry(answer, place_.host(), "its answer about the upload is no JSON object");
        const auto known = document->find("descriptor");
        if (known == document->end() || !known->is_string()) {
            if (!answer.ok() && answer.status != 404) throw_refusal(answer, "asking for the upload");
            throw no_registry(answer, place_.host(), "its answer about the upload has no \"descriptor\"");
        }
        UploadState state;
        state.known = *known == "ok";
        const auto status = document->find("status");
        state.has_status = status != document->end() && status->is_string();
        state.full = state.known && state.has_status && *status == "full";
        state.has_chunk = chunks_in(*document, count, answer, place_.host());
        return state;
    });
}

void RegistryApi::send_descriptor(const golem::Descriptor& descriptor, const std::stop_token& stop) {
    const std::string bytes = descriptor.encode();
    MultipartForm form;
    ApiRequest request;
    request.url = url("/v1/image/push/descr");
    request.method = "POST";
    request.headers = {form.header()};
    request.body = std::move(form).with_file(std::make_shared<registry::TextContent>(bytes), 0, bytes.size());
    registry::Retrier(retry_policy(), stop).run([&] {
        const ApiAnswer answer = web_.ask(request, stop);
        if (!answer.ok()) throw_refusal(answer, "sending the descriptor");
    });
}

void RegistryApi::attach(const std::string& id, const RegistryName& name, const Login& login, Attach how,
                         const std::stop_token& stop) {
    MultipartForm form;
    form.field("tag", name.tag);
    form.field("username", name.user);
    form.field("repository", name.repository);
    form.field("login", login.user);
    form.field("token", login.token);
    if (how == Attach::check) form.field("check", "true");
    ApiRequest request;
    request.url = url("/v1/image/descr/attach/" + id);
    request.method = "POST";
    request.headers = {form.header()};
    request.body = std::move(form).finish();
    const std::string doing = how == Attach::check ? fmt::format("asking whether {} may be written", name.text())
                                                   : fmt::format("tagging {}", name.text());
    registry::Retrier(retry_policy(), stop).run([&] {
        const ApiAnswer answer = web_.ask(request, stop);
        // Nothing else is success: 202, for one, has not done it yet.
        if (answer.status != 200) throw_refusal(answer, doing, login.token);
    });
}

std::optional<ResolvedImage> RegistryApi::find(const std::string& query, const std::stop_token& stop) {
    ApiRequest request;
    request.url = url("/v1/image/info?" + query);
    request.max_answer = max_info;
    return registry::Retrier(retry_policy(), stop).run([&]() -> std::optional<ResolvedImage> {
        const ApiAnswer answer = web_.ask(request, stop);
        if (answer.status == 404) return std::nullopt;
        if (!answer.ok()) throw_refusal(answer, "asking for the image");
        const auto document = object_in(answer);
        if (!document) throw no_registry(answer, place_.host(), "its answer about the image is no JSON object");
        const auto sha3 = document->find("sha3");
        const auto hash = sha3 != document->end() && sha3->is_string()
                              ? golem::ImageHash::parse(sha3->get_ref<const std::string&>())
                              : std::nullopt;
        if (!hash) throw no_registry(answer, place_.host(), "its answer about the image has no SHA3");
        ResolvedImage image{*hash, url_member(*document, "http"), url_member(*document, "https"), std::nullopt};
        const auto size = document->find("size");
        if (size != document->end() && size->is_number_unsigned()) image.size = size->get<uint64_t>();
        return image;
    });
}

ApiAnswer RegistryApi::send_chunk(const golem::Descriptor& descriptor, const std::string& id, size_t number,
                                  std::shared_ptr<const registry::BlobContent> file,
                                  std::function<void(uint64_t)> progress, const std::stop_token& stop) {
    const uint64_t offset = descriptor.chunk_offset(number), length = descriptor.chunk_length(number);
    MultipartForm form;
    form.field("descr-sha256", id);
    form.field("chunk-no", std::to_string(number));
    form.field("chunk-sha256", to_hex(descriptor.chunks.at(number)));
    form.field("chunk-pos", std::to_string(offset));
    form.field("chunk-len", std::to_string(length));
    ApiRequest request;
    request.url = url("/v1/image/push/chunk");
    request.method = "POST";
    request.headers = {form.header()};
    request.body = std::move(form).with_file(std::move(file), offset, length);
    // Of the whole body, of which all but a few bytes are the chunk's.
    request.progress = [progress = std::move(progress), length](uint64_t sent) { progress(std::min(sent, length)); };
    return web_.ask(request, stop);
}

}  // namespace gbuild::publish
