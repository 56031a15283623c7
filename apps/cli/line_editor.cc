// SPDX-License-Identifier: Apache-2.0
//
// The editor is libedit with its Emacs keys, and with these of ours:
//   Ctrl-J  a newline in the line. libedit takes it for Enter, because it lets the terminal turn
//           one into the other; here the terminal leaves both as they are.
//   Ctrl-C  leaves. As a key rather than as a signal, so that the terminal is put in order first.
//   Ctrl-Z  stops the program; as a key for the same reason.
//   Ctrl-R  searches the history, TAB completes, and a paste is inserted as it is, newlines too:
//           terminals that know bracketed paste say where it begins and ends.
// libedit's wide interface is used: its narrow one counts bytes as columns.
#include "line_editor.h"

#include <algorithm>
#include <climits>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cwchar>

#include <histedit.h>

#include "history_file.h"
#include "interrupt.h"
#include "style.h"

namespace gemma2::cli {
namespace {

constexpr wchar_t kEscapeMark = L'\1';  // encloses what takes no room on the screen
constexpr std::wstring_view kPasteEnd = L"\033[201~";

/// Characters have their widths only under a locale of UTF-8; machines without one configured
/// have terminals of UTF-8 all the same.
void choose_locale() {
  std::setlocale(LC_CTYPE, "");
  wchar_t character = 0;
  const bool utf8 = std::mbtowc(&character, "\xC3\xA9", 2) == 2 && character == 0xE9;
  if (!utf8) std::setlocale(LC_CTYPE, "C.UTF-8");
}

std::string narrow(std::wstring_view text) {
  std::string out;
  for (const wchar_t character : text) {
    char bytes[MB_LEN_MAX];
    const int count = std::wctomb(bytes, character);
    if (count > 0) out.append(bytes, static_cast<std::size_t>(count));
  }
  return out;
}

std::wstring widen(std::string_view text) {
  std::wstring out;
  while (!text.empty()) {
    wchar_t character = 0;
    const int count = std::mbtowc(&character, text.data(), text.size());
    if (count > 0) out += character;
    text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 1);
  }
  return out;
}

/// `text` and a space, which has no style: libedit ties each escape sequence to the character
/// behind it, and drops one that stands at the end.
std::wstring styled(std::string_view style, std::string_view text) {
  if (style.empty() || text.empty()) return widen(text) + L' ';
  const std::wstring mark(1, kEscapeMark);
  return mark + L"\033[" + widen(style) + L"m" + mark + widen(text) + mark + L"\033[0m" + mark +
         L' ';
}

std::string common_prefix(const std::vector<std::string>& words) {
  std::string prefix = words.front();
  for (const std::string& word : words) {
    const auto end = std::mismatch(prefix.begin(), prefix.end(), word.begin(), word.end()).first;
    prefix.erase(end, prefix.end());
  }
  return prefix;
}

class Libedit : public LineEditor {
 public:
  Libedit(std::FILE* screen, Completer completer)
      : screen_(screen), completer_(std::move(completer)) {
    choose_locale();
    editor_ = el_init("gemma2-cli", stdin, screen, screen);
    history_ = history_winit();
    if (editor_ == nullptr || history_ == nullptr) return;
    HistEventW event;
    history_w(history_, &event, H_SETSIZE, static_cast<int>(kHistoryEntries));
    history_w(history_, &event, H_SETUNIQUE, 1);
    el_wset(editor_, EL_CLIENTDATA, this);
    el_wset(editor_, EL_EDITOR, L"emacs");
    el_wset(editor_, EL_HIST, history_w, history_);
    el_wset(editor_, EL_SIGNAL, 1);  // a new size of the window is one
    el_wset(editor_, EL_PROMPT_ESC, left_prompt, kEscapeMark);
    el_wset(editor_, EL_RPROMPT_ESC, right_prompt, kEscapeMark);
    el_wset(editor_, EL_SETTY, L"-d", L"-icrnl", L"-inlcr", L"-isig", nullptr);
    bind_keys();
    el_source(editor_, nullptr);  // ~/.editrc: the user's own keys
  }

  ~Libedit() override {
    if (editor_ != nullptr) el_end(editor_);
    if (history_ != nullptr) history_wend(history_);
  }

  [[nodiscard]] bool is_open() const { return editor_ != nullptr && history_ != nullptr; }

