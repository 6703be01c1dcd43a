// The one error type. Thrown where something fails, given context on its way up, rendered only by the cli part.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace gbuild {

// What went wrong, as far as a caller or a script can act on it. The cli part maps each kind to an exit code.
enum class ErrorKind {
    usage,         // the command line
    dockerfile,    // the Dockerfile or .dockerignore, or what it asks of the build context
    not_found,     // a file, image, tag or stage that is not there
    unauthorized,  // a registry wants (other) credentials
    network,       // connection, TLS, time-out, a registry that answers nonsense
    integrity,     // bytes that do not have the digest, size or structure they claim
    unsupported,   // valid, but not something this gbuild or the target can do
    limit,         // a cap of ours or of the format
    io,            // the local system said no
    no_space,      // disk full or quota
    permission,    // the local system forbids it
    conflict,      // exists already, or in use
    step_failed,   // a command in the Dockerfile failed
    interrupted,   // Ctrl-C, SIGTERM
    internal,      // a bug in gbuild
};

// A place in a text file. Lines and columns count from 1; columns are bytes.
struct SourceSpan {
    std::string file;  // as the user named it
    int line = 0;
    int column = 0;      // 0: the whole line
    int length = 1;      // bytes to underline
    std::string source;  // the line's text, without its line end
};

class Error : public std::exception {
  public:
    Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

    // Each returns *this so that an error can be built in the throw expression.
    Error& hint(std::string text) & {
        hint_ = std::move(text);
        return *this;
    }
    Error&& hint(std::string text) && {
        hint_ = std::move(text);
        return std::move(*this);
    }
    Error& at(SourceSpan span) & {
        span_ = std::move(span);
        return *this;
    }
    Error&& at(SourceSpan span) && {
        span_ = std::move(span);
        return std::move(*this);
    }
    // Adds "while …" from the inside out.
    Error& context(std::string text) & {
        context_.push_back(std::move(text));
        return *this;
    }
    Error&& context(std::string text) && {
        context_.push_back(std::move(text));
        return std::move(*this);
    }

    // The last lines that a failed command wrote.
    Error& output(std::vector<std::string> lines) & {
        output_ = std::move(lines);
        return *this;
    }

    ErrorKind kind() const { return kind_; }
    const std::string& message() const { return message_; }
    const std::string& hint() const { return hint_; }
    const std::optional<SourceSpan>& span() const { return span_; }
    const std::vector<std::string>& context() const { return context_; }  // innermost first
    const std::vector<std::string>& output() const { return output_; }

    const char* what() const noexcept override { return message_.c_str(); }

  private:
    ErrorKind kind_;
    std::string message_;
    std::string hint_;
    std::optional<SourceSpan> span_;
    std::vector<std::string> context_;
    std::vector<std::string> output_;
};

// The error for a failed system call. `what` says what was attempted, for example "open /a/b"; the errno's text is
// appended. ENOSPC and EDQUOT become no_space, EACCES, EPERM and EROFS permission, ENOENT not_found, the rest io.
Error system_error(int error_number, std::string_view what);

// Throws system_error(errno, what).
[[noreturn]] void throw_errno(std::string_view what);

// Runs `body`; an Error that leaves it gets `context` added. `context` may be text or a callable that makes it.
template <class Context, class Body>
decltype(auto) with_context(Context&& context, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (Error& error) {
        if constexpr (std::is_invocable_v<Context>) {
            error.context(context());
        } else {
            error.context(std::string(context));
        }
        throw;
    }
}

}  // namespace gbuild
