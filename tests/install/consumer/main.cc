// SPDX-License-Identifier: Apache-2.0
//
// A stranger's program: loads the model named on its command line and says eight tokens.
#include <iostream>

#include <gemma2/gemma2.h>

int main(int argc, char** argv) try {
  const gemma2::Model model = gemma2::Model::load(argc > 1 ? argv[1] : "");
  gemma2::Session session(model);
  const gemma2::GenerateResult result = gemma2::generate(session, model.tokenizer().encode("hello"),
                                                         {.max_tokens = 8, .ignore_end = true});
  std::cout << "gemma2 " << gemma2::version() << ": " << result.tokens.size() << " tokens\n";
} catch (const gemma2::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