  bool read(const Prompt& prompt, const std::string& typed, std::string& line) override {
    left_ = styled(prompt.style, prompt.text);
    right_.clear();
    if (terminal_is_capable() && !prompt.right.empty()) {
      right_ = styled(prompt.style.empty() ? "" : kFaint, prompt.right);
    }
    interrupted_ = false;
    // Of its own accord, libedit does so after the prompt is there and somebody types already.
    el_wset(editor_, EL_PREP_TERM, 1);
    bracket_pastes(true);
    if (!typed.empty()) el_wpush(editor_, widen(typed).c_str());
    int count = 0;
    const wchar_t* found = el_wgets(editor_, &count);
    bracket_pastes(false);
    const bool ended = found == nullptr || count <= 0 || interrupted_;
    if (ended) std::fputc('\n', screen_);
    std::fflush(screen_);
    if (interrupted_) throw Interrupted{};
    if (ended) return false;
    std::wstring_view text(found, static_cast<std::size_t>(count));
    if (text.ends_with(L'\n') || text.ends_with(L'\r')) text.remove_suffix(1);
    line = narrow(text);
    return true;
  }

  void remember(const std::string& line) override {
    HistEventW event;
    history_w(history_, &event, H_ENTER, widen(line).c_str());
  }

 private:
  static Libedit& of(EditLine* editor) {
    void* self = nullptr;
    el_wget(editor, EL_CLIENTDATA, &self);
    return *static_cast<Libedit*>(self);
  }

  static wchar_t* left_prompt(EditLine* editor) { return of(editor).left_.data(); }
  static wchar_t* right_prompt(EditLine* editor) { return of(editor).right_.data(); }

  void bind(const wchar_t* key, const wchar_t* name, unsigned char (*function)(EditLine*, wint_t)) {
    el_wset(editor_, EL_ADDFN, name, L"of gemma2-cli", function);
    el_wset(editor_, EL_BIND, key, name, nullptr);
  }

  void bind_keys() {
    bind(L"^J", L"insert-newline", insert_newline);
    bind(L"^C", L"leave", leave);
    bind(L"^Z", L"suspend", suspend);
    bind(L"^I", L"complete", complete);
    bind(L"\\e[200~", L"paste", paste);
    el_wset(editor_, EL_BIND, L"^R", L"em-inc-search-prev", nullptr);
  }

  void bracket_pastes(bool on) {
    if (!terminal_is_capable()) return;
    std::fputs(on ? "\033[?2004h" : "\033[?2004l", screen_);
    std::fflush(screen_);
  }

  static unsigned char insert_newline(EditLine* editor, wint_t /*key*/) {
    return el_winsertstr(editor, L"\n") == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
  }

  static unsigned char leave(EditLine* editor, wint_t /*key*/) {
    of(editor).interrupted_ = true;
    return CC_EOF;
  }

  static unsigned char suspend(EditLine* editor, wint_t /*key*/) {
    of(editor).bracket_pastes(false);
    std::raise(SIGTSTP);  // libedit's handler lends the terminal back, and takes it again later
    of(editor).bracket_pastes(true);
    return CC_REDISPLAY;
  }

  static unsigned char paste(EditLine* editor, wint_t /*key*/) {
    std::wstring text;
    for (wchar_t c = 0; !text.ends_with(kPasteEnd) && el_wgetc(editor, &c) == 1;) {
      text += c == L'\r' ? L'\n' : c;
    }
    if (text.ends_with(kPasteEnd)) text.resize(text.size() - kPasteEnd.size());
    std::erase_if(text, [](wchar_t c) { return c < L' ' && c != L'\n' && c != L'\t'; });
    return el_winsertstr(editor, text.c_str()) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
  }

  static unsigned char complete(EditLine* editor, wint_t /*key*/) {
    const LineInfoW* info = el_wline(editor);
    const std::string before =
        narrow({info->buffer, static_cast<std::size_t>(info->cursor - info->buffer)});
    const Completions found = of(editor).completer_(before);
    if (found.words.empty()) return CC_REFRESH_BEEP;
    const std::string typed = before.substr(found.begin);
    const std::string prefix = common_prefix(found.words);
    if (prefix != typed) {
      el_deletestr(editor, static_cast<int>(widen(typed).size()));
      return el_winsertstr(editor, widen(prefix).c_str()) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
    }
    if (found.words.size() == 1) return CC_REFRESH_BEEP;
    of(editor).list(found.words);
    return CC_REDISPLAY;
  }

  void list(const std::vector<std::string>& words) {
    std::fputc('\n', screen_);
    for (std::string word : words) {
      if (word.ends_with(' ')) word.pop_back();
      std::fprintf(screen_, "%s  ", word.c_str());
    }
    std::fputc('\n', screen_);
  }

  std::FILE* screen_;
  Completer completer_;
  EditLine* editor_ = nullptr;
  HistoryW* history_ = nullptr;
  std::wstring left_ = {};
  std::wstring right_ = {};
  bool interrupted_ = false;
};

}  // namespace

std::unique_ptr<LineEditor> LineEditor::open(std::FILE* screen, Completer completer) {
  auto editor = std::make_unique<Libedit>(screen, std::move(completer));
  if (!editor->is_open()) return nullptr;
  return editor;
}

}  // namespace gemma2::cli
