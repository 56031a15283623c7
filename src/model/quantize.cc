// SPDX-License-Identifier: Apache-2.0
//
// A checkpoint in, a GGUF out, one chunk of rows in memory at a time. Rows are independent, so the
// result does not depend on the number of threads.
#include "gemma2/quantize.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <new>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "check.h"
#include "model/gguf_keys.h"
#include "model/tokenizer_load.h"
#include "quant/checkpoint.h"
#include "quant/formats.h"
#include "quant/gguf_writer.h"
#include "quant/output_file.h"
#include "thread_pool.h"
#include "topology.h"

namespace gemma2 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunkFloats = std::size_t{1} << 22;  // 16 MiB
constexpr std::size_t kCopyBytes = std::size_t{1} << 24;

struct PlannedTensor {
  TensorInfo source;
  const Format* target = nullptr;
  std::uint64_t bytes = 0;
  std::string label;  // the name, and why the type is not the one asked for
};

bool is_matrix(const TensorInfo& tensor) noexcept {
  return tensor.shape.size() == 2;
}
int cols_of(const TensorInfo& tensor) {
  return static_cast<int>(tensor.shape.back());
}

const Format& wanted_format(const TensorInfo& tensor, const QuantizeOptions& options) {
  if (!is_matrix(tensor)) return format_of(DType::f32);
  const Format& matrices = format_of(options.matrices);
  if (tensor.name != "token_embd.weight") return matrices;
  if (options.embedding) return format_of(*options.embedding);
  const Format& least = format_of(DType::q6_k);
  return matrices.bits_per_weight < least.bits_per_weight ? least : matrices;
}

PlannedTensor plan_tensor(const TensorInfo& tensor, const QuantizeOptions& options) {
  PlannedTensor plan = {tensor, &wanted_format(tensor, options), 0, tensor.name};
  const int cols = cols_of(tensor);
  if (cols % plan.target->block_size != 0) {
    const int block = plan.target->block_size;
    const DType fallback =
        cols % format_of(DType::q8_0).block_size == 0 ? DType::q8_0 : DType::bf16;
    plan.target = &format_of(fallback);
    plan.label = fmt::format("{} ({}: {} columns are no multiple of {})", tensor.name,
                             plan.target->name, cols, block);
  }
  const std::uint64_t rows = is_matrix(tensor) ? static_cast<std::uint64_t>(tensor.shape[0]) : 1;
  plan.bytes = rows * row_bytes(*plan.target, cols);
  return plan;
}

std::string make_header(const Checkpoint& checkpoint, const std::vector<PlannedTensor>& plan,
                        DType matrices) {
  GgufWriter writer;
  add_gguf_keys(writer, checkpoint, matrices);
  for (const PlannedTensor& tensor : plan) {
    const std::vector<std::uint64_t> dims(tensor.source.shape.rbegin(), tensor.source.shape.rend());
    writer.add_tensor(tensor.source.name, dims, tensor.target->gguf_type, tensor.bytes);
  }
  return writer.header();
}

/// Counts what has been written and tells the caller.
class Progress {
 public:
  Progress(const QuantizeOptions& options, std::uint64_t total)
      : report_(options.progress), total_(total) {}

  void begin(const std::string& label) {
    label_ = &label;
    add(0);
  }
  void add(std::uint64_t bytes) {
    done_ += bytes;
    if (report_) report_(static_cast<double>(done_) / static_cast<double>(total_), *label_);
  }

 private:
  const std::function<void(double, std::string_view)>& report_;
  const std::string* label_ = nullptr;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
};

class Converter {
 public:
  Converter(const Checkpoint& checkpoint, OutputFile& out, Progress& progress, int num_threads)
      : checkpoint_(checkpoint), out_(out), progress_(progress), pool_(num_threads) {}

  void write(const PlannedTensor& tensor) {
    progress_.begin(tensor.label);
    if (!is_matrix(tensor.source)) {
      const std::vector<float> values = checkpoint_.norm(tensor.source.name);
      write_out(std::as_bytes(std::span(values)));
    } else if (tensor.target->type == tensor.source.type) {
      copy(tensor);
    } else {
      convert(tensor);
    }
    out_.pad(kGgufAlignment);
  }

 private:
  void write_out(std::span<const std::byte> bytes) {
    out_.write(bytes);
    progress_.add(bytes.size());
  }

