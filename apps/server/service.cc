// SPDX-License-Identifier: Apache-2.0
#include "service.h"

#include <array>
#include <chrono>
#include <ctime>
#include <iterator>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "gemma2/error.h"
#include "gemma2/version.h"

#include "answer_job.h"
#include "answers.h"
#include "api_error.h"
#include "batch.h"
#include "info_bodies.h"
#include "page_files.h"
#include "prompt_tokens.h"

namespace gemma2::server {
namespace {

std::int64_t now() {
  return std::time(nullptr);
}

/// "chatcmpl-" and 24 random hexadecimal digits.
std::string new_id(std::string_view kind) {
  std::random_device random;
  return fmt::format("{}-{:08x}{:08x}{:08x}", kind, random(), random(), random());
}

AnswerHead make_head(std::string_view kind, const AnswerRequest& request, const Running& running,
                     const ServerOptions& options) {
  return {.id = new_id(kind),
          .created = now(),
          .model = request.model.empty() ? options.model_name : request.model,
          .fingerprint = running.fingerprint};
}

void respond(Exchange& exchange, std::string body) {
  exchange.respond({.body = std::move(body)});
}

}  // namespace

Running::Running(const Model& shared_model, const SchedulerOptions& options)
    : model(shared_model),
      scheduler(model, options),
      context_length(options.cache.context_length > 0 ? options.cache.context_length
                                                      : model.config().context_length),
      created(now()),
      fingerprint(fmt::format("gemma2 {} {}", version(), model.backend_name())) {}

Service::Service(const ServerOptions& options, std::function<HttpStats()> http_stats)
    : options_(options), http_stats_(std::move(http_stats)) {}
Service::~Service() = default;

void Service::start(const Model& model) {
  owned_ = std::make_unique<Running>(model, options_.scheduler);
  running_ = owned_.get();
}

std::span<const Service::Route> Service::routes() {
  static constexpr std::array kRoutes{
      Route{"GET", "/models", &Service::models},
      Route{"GET", "/metrics", &Service::metrics},
      Route{"GET", "/props", &Service::props},
      Route{"GET", "/slots", &Service::slots},
      Route{"GET", "/tokenizer_info", &Service::tokenizer_info},
      Route{"POST", "/chat/completions", &Service::chat},
      Route{"POST", "/completions", &Service::completion},
      Route{"POST", "/completion", &Service::native_completion},
      Route{"POST", "/embeddings", &Service::embeddings},
      Route{"POST", "/tokenize", &Service::tokenize},
      Route{"POST", "/detokenize", &Service::detokenize},
      Route{"POST", "/apply-template", &Service::apply_template},
  };
  return kRoutes;
}

Running& Service::require_running() const {
  Running* running = running_;
  if (running == nullptr) throw ApiError::of_status(503, "Loading model");
  if (draining_) throw ApiError::of_status(503, "the server is shutting down");
  return *running;
}

void Service::handle(const std::shared_ptr<Exchange>& exchange) {
  std::string_view path = exchange->request().path;
  if (!path.starts_with(options_.url_prefix)) {
    throw ApiError::not_found(
        fmt::format("expected a path that begins with {}", options_.url_prefix), "not_found");
  }
  path.remove_prefix(options_.url_prefix.size());
  if (send_page(*exchange)) return;
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  dispatch(exchange, path);
}

void Service::dispatch(const std::shared_ptr<Exchange>& exchange, std::string_view path) {
  constexpr std::string_view kModel = "/models/";
  const std::string& asked = exchange->request().method;
  const std::string_view method = asked == "HEAD" ? "GET" : std::string_view(asked);
  if (path == "/health" && method == "GET") return health(*exchange);
  if (path.starts_with(kModel) && method == "GET") {
    if (path.substr(kModel.size()) != options_.model_name) {
      throw ApiError::not_found("this server has no model of that name; /v1/models lists the one",
                                "model_not_found");
    }
    return respond(*exchange, model_body(require_running(), options_));
  }
  std::string_view allowed = path == "/health" ? "GET" : "";
  for (const Route& route : routes()) {
    if (route.path != path) continue;
    if (route.method == method) return run(route.handler, exchange);
    allowed = route.method;
  }
  if (allowed.empty()) {
    throw ApiError::not_found("no such path; /v1/chat/completions is one", "not_found");
  }
  HttpResponse response =
      ApiError::of_status(405, fmt::format("expected the method {}", allowed)).response();
  response.headers.emplace_back("Allow", allowed);
  exchange->respond(std::move(response));
}

void Service::run(Handler handler, const std::shared_ptr<Exchange>& exchange) {
  Running& running = require_running();
  try {
    (this->*handler)(exchange, running);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::busy) throw;
    throw ApiError::busy(
        "too many requests wait already",
        metrics_.retry_after(running.scheduler.stats(), options_.scheduler.max_running));
  }
}

