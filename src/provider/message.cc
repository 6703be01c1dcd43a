#include "gbuild/provider/message.h"

#include <concepts>
#include <cstring>

#include <fmt/format.h>

#include "gbuild/base/error.h"

namespace gbuild::provider {

namespace {

class RequestBytes {
  public:
    RequestBytes(uint64_t id, wire::Request type) {
        number(id);
        number(static_cast<uint8_t>(type));
    }
    template <std::integral Number>
    RequestBytes& number(Number value) {
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
        return *this;
    }
    RequestBytes& field(uint8_t name) { return number(name); }
    RequestBytes& text(std::string_view text) {
        number(uint64_t{text.size()});
        bytes_ += text;
        return *this;
    }
    RequestBytes& array(std::span<const std::string> texts) {
        number(uint64_t{texts.size()});
        for (const std::string& one : texts) text(one);
        return *this;
    }
    RequestBytes& redirect(uint32_t descriptor, wire::Redirect kind, uint64_t size) {
        field(wire::start_field::redirect).number(descriptor);
        return number(static_cast<uint8_t>(kind)).number(size);
    }
    std::string finish() {
        bytes_ += '\0';
        return std::move(bytes_);
    }

  private:
    std::string bytes_;
};

uint32_t packed(TerminalSize size) { return uint32_t{size.rows} << 16 | size.columns; }

// Numbers one after the other; what is not all there yet is nothing.
class Cursor {
  public:
    Cursor(std::string_view bytes, size_t at) : bytes_(bytes), at_(at) {}

    template <std::integral Number>
    Number number() {
        Number value{};
        complete_ = complete_ && bytes_.size() - at_ >= sizeof value;
        if (!complete_) return value;
        std::memcpy(&value, bytes_.data() + at_, sizeof value);
        at_ += sizeof value;
        return value;
    }
    std::string text() {
        const auto length = number<uint64_t>();
        if (length > wire::most_bytes) {
            throw Error(ErrorKind::integrity, fmt::format("the machine answers with {} bytes at once", length));
        }
        complete_ = complete_ && bytes_.size() - at_ >= length;
        if (!complete_) return "";
        at_ += length;
        return std::string(bytes_.substr(at_ - length, length));
    }
    bool complete() const { return complete_; }
    size_t at() const { return at_; }

  private:
    std::string_view bytes_;
    size_t at_;
    bool complete_ = true;
};

void read_value(Cursor& cursor, AnswerMessage& answer) {
    switch (answer.type) {
    case wire::Answer::ok: return;
    case wire::Answer::number: answer.number = cursor.number<uint64_t>(); return;
    case wire::Answer::bytes: answer.bytes = cursor.text(); return;
    case wire::Answer::error: answer.code = cursor.number<uint32_t>(); return;
    case wire::Answer::output:
        answer.number = cursor.number<uint64_t>();
        answer.code = cursor.number<uint32_t>();
        return;
    case wire::Answer::ended:
        answer.number = cursor.number<uint64_t>();
        answer.code = cursor.number<uint8_t>();
        answer.end = static_cast<wire::End>(cursor.number<uint8_t>());
        return;
    }
    throw Error(ErrorKind::integrity,
                fmt::format("the machine gives an answer of an unknown type, {}", static_cast<int>(answer.type)));
}

}  // namespace

std::string quit_request(uint64_t id) { return RequestBytes(id, wire::Request::quit).finish(); }

std::string start_request(uint64_t id, const StartRequest& request) {
    using namespace wire::start_field;
    RequestBytes bytes(id, wire::Request::start);
    bytes.field(program).text(request.program).field(argument).array(request.arguments);
    if (request.environment) bytes.field(environment).array(*request.environment);
    bytes.field(uid).number(request.uid).field(gid).number(request.gid);
    if (request.input == Input::terminal) {
        bytes.redirect(0, wire::Redirect::terminal, packed(request.size));
    } else {
        if (request.input == Input::piped) bytes.redirect(0, wire::Redirect::input, 0);
        for (const uint32_t descriptor : {1U, 2U}) bytes.redirect(descriptor, request.kind, request.buffer);
    }
    bytes.field(directory).text(request.directory);
    if (request.entrypoint) bytes.field(entrypoint);
    return bytes.finish();
}

std::string kill_request(uint64_t id, uint64_t process) {
    return RequestBytes(id, wire::Request::kill).field(wire::kill_field::process).number(process).finish();
}

std::string mount_request(uint64_t id, std::string_view tag, std::string_view path) {
    RequestBytes bytes(id, wire::Request::mount);
    return bytes.field(wire::mount_field::tag).text(tag).field(wire::mount_field::path).text(path).finish();
}

std::string output_request(uint64_t id, uint64_t process, uint8_t descriptor) {
    RequestBytes bytes(id, wire::Request::output);
    bytes.field(wire::output_field::process).number(process);
    bytes.field(wire::output_field::descriptor).number(descriptor);
    bytes.field(wire::output_field::offset).number(uint64_t{0});
    return bytes.field(wire::output_field::length).number(UINT64_MAX).finish();
}

std::string input_request(uint64_t id, uint64_t process, std::string_view data) {
    RequestBytes bytes(id, wire::Request::input);
    bytes.field(wire::input_field::process).number(process);
    return bytes.field(wire::input_field::data).text(data).finish();
}

std::string hosts_request(uint64_t id, std::span<const std::pair<std::string, std::string>> hosts) {
    RequestBytes bytes(id, wire::Request::add_hosts);
    for (const auto& [address, name] : hosts) bytes.field(wire::hosts_field::entry).text(address).text(name);
    return bytes.finish();
}

std::string failure_request(uint64_t id) { return RequestBytes(id, wire::Request::failure).finish(); }

std::string space_request(uint64_t id) { return RequestBytes(id, wire::Request::space).finish(); }

std::string resize_request(uint64_t id, uint64_t process, TerminalSize size) {
    RequestBytes bytes(id, wire::Request::resize);
    bytes.field(wire::resize_field::process).number(process);
    return bytes.field(wire::resize_field::size).number(packed(size)).finish();
}

std::optional<AnswerMessage> AnswerReader::next() {
    Cursor cursor(bytes_, used_);
    AnswerMessage answer;
    answer.id = cursor.number<uint64_t>();
    answer.type = static_cast<wire::Answer>(cursor.number<uint8_t>());
    if (cursor.complete()) read_value(cursor, answer);
    if (!cursor.complete()) {
        bytes_.erase(0, std::exchange(used_, 0));
        return std::nullopt;
    }
    used_ = cursor.at();
    return answer;
}

}  // namespace gbuild::provider
