// SPDX-License-Identifier: Apache-2.0
//
// The form that an answer must have. It fails closed: what can not be held to is refused here, and
// two forms at a time are one too many.
#include <fmt/format.h>

#include "gemma2/error.h"

#include "answer_fields.h"
#include "api_error.h"
#include "printable_text.h"

namespace gemma2::server {
namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxReason = 400;
constexpr std::size_t kMaxSchemaText = std::size_t{256} << 10U;

/// A form and the field that asked for it.
struct Form {
  std::string field = {};
  std::optional<Grammar> grammar = {};
};

Grammar compile(const std::string& schema, const std::string& path) {
  try {
    return Grammar::json_schema(schema);
  } catch (const Error& error) {
    const std::string message = fmt::format("{}: {}", path, quotable(error.what(), kMaxReason));
    if (error.code() == ErrorCode::unsupported) throw ApiError::unsupported(path, message);
    throw ApiError::invalid(path, message);
  }
}

void set(Form& form, const std::string& field, Grammar grammar) {
  if (form.grammar) {
    throw ApiError::invalid(
        field,
        fmt::format("{}: expected one form for the answer, found {} as well", field, form.field));
  }
  form = {field, std::move(grammar)};
}

/// {"name": ..., "schema": {...}, "strict": ...}; every answer is held to it, strict or not.
void read_json_schema(Fields& format, Form& form) {
  const std::string path = format.path_of("json_schema");
  std::optional<Fields> wrapper = format.object("json_schema");
  if (!wrapper) {
    throw ApiError::invalid(path, path + ": expected an object with a schema, found none");
  }
  static_cast<void>(wrapper->text("name", kMaxName));
  static_cast<void>(wrapper->boolean({"strict"}));
  const JsonValue* schema = wrapper->find("schema");
  const std::string where = wrapper->path_of("schema");
  if (schema == nullptr) {
    throw ApiError::invalid(where, where + ": expected a JSON schema, found none");
  }
  set(form, "response_format", compile(to_text(*schema), where));
}

void read_response_format(Fields& fields, Form& form) {
  std::optional<Fields> format = fields.object("response_format");
  if (!format) return;
  const JsonValue* type = format->find("type");
  const std::string path = format->path_of("type");
  const std::string_view expected = "\"text\", \"json_object\" or \"json_schema\"";
  if (type == nullptr)
    throw ApiError::invalid(path, fmt::format("{}: expected {}", path, expected));
  const std::string& name = read_text(*type, path, kMaxName);
  if (name == "text") return;
  if (name == "json_schema") return read_json_schema(*format, form);
  if (name != "json_object") refuse(path, expected, *type);
  // llama.cpp's clients write the schema there.
  if (const JsonValue* schema = format->find("schema")) {
    set(form, "response_format", compile(to_text(*schema), format->path_of("schema")));
  } else {
    set(form, "response_format", Grammar::json_object());
  }
}

/// vLLM's: a schema, or the text of one.
void read_schema(Fields& fields, std::string_view name, Form& form) {
  const JsonValue* schema = fields.find(name);
  if (schema == nullptr) return;
  const std::string path = fields.path_of(name);
  const bool is_text = std::holds_alternative<std::string>(*schema);
  set(form, path,
      compile(is_text ? read_text(*schema, path, kMaxSchemaText) : to_text(*schema), path));
}

void read_structured_outputs(Fields& fields, Form& form) {
  std::optional<Fields> outputs = fields.object("structured_outputs");
  if (!outputs) return;
  read_schema(*outputs, "json", form);
  if (outputs->boolean({"json_object"}).value_or(false)) {
    set(form, outputs->path_of("json_object"), Grammar::json_object());
  }
  for (const JsonMember* other : outputs->others()) {
    if (other->value.is_null()) continue;
    const std::string path = outputs->path_of(quotable(other->key));
    throw ApiError::unsupported(path, path + ": not supported; use structured_outputs.json");
  }
}

}  // namespace

void read_grammar(Fields& fields, AnswerRequest& request) {
  Form form;
  read_response_format(fields, form);
  read_schema(fields, "json_schema", form);
  read_schema(fields, "guided_json", form);
  read_structured_outputs(fields, form);
  if (form.grammar && request.options.ignore_end) {
    throw ApiError::invalid("ignore_eos", fmt::format("ignore_eos: expected false beside {}, whose "
                                                      "texts end, found true",
                                                      form.field));
  }
  request.options.grammar = std::move(form.grammar);
}

}  // namespace gemma2::server