bool Service::send_page(Exchange& exchange) const {
  const HttpRequest& request = exchange.request();
  std::string_view path = request.path;
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (!options_.page || !reads || !path.starts_with(options_.url_prefix)) return false;
  path.remove_prefix(options_.url_prefix.size());
  if (path.empty()) {  // the page's own addresses are relative to a folder
    exchange.respond({.status = 308, .headers = {{"Location", options_.url_prefix + "/"}}});
    return true;
  }
  for (const PageFile& file : page_files()) {
    if (file.path != path) continue;
    HttpResponse response;
    response.content_type = file.content_type;
    response.headers = {{"ETag", std::string(file.etag)},
                        {"Cache-Control", "no-cache"},
                        {"Content-Security-Policy", std::string(kPagePolicy)},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"}};
    if (request.header("if-none-match") == file.etag) {
      response.status = 304;
    } else {
      response.body = file.body;
    }
    exchange.respond(std::move(response));
    return true;
  }
  return false;
}

void Service::health(Exchange& exchange) const {
  static_cast<void>(require_running());
  respond(exchange, "{\"status\":\"ok\"}\n");
}

void Service::metrics(const std::shared_ptr<Exchange>& exchange, Running& running) {
  if (!options_.metrics) throw ApiError::not_found("/metrics is switched off", "not_found");
  exchange->respond({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                     .body = metrics_.text(running.scheduler.stats(), http_stats_(),
                                           options_.scheduler, running.context_length)});
}

void Service::props(const std::shared_ptr<Exchange>& exchange, Running& running) {
  respond(*exchange, props_body(running, options_));
}

void Service::slots(const std::shared_ptr<Exchange>& exchange, Running& running) {
  if (!options_.slots) throw ApiError::not_found("/slots is switched off", "not_found");
  const bool asks_for_one = exchange->request().query.find("fail_on_no_slot") != std::string::npos;
  if (asks_for_one && running.scheduler.stats().running >= options_.scheduler.max_running) {
    throw ApiError::of_status(503, "no slot is free");
  }
  respond(*exchange, slots_body(running, options_));
}

void Service::models(const std::shared_ptr<Exchange>& exchange, Running& running) {
  respond(*exchange, models_body(running, options_));
}

void Service::tokenizer_info(const std::shared_ptr<Exchange>& exchange, Running& running) {
  respond(*exchange, tokenizer_info_body(running.model.tokenizer()) + "\n");
}

void Service::chat(const std::shared_ptr<Exchange>& exchange, Running& running) {
  const Tokenizer& tokenizer = running.model.tokenizer();
  auto request = std::make_shared<const ChatRequest>(
      parse_chat_request(exchange->request().body, options_.defaults));
  std::vector<TokenId> prompt = encode_messages(tokenizer, *request);
  require_room(prompt, running.context_length, request->options.max_tokens != 0);
  AnswerJob job{.exchange = exchange, .request = request};
  job.prompts.push_back({std::move(prompt)});
  job.format =
      make_chat_format(make_head("chatcmpl", *request, running, options_), *request, tokenizer);
  check_bias(*request, running.model.config().vocab_size);
  run_answer(running.scheduler, metrics_, std::move(job), options_.request_timeout);
}

void Service::completion(const std::shared_ptr<Exchange>& exchange, Running& running) {
  complete(exchange, running,
           parse_completion_request(exchange->request().body, options_.defaults));
}

void Service::native_completion(const std::shared_ptr<Exchange>& exchange, Running& running) {
  complete(exchange, running,
           parse_native_completion_request(exchange->request().body, options_.defaults));
}

void Service::complete(const std::shared_ptr<Exchange>& exchange, Running& running,
                       CompletionRequest parsed) {
  const Tokenizer& tokenizer = running.model.tokenizer();
  const auto request = std::make_shared<const CompletionRequest>(std::move(parsed));
  AnswerJob job{.exchange = exchange, .request = request};
  const bool one = request->prompts.size() == 1;
  for (std::size_t i = 0; i < request->prompts.size(); ++i) {
    const std::string param = one ? "prompt" : fmt::format("prompt[{}]", i);
    job.prompts.push_back(
        encode_prompt(tokenizer, request->prompts[i], param, request->add_special_tokens));
    require_room(job.prompts.back().tokens, running.context_length,
                 request->options.max_tokens != 0);
  }
  job.format =
      make_completion_format(make_head("cmpl", *request, running, options_), *request, tokenizer);
  check_bias(*request, running.model.config().vocab_size);
  run_answer(running.scheduler, metrics_, std::move(job), options_.request_timeout);
}

void Service::embeddings(const std::shared_ptr<Exchange>& exchange, Running& running) {
  const auto asked = std::make_shared<const EmbeddingRequest>(
      parse_embedding_request(exchange->request().body, options_.defaults));
  const int width = running.model.config().hidden_size;
  if (asked->dimensions.value_or(width) != width) {
    throw ApiError::invalid(
        "dimensions", fmt::format("expected {}, which is what this model has, found {}", width,
                                  *asked->dimensions));
  }
  std::vector<Request> requests;
  for (std::size_t i = 0; i < asked->inputs.size(); ++i) {
    const std::string param = asked->inputs.size() == 1 ? "input" : fmt::format("input[{}]", i);
    Request request;
    request.context = encode_prompt(running.model.tokenizer(), asked->inputs[i], param).tokens;
    require_room(request.context, running.context_length, false);
    request.options = {.max_tokens = 0, .embedding = true, .cancel = exchange->gone()};
    requests.push_back(std::move(request));
  }
  const auto answer = [exchange, asked](const std::vector<const GenerateResult*>& results) {
    std::vector<std::vector<float>> embeddings;
    int tokens = 0;
    for (const GenerateResult* result : results) {
      embeddings.push_back(result->embedding);
      tokens += result->prompt_tokens;
    }
    respond(*exchange, embeddings_body(*asked, embeddings, tokens) + "\n");
  };
  run_batch(running.scheduler, std::move(requests),
            {.accepted = [] {},
             .finished = [](std::size_t, const GenerateResult&) {},
             .all_finished = answer,
             .failed =
                 [exchange](const std::exception_ptr& error) {
                   exchange->respond(api_error(error).response());
                 }});
}

void Service::tokenize(const std::shared_ptr<Exchange>& exchange, Running& running) {
  const Tokenizer& tokenizer = running.model.tokenizer();
  const TokenizeRequest request =
      parse_tokenize_request(exchange->request().body, options_.defaults);
  std::vector<TokenId> tokens;
  if (request.text) {
    tokens = tokenizer.encode(
        *request.text, {.add_bos = request.add_special, .parse_special = request.parse_special});
  } else {
    tokens = encode_chat(tokenizer, request.messages, request.chat);
  }
  respond(*exchange, tokenize_body(request, tokens, tokenizer, running.context_length) + "\n");
}

void Service::detokenize(const std::shared_ptr<Exchange>& exchange, Running& running) {
  const Tokenizer& tokenizer = running.model.tokenizer();
  const DetokenizeRequest request =
      parse_detokenize_request(exchange->request().body, options_.defaults);
  check_tokens(request.tokens, tokenizer.vocab_size(), "tokens");
  respond(*exchange, detokenize_body(tokenizer.decode(request.tokens)) + "\n");
}

void Service::apply_template(const std::shared_ptr<Exchange>& exchange, Running& running) {
  const Tokenizer& tokenizer = running.model.tokenizer();
  const ChatRequest request = parse_template_request(exchange->request().body, options_.defaults);
  const std::vector<TokenId> tokens = encode_messages(tokenizer, request);
  respond(*exchange, detokenize_body(tokenizer.decode(tokens, {.show_special = true})) + "\n");
}

}  // namespace gemma2::server
