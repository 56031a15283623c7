// SPDX-License-Identifier: Apache-2.0
//
// Answers that have a form: JSON, as free as any object or as strict as a JSON Schema.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gemma2/token_mask.h"
#include "gemma2/tokenizer.h"

namespace gemma2 {

/// A language of UTF-8 texts: any JSON object, or what a JSON Schema describes. Immutable, cheap to
/// copy; concurrent use is fine.
///
/// All texts of the language are valid; not every valid text is in it. Properties come in the order
/// in which the schema lists them. Without `additionalProperties`, an object with `properties` has
/// no others, and without `type` a schema is of the types that its keywords are about. White space
/// is at most one space after ':', and one space or a new line with up to 32 spaces before elements
/// and closing brackets. Numbers have at most 15 digits before and after the point and two in the
/// exponent, integers at most 18 and no fraction. Values nest at most 64 deep.
class GEMMA2_API Grammar {
 public:
  /// Any JSON object.
  [[nodiscard]] static Grammar json_object();

  /// What a schema of JSON Schema 2020-12 describes; at most 256 KiB. Supported are
  ///   type, enum, const (no other keyword but type beside these two), anyOf, oneOf whose
  ///   alternatives differ in type or are enumerations without a common value, allOf of one schema,
  ///   $ref to "#" or a pointer into the schema, recursive ones too, true and false;
  ///   properties, required, additionalProperties; items, prefixItems, minItems, maxItems;
  ///   minLength and maxLength; minimum, maximum, exclusiveMinimum, exclusiveMaximum of integers.
  /// title, description, default, examples, deprecated, readOnly, writeOnly, $comment, $schema and
  /// the outermost $id say nothing about texts and are allowed everywhere.
  /// Throws Error(unsupported) with the JSON pointer of any other keyword or form, and where a
  /// limit is exceeded: 1000 values of an enum, 1000 properties, counts of 1000, 10,000 states of
  /// the automaton. Throws Error(invalid_argument) for what is no JSON, no schema, or has no text.
  [[nodiscard]] static Grammar json_schema(std::string_view schema);

  struct Impl;
  explicit Grammar(std::shared_ptr<Impl> impl) noexcept;
  [[nodiscard]] Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<Impl> impl_;
};

/// Where a text that is being generated stands in a grammar. States of one grammar share what was
/// computed for any of them; each belongs to one thread at a time.
class GEMMA2_API GrammarState {
 public:
  GrammarState(const Grammar& grammar, const Tokenizer& tokenizer);
  GrammarState(GrammarState&& other) noexcept;
  GrammarState& operator=(GrammarState&& other) noexcept;
  GrammarState(const GrammarState&) = delete;
  GrammarState& operator=(const GrammarState&) = delete;
  ~GrammarState();

  /// An independent state at the same place.
  [[nodiscard]] GrammarState fork() const;

  /// Which tokens may come next; valid until the next call of allowed() or accept(). <eos> and
  /// <end_of_turn> are among them exactly where finished(). A vocabulary with a token for each byte
  /// always has one.
  [[nodiscard]] TokenMask allowed();

  /// Goes on by one token; those that end a generation change nothing.
  /// Throws Error(invalid_argument) if it is not allowed; the state is unchanged then.
  void accept(TokenId token);

  /// True if the text so far is a whole text of the language.
  [[nodiscard]] bool finished() const;

 private:
  struct Impl;
  explicit GrammarState(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gemma2
