#include "gbuild/cli/error_text.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <system_error>

#include <fmt/format.h>

#include "gbuild/base/hidden_logins.h"
#include "gbuild/base/text.h"
#include "gbuild/cli/display.h"
#include "gbuild/cli/styled_text.h"

namespace gbuild::cli {

namespace {

constexpr std::string_view red = "\x1b[1;31m", magenta = "\x1b[1;35m", cyan = "\x1b[1;36m", bold = "\x1b[1m";

std::string paint(std::string_view text, std::string_view escape, Color color) {
    if (color == Color::off) return std::string(text);
    return fmt::format("{}{}\x1b[0m", escape, text);
}

std::string place(const std::optional<SourceSpan>& span) {
    if (!span) return "gbuild";
    std::string text = safe_text(span->file);
    if (span->line > 0) text += fmt::format(":{}", span->line);
    if (span->line > 0 && span->column > 0) text += fmt::format(":{}", span->column);
    return text;
}

// A source line made safe to print, with the columns that a span of its bytes takes.
struct Excerpt {
    std::string text;
    int start = 0;
    int length = 0;  // 0: nothing to underline
};

Glyph source_glyph(std::string_view text) {
    if (text[0] == '\t') return {1, "    ", 4};
    return first_glyph(text);
}

Excerpt make_excerpt(const SourceSpan& span) {
    constexpr int widest = 100, lead = 30;
    auto first = static_cast<size_t>(std::max(0, span.column - 1));
    size_t end = first + static_cast<size_t>(std::max(1, span.length));
    std::vector<Glyph> glyphs;
    Excerpt excerpt;
    const std::string source = with_hidden_logins(span.source);
    std::string_view rest = source;
    size_t offset = 0;
    int column = 0;
    while (!rest.empty()) {
        Glyph glyph = source_glyph(rest);
        if (offset < first) excerpt.start += glyph.columns;
        if (offset >= first && offset < end) excerpt.length += glyph.columns;
        offset += glyph.bytes;
        column += glyph.columns;
        rest.remove_prefix(glyph.bytes);
        glyphs.push_back(std::move(glyph));
    }
    if (span.column > 0)
        excerpt.length = std::max(1, excerpt.length);  // a place just past the end of the line
    else
        excerpt.length = 0;
    // A long line is shown from a little before the place on.
    int skip = column > widest && excerpt.start > widest - lead ? excerpt.start - lead : 0;
    int at = 0;
    for (const auto& glyph : glyphs) {
        if (at >= skip)
            excerpt.text += glyph.text;
        else if (at + glyph.columns >= skip)
            skip = at + glyph.columns;
        at += glyph.columns;
    }
    if (skip > 0) {
        excerpt.text = "…" + excerpt.text;
        excerpt.start -= skip - 1;
    }
    excerpt.text = clip(excerpt.text, widest);
    excerpt.length = std::min(excerpt.length, std::max(1, display_width(excerpt.text) - excerpt.start));
    return excerpt;
}

std::string excerpt_text(const std::optional<SourceSpan>& span, Color color) {
    if (!span || span->line <= 0 || span->source.empty()) return {};
    Excerpt excerpt = make_excerpt(*span);
    std::string text = fmt::format("{:5} | {}\n", span->line, excerpt.text);
    text.erase(text.find_last_not_of(" \n") + 1);
    text += '\n';
    if (span->column == 0) return text;
    std::string caret = "^" + std::string(static_cast<size_t>(std::max(0, excerpt.length - 1)), '~');
    return text + fmt::format("      | {:{}}{}\n", "", excerpt.start, paint(caret, red, color));
}

std::string hint_text(const std::string& hint, Color color) {
    if (hint.empty()) return {};
    return fmt::format("{} {}\n", paint("hint:", cyan, color), safe_text(hint));
}

std::string head(const std::optional<SourceSpan>& span, std::string_view label, std::string_view message, Color color) {
    return fmt::format("{} {} {}", paint(place(span) + ":", bold, color), label, safe_text(message));
}

std::string output_tail(const std::vector<std::string>& lines, Color color) {
    std::string text = "the last lines of its output:\n";
    StyledText styled(color);
    for (const auto& line : lines) text += fmt::format("      | {}\n", styled.line(line));
    return text;
}

}  // namespace

std::string error_text(const Error& error, Color color, OutputTail tail) {
    // Which step it was is nobody's fault.
    if (error.kind() == ErrorKind::interrupted) return fmt::format("gbuild: {}\n", safe_text(error.message()));
    std::string text = head(error.span(), paint("error:", red, color), error.message(), color) + "\n";
    text += excerpt_text(error.span(), color);
    for (const auto& context : error.context()) {
        bool complete = context.rfind("while ", 0) == 0;
        text += fmt::format("  {}{}\n", complete ? "" : "while ", safe_text(context));
    }
    if (tail == OutputTail::shown && !error.output().empty()) text += output_tail(error.output(), color);
    return text + hint_text(error.hint(), color);
}

std::string failure_text(const Error& error, const Console& console, OutputTail tail) {
    const bool behind_key = error.kind() == ErrorKind::interrupted && console.err.is_terminal();
    return (behind_key ? "\n" : "") + error_text(error, console.color(console.err), tail);
}

namespace {

std::string labelled_text(const Warning& warning, const std::string& label, Color color) {
    std::string text = head(warning.span, label, warning.message, color);
    if (!warning.id.empty()) text += fmt::format(" [{}]", safe_text(warning.id));
    return text + "\n" + excerpt_text(warning.span, color) + hint_text(warning.hint, color);
}

}  // namespace

std::string warning_text(const Warning& warning, Color color) {
    return labelled_text(warning, paint("warning:", magenta, color), color);
}

namespace {

std::string severity_label(check::Severity severity, Color color) {
    using check::Severity;
    const std::string_view escape = severity == Severity::error ? red : severity == Severity::warning ? magenta : cyan;
    return paint(fmt::format("{}:", severity_name(severity)), escape, color);
}

}  // namespace

std::string finding_text(const check::Finding& finding, Color color) {
    return labelled_text(finding.warning, severity_label(finding.severity, color), color);
}

std::string finding_line(const check::Finding& finding, Color color) {
    const Warning& warning = finding.warning;
    const std::string hint = warning.hint.empty() ? "" : "; " + warning.hint;
    return fmt::format("{} [{}]\n",
                       head(warning.span, severity_label(finding.severity, color), warning.message + hint, color),
                       safe_text(warning.id));
}

Error as_error(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error(ErrorKind::io, "out of memory")
            .hint("fewer --jobs need less; if it is limited (ulimit -v, or the container's limit), raise the limit");
    } catch (const std::filesystem::filesystem_error& error) {
        return system_error(error.code().value(), fmt::format("cannot use {}", quoted(error.path1().string())));
    } catch (const std::system_error& error) {
        if (error.code().category() != std::system_category() && error.code().category() != std::generic_category()) {
            return Error(ErrorKind::io, error.what());
        }
        // The standard library's own, nearly always of a thread that cannot be started.
        return system_error(error.code().value(), "the system refuses what gbuild needs, such as one more thread")
            .hint("raise the limits on threads (ulimit -u, or the container's) and on memory (ulimit -v), or use fewer "
                  "--jobs");
    } catch (const std::exception& error) {
        return Error(ErrorKind::internal, fmt::format("internal error: {}", error.what()))
            .hint("this is a bug in gbuild; please report it");
    } catch (...) {
        return Error(ErrorKind::internal, "internal error of an unknown kind")
            .hint("this is a bug in gbuild; please report it");
    }
}

}  // namespace gbuild::cli
