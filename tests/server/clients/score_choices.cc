// SPDX-License-Identifier: Apache-2.0
//
// score_choices MODEL.gguf CHOICES.jsonl: what the library says of each ending of each question, as
// JSON lines of [log-likelihood, whether greedy decoding would say it]: what lm-eval is held to.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "gemma2/gemma2.h"

#include <nlohmann/json.hpp>

namespace gemma2::test {
namespace {

using nlohmann::json;

/// The ending's tokens are those of the whole text behind as many as the beginning has.
json score(const Model& model, const std::string& question, const std::string& ending) {
  const Tokenizer& tokenizer = model.tokenizer();
  const std::vector<TokenId> begun = tokenizer.encode(question);
  const std::vector<TokenId> whole = tokenizer.encode(question + ending);
  Session session(model);
  session.prefill(TokenSpan(whole).first(begun.size()));
  double sum = 0;
  bool greedy = true;
  for (std::size_t i = begun.size(); i < whole.size(); ++i) {
    greedy = greedy && session.best() == whole[i];
    sum += static_cast<double>(logprob(session.logits(), whole[i]));
    session.decode(whole[i]);
  }
  return json::array({sum, greedy});
}

}  // namespace
}  // namespace gemma2::test

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const gemma2::Model model = gemma2::Model::load(argv[1]);
  std::ifstream questions(argv[2]);
  for (std::string line; std::getline(questions, line);) {
    const nlohmann::json doc = nlohmann::json::parse(line);
    nlohmann::json scores = nlohmann::json::array();
    for (const nlohmann::json& choice : doc["choices"]) {
      // lm-eval puts a space between the two.
      scores.push_back(
          gemma2::test::score(model, doc["question"], " " + choice.get<std::string>()));
    }
    std::cout << scores.dump() << "\n";
  }
}