  void copy(const PlannedTensor& tensor) {
    const TensorView view = checkpoint_.matrix(tensor.source.name);
    std::span<const std::byte> left(view.data, tensor.source.bytes);
    while (!left.empty()) {
      const auto piece = left.first(std::min(left.size(), kCopyBytes));
      write_out(piece);
      checkpoint_.release(piece);
      left = left.subspan(piece.size());
    }
  }

  void convert(const PlannedTensor& tensor) {
    const TensorView view = checkpoint_.matrix(tensor.source.name);
    const auto cols = static_cast<std::size_t>(view.cols);
    const int chunk = static_cast<int>(std::clamp<std::size_t>(kChunkFloats / cols, 1, 65'536));
    for (int first = 0; first < view.rows; first += chunk) {
      const int rows = std::min(chunk, view.rows - first);
      convert_rows(view, *tensor.target, first, rows, tensor.source.name);
    }
  }

  void convert_rows(const TensorView& view, const Format& target, int first, int rows,
                    const std::string& name) {
    const Format& source = format_of(view.type);
    const auto cols = static_cast<std::size_t>(view.cols);
    const std::size_t in_stride = row_bytes(source, view.cols);
    const std::size_t out_stride = row_bytes(target, view.cols);
    const std::byte* in = view.data + static_cast<std::size_t>(first) * in_stride;
    floats_.resize(static_cast<std::size_t>(rows) * cols);
    encoded_.resize(static_cast<std::size_t>(rows) * out_stride);
    std::atomic<int> bad_row{-1};
    pool_.parallel_for(
        rows, std::max(1, rows / (8 * pool_.num_threads())), [&](int begin, int end) {
          for (int row = begin; row < end; ++row) {
            const auto index = static_cast<std::size_t>(row);
            float* values = floats_.data() + index * cols;
            source.decode_row(values, in + index * in_stride, view.cols);
            if (!std::all_of(values, values + cols, [](float x) { return std::isfinite(x); })) {
              bad_row = first + row;
            }
            target.encode_row(encoded_.data() + index * out_stride, values, view.cols);
          }
        });
    require(bad_row < 0, ErrorCode::malformed_file,
            "tensor '{}': expected finite weights, found others in row {}", name, bad_row.load());
    write_out(encoded_);
    checkpoint_.release({in, static_cast<std::size_t>(rows) * in_stride});
  }

  const Checkpoint& checkpoint_;
  OutputFile& out_;
  Progress& progress_;
  ThreadPool pool_;
  std::vector<float> floats_;
  std::vector<std::byte> encoded_;
};

void check_output(const Checkpoint& checkpoint, const fs::path& input, const fs::path& output) {
  std::vector<fs::path> inputs = checkpoint.files();
  if (const auto* tokenizer = std::get_if<TokenizerFile>(&checkpoint.vocabulary())) {
    inputs.push_back(tokenizer->path);
    inputs.push_back(input / "config.json");
  }
  for (const fs::path& path : inputs) {
    std::error_code error;
    require(!fs::equivalent(path, output, error), ErrorCode::invalid_argument,
            "{}: expected another file than the input, found the same", output.string());
  }
}

void run(const fs::path& input, const fs::path& output, const QuantizeOptions& options,
         int threads) {
  const Checkpoint checkpoint = Checkpoint::open(input);
  (void)make_tokenizer_for(checkpoint);  // a model that can not be used is not worth hours
  check_output(checkpoint, input, output);
  std::vector<PlannedTensor> plan;
  std::uint64_t total = 0;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    plan.push_back(plan_tensor(tensor, options));
    total += plan.back().bytes;
  }
  const std::string header = make_header(checkpoint, plan, options.matrices);
  OutputFile out(output);
  out.write(std::as_bytes(std::span(header)));
  Progress progress(options, total);
  Converter converter(checkpoint, out, progress, threads);
  for (const PlannedTensor& tensor : plan) converter.write(tensor);
  out.commit();
}

}  // namespace

void quantize(const fs::path& input, const fs::path& output, const QuantizeOptions& options) {
  const int threads = thread_count(options.num_threads);
  try {
    run(input, output, options, threads);
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "{}: not enough memory to convert it", input.string());
  }
}

}  // namespace gemma2
