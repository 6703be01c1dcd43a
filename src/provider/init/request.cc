#include "request.h"

#include <cstring>
#include <utility>

#include "report.h"

namespace gbuild::guest {

namespace wire = provider::wire;

namespace {

// Values one after the other; once one of them is not all there, none is.
class Input {
  public:
    explicit Input(std::string_view bytes) : rest_(bytes), size_(bytes.size()) {}

    bool complete() const { return complete_; }
    size_t used() const { return size_ - rest_.size(); }

    template <class Number>
    Number number() {
        Number value{};
        const std::string_view bytes = take(sizeof value);
        if (complete_) std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }
    std::string bytes() {
        const auto length = number<uint64_t>();
        if (length > wire::most_bytes) fail("a request has a value of too many bytes");
        return std::string(take(length));
    }
    std::vector<std::string> array() {
        const auto count = number<uint64_t>();
        if (count > wire::most_values) fail("a request has too many values");
        std::vector<std::string> values;
        for (uint64_t i = 0; i < count && complete_; i++) values.push_back(bytes());
        return values;
    }

  private:
    std::string_view take(uint64_t count) {
        complete_ = complete_ && count <= rest_.size();
        if (!complete_) return {};
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    std::string_view rest_;
    size_t size_;
    bool complete_ = true;
};

Redirection redirection(Input& input) {
    Redirection redirection;
    redirection.descriptor = input.number<uint32_t>();
    redirection.kind = static_cast<wire::Redirect>(input.number<uint8_t>());
    if (redirection.kind == wire::Redirect::file) {
        redirection.path = input.bytes();
    } else {
        redirection.size = input.number<uint64_t>();
    }
    return redirection;
}

bool start_field(uint8_t field, Input& input, Request& request) {
    using namespace wire::start_field;
    switch (field) {
    case program: request.program = input.bytes(); return true;
    case argument: request.arguments = input.array(); return true;
    case environment: request.environment = input.array(); return true;
    case uid: request.uid = input.number<uint32_t>(); return true;
    case gid: request.gid = input.number<uint32_t>(); return true;
    case redirect: request.redirections.push_back(redirection(input)); return true;
    case directory: request.directory = input.bytes(); return true;
    case entrypoint: request.entrypoint = true; return true;
    default: return false;
    }
}

bool kill_field(uint8_t field, Input& input, Request& request) {
    if (field == wire::kill_field::process) request.process = input.number<uint64_t>();
    if (field == wire::kill_field::signal) request.signal = input.number<uint32_t>();
    return field == wire::kill_field::process || field == wire::kill_field::signal;
}

bool mount_field(uint8_t field, Input& input, Request& request) {
    if (field == wire::mount_field::tag) request.tag = input.bytes();
    if (field == wire::mount_field::path) request.path = input.bytes();
    return field == wire::mount_field::tag || field == wire::mount_field::path;
}

bool output_field(uint8_t field, Input& input, Request& request) {
    using namespace wire::output_field;
    switch (field) {
    case process: request.process = input.number<uint64_t>(); return true;
    case descriptor: request.descriptor = input.number<uint8_t>(); return true;
    case offset: request.offset = input.number<uint64_t>(); return true;
    case length: request.length = input.number<uint64_t>(); return true;
    default: return false;
    }
}

bool input_field(uint8_t field, Input& input, Request& request) {
    if (field == wire::input_field::process) request.process = input.number<uint64_t>();
    if (field == wire::input_field::data) request.data = input.bytes();
    return field == wire::input_field::process || field == wire::input_field::data;
}

bool hosts_field(uint8_t field, Input& input, Request& request) {
    if (field != wire::hosts_field::entry) return false;
    std::string address = input.bytes();
    request.hosts.emplace_back(std::move(address), input.bytes());
    return true;
}

bool resize_field(uint8_t field, Input& input, Request& request) {
    if (field == wire::resize_field::process) request.process = input.number<uint64_t>();
    if (field == wire::resize_field::size) request.size = input.number<uint32_t>();
    return field == wire::resize_field::process || field == wire::resize_field::size;
}

bool take_field(uint8_t field, Input& input, Request& request) {
    switch (request.type) {
    case wire::Request::start: return start_field(field, input, request);
    case wire::Request::kill: return kill_field(field, input, request);
    case wire::Request::mount: return mount_field(field, input, request);
    case wire::Request::output: return output_field(field, input, request);
    case wire::Request::input: return input_field(field, input, request);
    case wire::Request::add_hosts: return hosts_field(field, input, request);
    case wire::Request::resize: return resize_field(field, input, request);
    default: return false;
    }
}

}  // namespace

std::optional<Request> RequestReader::next() {
    Input input(bytes_);
    Request request;
    request.id = input.number<uint64_t>();
    request.type = static_cast<wire::Request>(input.number<uint8_t>());
    while (input.complete()) {
        const auto field = input.number<uint8_t>();
        if (!input.complete()) break;
        if (field == 0) {
            bytes_.erase(0, input.used());
            return request;
        }
        if (!take_field(field, input, request)) fail("a request has a field that is not known");
    }
    return std::nullopt;
}

}  // namespace gbuild::guest
